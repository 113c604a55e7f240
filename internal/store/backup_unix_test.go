//go:build unix

package store_test

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/store"
)

// A disk that is full is, to SQLite, a write that fails half-way; so is a limit on how
// long a file may become, which needs no disk.
func TestABackupThatDoesNotFitLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "identity.db")
	db := migrated(t, path)
	for i := range 100 {
		if err := hire(t.Context(), db, fmt.Sprintf("user%d", i), `{"note":"`+strings.Repeat("x", 8<<10)+`"}`); err != nil {
			t.Fatal(err)
		}
	}
	before := names(t, folder)
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var usual syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &usual); err != nil {
		t.Fatal(err)
	}
	short := usual
	short.Cur = 512 << 10
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &short); err != nil {
		t.Fatal(err)
	}
	_, err := store.Backup(t.Context(), store.Config{Path: path}, filepath.Join(folder, "copy.db"))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &usual); err != nil {
		t.Fatal(err)
	}
	if err == nil || !strings.Contains(err.Error(), "copying the database") {
		t.Errorf("a copy that does not fit: %v", err)
	}
	if after := names(t, folder); after != before {
		t.Errorf("there were %s, now %s", before, after)
	}
	if made, err := store.Backup(t.Context(), store.Config{Path: path}, filepath.Join(folder, "copy.db")); err != nil || made.Size <= 512<<10 {
		t.Errorf("with room: %d bytes, %v", made.Size, err)
	}
	if _, err := os.Stat(filepath.Join(folder, "copy.db")); err != nil {
		t.Error(err)
	}
}
