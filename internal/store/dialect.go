package store

import (
	"errors"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// dialect is everything in which databases differ.
type dialect struct {
	name string
	// taken reports whether err says that a unique key exists already.
	taken func(error) bool
	// away reports whether err says that the database cannot be used now, as
	// opposed to a statement that is wrong.
	away func(error) bool
	// tableCount counts the tables with a given name.
	tableCount string
}

func sqliteDialect() dialect {
	code := func(err error) int {
		if e, ok := errors.AsType[*sqlite.Error](err); ok {
			return e.Code()
		}
		return sqlite3.SQLITE_OK
	}
	return dialect{
		name:       "sqlite",
		tableCount: `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?`,
		taken: func(err error) bool {
			c := code(err)
			return c == sqlite3.SQLITE_CONSTRAINT_UNIQUE || c == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
		},
		away: func(err error) bool {
			switch code(err) & 0xff { // the primary code, without its extension
			case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL,
				sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
				return true
			}
			return false
		},
	}
}
