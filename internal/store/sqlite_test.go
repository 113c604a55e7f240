package store_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/store/storetest"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Database {
		path := filepath.Join(t.TempDir(), "new folder", "identity ?#%.db")
		return func(now func() time.Time) (*store.DB, error) {
			return store.Open(store.Config{Path: path, Now: now})
		}
	})
}

func TestSQLiteFilesAreForTheirOwnerOnly(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	db, err := store.Open(store.Config{Path: filepath.Join(folder, "identity.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("found %v (%v), want the database and its journal", files, err)
	}
	for _, f := range append(files, folder) {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v: others can read it", filepath.Base(f), info.Mode().Perm())
		}
	}
}

// What the file says of itself is what keeps acknowledged writes: a WAL, synced
// at every commit.
func TestSQLiteIsDurable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.db")
	db, err := store.Open(store.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1"} {
		got, err := store.WriterPragmaForTest(t.Context(), db, pragma)
		if err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", pragma, got, err, want)
		}
	}
}

func TestSQLiteReadersCannotWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.db")
	db, err := store.Open(store.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := store.WriteThroughReadersForTest(t.Context(), db); err == nil {
		t.Fatal("a reader wrote")
	}
}

func TestSQLiteSaysWhenTheFileIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.db")
	if err := os.WriteFile(path, []byte("this is no database, it is a letter to a friend"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(store.Config{Path: path}); err == nil || !strings.Contains(err.Error(), "cannot be read as a SQLite database") {
		t.Fatalf("a letter was opened: %v", err)
	}
	if files, err := filepath.Glob(path + "*"); err != nil || len(files) != 1 {
		t.Fatalf("beside the letter stand %v (%v)", files, err)
	}
}

func TestASchemaOfANewerProgramIsRefused(t *testing.T) {
	db, err := store.Open(store.Config{Path: filepath.Join(t.TempDir(), "identity.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := store.SetSchemaVersionForTest(t.Context(), db, 9999); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Migrate(t.Context()); err == nil {
		t.Fatal("a schema of a newer program was accepted")
	}
}

// A database that was closed is one file, whatever was prepared.
func TestAClosedSQLiteIsOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.db")
	db, err := store.Open(store.Config{Path: path})
	check(t, err)
	_, err = db.Migrate(t.Context())
	check(t, err)
	_, err = db.Revision(t.Context())
	check(t, err)
	check(t, db.PruneChanges(t.Context()))
	check(t, db.Close())
	if files, err := filepath.Glob(path + "*"); err != nil || len(files) != 1 {
		t.Errorf("there are %q (%v)", files, err)
	}
}
