package store

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Config says which database to open.
type Config struct {
	// Path is the SQLite file. It and its folder are made if they are missing,
	// readable by their owner only.
	Path string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Open opens the database. It reads no table and writes nothing: see Migrate.
func Open(cfg Config) (*DB, error) {
	if cfg.Path == "" {
		return nil, errors.New("the path of the database is missing")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := makeFile(cfg.Path); err != nil {
		return nil, fmt.Errorf("making the database file: %w", err)
	}
	db := &DB{dialect: sqliteDialect(), path: cfg.Path, now: cfg.Now}
	var err error
	if db.writer, err = openSQLite(cfg.Path, 1, "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(1)"); err != nil {
		return nil, err
	}
	if db.readers, err = openSQLite(cfg.Path, 2*runtime.GOMAXPROCS(0), "query_only(1)"); err != nil {
		return nil, errors.Join(err, db.writer.Close())
	}
	// The first read finds out whether the file is a database at all, before
	// anything is made beside it.
	var version int
	if err := db.readers.QueryRow(`PRAGMA schema_version`).Scan(&version); err != nil { //nolint:noctx // a local file
		return nil, errors.Join(fmt.Errorf("%s cannot be read as a SQLite database: %w", cfg.Path, err), db.Close())
	}
	return db, nil
}

// openSQLite opens a pool of up to most connections, each with the pragmas.
func openSQLite(path string, most int, pragmas ...string) (*sql.DB, error) {
	query := url.Values{
		"_pragma": append([]string{"busy_timeout(5000)", "foreign_keys(1)"}, pragmas...),
		// A transaction takes the write lock when it begins, so it never fails
		// half-way because another process began to write.
		"_txlock": {"immediate"},
	}
	pool, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	pool.SetMaxOpenConns(most)
	pool.SetMaxIdleConns(most)
	return pool, nil
}

// makeFile makes the file and its folder for their owner only. SQLite gives its
// journal files the permissions of the database file.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}
