package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed-60f9e3ad/identity/internal/newfile"
)

// Copy says what a backup has become.
type Copy struct {
	Size     int64    // bytes
	Revision int64    // the number of the last change that is in it
	SHA256   [32]byte // of the file
}

// Backup copies a SQLite database into a new file, for its owner only, while others read
// and write it. The copy is the database as it was at one moment after the call began: all
// that was committed before it, and of no transaction a part. Nobody waits for it, but the
// journal of the original grows until it is done.
//
// The file is there whole and durable, or not at all, and replaces none: that is
// fs.ErrExist. A database that is not SQLite, or that is not there, is an error that says
// so.
func Backup(ctx context.Context, cfg Config, file string) (made Copy, err error) {
	if cfg.Driver != SQLite && cfg.Driver != "" {
		return made, fmt.Errorf("a %s database is not copied by this program", cfg.Driver)
	}
	if _, err := os.Stat(cfg.Path); err != nil { // to open it would make it
		return made, fmt.Errorf("finding the database: %w", err)
	}
	if file, err = filepath.Abs(file); err != nil { // also so that SQLite cannot take it for a URI
		return made, err
	}
	err = newfile.Write(file, func(f *os.File) error {
		if err := copySQLite(ctx, cfg.Path, f.Name()); err != nil {
			return fmt.Errorf("copying the database: %w", err)
		}
		if made.Revision, err = checkCopy(ctx, f.Name()); err != nil {
			return fmt.Errorf("checking the copy: %w", err)
		}
		digest := sha256.New()
		if made.Size, err = io.Copy(digest, f); err != nil {
			return fmt.Errorf("reading the copy: %w", err)
		}
		digest.Sum(made.SHA256[:0])
		return nil
	})
	if errors.Is(err, fs.ErrExist) {
		return made, fmt.Errorf("%s is there already, and a backup replaces nothing: %w", file, fs.ErrExist)
	}
	return made, err
}

// copySQLite fills the empty file with the database, by a connection of its own. VACUUM
// INTO reads in one transaction, which in a WAL is a snapshot, and writes live rows only:
// what was deleted is not in the copy. (The backup API of SQLite begins anew whenever
// another process writes, and takes the free pages along.) It does not sync the copy.
func copySQLite(ctx context.Context, from, to string) error {
	source, err := sqlitePool(from, 1)
	if err != nil {
		return err
	}
	defer source.Close() //nolint:errcheck // it has only read
	_, err = source.ExecContext(ctx, `VACUUM INTO ?`, to)
	return err
}

// checkCopy makes sure that the structure of the copy, its indexes and its references are
// in order, and returns its revision. A value that no index knows could still be another:
// against that, once the file is kept somewhere, there is its digest.
func checkCopy(ctx context.Context, path string) (int64, error) {
	copied, err := sqlitePool(path, 1, "query_only(1)")
	if err != nil {
		return 0, err
	}
	db := &DB{dialect: sqliteDialect(), shared: &shared{}, writer: copied, readers: copied}
	defer db.Close() //nolint:errcheck // it has only read
	text := func(scan func(...any) error) (said string, err error) { return said, scan(&said) }
	faults, err := rows(ctx, db, "its structure", `PRAGMA integrity_check`, nil, text)
	if err != nil {
		return 0, err
	}
	lost, err := rows(ctx, db, "its references", `SELECT "table" FROM pragma_foreign_key_check`, nil, text)
	if err != nil {
		return 0, err
	}
	if len(faults) != 1 || faults[0] != "ok" || len(lost) > 0 {
		return 0, fmt.Errorf("it is damaged: %q, references that lead nowhere from %q", faults, lost)
	}
	return db.Revision(ctx)
}
