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

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

func sqliteDialect() dialect {
	return dialect{
		name: SQLite, goose: goose.DialectSQLite3, migrations: "sqlite", prepared: true,
		ignoreTaken: ` ON CONFLICT DO NOTHING`,
		tableCount:  `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?`,
		state:       `SELECT revision, 0, 0 FROM revision WHERE id = 1`,
		fault:       sqliteFault,
	}
}

// sqliteFault reads the result code (SQLite documentation, "Result and Error Codes").
func sqliteFault(err error) fault {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return connectionFault(err)
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return faultTaken
	}
	switch e.Code() & 0xff { // the primary code, without its extension
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL,
		sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return faultAway
	}
	return faultOther
}

// openSQLite opens a file. It reads no table.
func openSQLite(cfg Config) (*DB, error) {
	if cfg.Path == "" {
		return nil, errors.New("the path of the database is missing")
	}
	if err := makeFile(cfg.Path); err != nil {
		return nil, fmt.Errorf("making the database file: %w", err)
	}
	db := &DB{dialect: sqliteDialect(), shared: &shared{}, path: cfg.Path, fixed: cfg.Now, machine: cfg.Machine}
	var err error
	if db.writer, err = sqlitePool(cfg.Path, 1, "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(1)"); err != nil {
		return nil, err
	}
	// A commit is as durable as by fsync, without the file's time of modification.
	_, _ = sqlite.Fdatasync(true) // where there is none, fsync it is
	db.commits = newCommits(db.writer, &db.dialect)
	if db.readers, err = sqlitePool(cfg.Path, 2*runtime.GOMAXPROCS(0), "query_only(1)"); err != nil {
		return nil, errors.Join(err, db.writer.Close())
	}
	db.control = db.readers
	// The first read finds out whether the file is a database at all, before
	// anything is made beside it.
	var version int
	if err := db.readers.QueryRow(`PRAGMA schema_version`).Scan(&version); err != nil { //nolint:noctx // a local file
		return nil, errors.Join(fmt.Errorf("%s cannot be read as a SQLite database: %w", cfg.Path, err), db.Close())
	}
	return db, nil
}

// sqlitePool opens up to most connections, each with the pragmas.
func sqlitePool(path string, most int, pragmas ...string) (*pool, error) {
	query := url.Values{
		"_pragma": append([]string{"busy_timeout(5000)", "foreign_keys(1)"}, pragmas...),
		// A transaction takes the write lock when it begins, so it never fails
		// half-way because another process began to write.
		"_txlock": {"immediate"},
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	return &pool{DB: db, idle: most}, nil
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
