package newfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/newfile"
)

func text(s string) func(*os.File) error {
	return func(f *os.File) error {
		_, err := f.WriteString(s)
		return err
	}
}

func TestAFileIsForItsOwnerOnlyAndReplacesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := newfile.Write(path, text("first")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v, want mode 0600", info, err)
	}
	called := false
	err := newfile.Write(path, func(*os.File) error { called = true; return nil })
	if !errors.Is(err, fs.ErrExist) || called {
		t.Errorf("a second one: %v, filled: %v", err, called)
	}
	wantOnly(t, path, "first")
}

// Of many who make the same file one succeeds, also where none saw another's beforehand.
func TestOneOfManyMakesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	const many = 8
	var began, made sync.WaitGroup
	var succeeded atomic.Int32
	began.Add(many)
	for range many {
		made.Go(func() {
			err := newfile.Write(path, func(f *os.File) error {
				began.Done()
				began.Wait()
				return text("whole")(f)
			})
			if err == nil {
				succeeded.Add(1)
			} else if !errors.Is(err, fs.ErrExist) {
				t.Error(err)
			}
		})
	}
	made.Wait()
	if n := succeeded.Load(); n != 1 {
		t.Errorf("%d made it", n)
	}
	wantOnly(t, path, "whole")
}

func TestAFailureLeavesNothing(t *testing.T) {
	folder, failure := t.TempDir(), errors.New("out of ink")
	err := newfile.Write(filepath.Join(folder, "file"), func(f *os.File) error {
		return errors.Join(text("half")(f), failure)
	})
	if !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
	if err := newfile.Write(filepath.Join(folder, "missing", "file"), text("x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a missing folder: %v", err)
	}
}

// wantOnly wants the file with the text, and nothing beside it.
func wantOnly(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("the file has %q (%v)", got, err)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("in its folder are %v (%v)", files, err)
	}
}
