package dbserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// fillerFile takes all room, in the directory of a server.
const fillerFile = "data/filler"

// HereWithRoom is Here for servers with the option Room: where a file system cannot be
// made, that is a thing that is not here.
func HereWithRoom(t testing.TB, kind Kind) bool {
	t.Helper()
	if !Here(t, kind) {
		return false
	}
	dir := t.TempDir()
	if err := mountRoom(dir, 1<<20, nil); err != nil {
		return DidNotRun(t, fmt.Sprintf("no file system can be made here (%v)", err))
	}
	if err := unmountRoom(dir); err != nil {
		t.Fatal(err)
	}
	return true
}

// makeRoom mounts the file system of the data.
func (s *Server) makeRoom() error {
	data := filepath.Join(s.dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	if err := mountRoom(data, s.options.Room, s.account); err != nil {
		return fmt.Errorf("make a file system for the data: %w", err)
	}
	return nil
}

// Fill takes all the room that is left to a server with the option Room, until Free.
func (s *Server) Fill(t testing.TB) {
	t.Helper()
	s.fault(t, func() error {
		if s.options.Room == 0 {
			return errors.New("the server has all the room there is")
		}
		f, err := os.OpenFile(filepath.Join(s.dir, fillerFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		for _, size := range []int{1 << 20, 1 << 12, 1} {
			for err = nil; err == nil; {
				_, err = f.Write(make([]byte, size))
			}
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return errors.Join(err, f.Close())
		}
		return f.Close()
	})
}

// Free gives the room back.
func (s *Server) Free(t testing.TB) {
	t.Helper()
	s.fault(t, func() error { return s.forget(fillerFile) })
}
