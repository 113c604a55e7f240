package dbserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// errNotOurs answers faults of a server that was there before the tests.
var errNotOurs = errors.New("the server is not ours to disturb")

// fault does something to a server of ours, one thing at a time.
func (s *Server) fault(t testing.TB, do func() error) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	err := errNotOurs
	if s.dir != "" {
		err = do()
	}
	if err != nil {
		t.Errorf("%s: %v", s.Kind, err)
	}
}

// Kill ends every process of the server at one moment, as a power cut would, but
// for what the operating system has not written to disk yet. It does nothing to a
// server that is down.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.fault(t, func() error {
		if !s.process.alive() {
			return nil
		}
		return errors.Join(s.process.kill(), s.ended())
	})
}

// Stop ends the server cleanly, and does not wait for its clients. It does nothing
// to a server that is down.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.fault(t, func() error {
		if !s.process.alive() {
			return nil
		}
		s.process.thaw()
		return errors.Join(s.process.end(s.engine.clean(), endLimit), s.ended())
	})
}

// StopImmediate ends the server at once and tells its clients so, as
// pg_ctl stop -m immediate does: the next start recovers. MariaDB has no such
// thing and is killed.
func (s *Server) StopImmediate(t testing.TB) {
	t.Helper()
	s.fault(t, func() error {
		if !s.process.alive() {
			return nil
		}
		s.process.thaw()
		return errors.Join(s.process.end(s.engine.immediate(), endLimit), s.ended())
	})
}

// Start starts a server that is down, on the same data and the same port, and
// waits until it accepts. It does nothing to one that is up.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.fault(t, s.up)
}

// Pause freezes every process of the server: connections stay open, new ones are
// still taken by the operating system, and nobody answers. It does nothing to a
// server that is down.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	s.fault(t, func() error {
		if !s.process.alive() {
			return nil
		}
		s.paused = true
		pids, err := s.process.freeze()
		text := strings.Trim(fmt.Sprint(pids), "[]") + "\n"
		return errors.Join(err, os.WriteFile(filepath.Join(s.dir, pausedFile), []byte(text), 0o600))
	})
}

// Resume lets a paused server go on. It does nothing to one that is not paused.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	s.fault(t, func() error {
		if !s.process.alive() {
			return nil
		}
		s.process.thaw()
		s.paused = false
		return s.forget(pausedFile)
	})
}

// ended forgets whom the watchman would have to kill.
func (s *Server) ended() error {
	if s.process.alive() {
		return nil
	}
	s.paused = false
	return errors.Join(s.forget(pidFile), s.forget(pausedFile))
}
