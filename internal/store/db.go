package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// DB is the database, or one transaction on it. Its methods are safe for
// concurrent use unless it stands for a transaction.
type DB struct {
	dialect dialect
	path    string
	now     func() time.Time
	// writer has one connection on SQLite: writes queue in Go, where a context
	// can end the wait, instead of in the database's lock.
	writer, readers *sql.DB
	// tx is set while this DB stands for a transaction.
	tx *sql.Tx
	// revision is set inside Change: the number of this change.
	revision int64
}

// queryer is what reading needs of *sql.DB and *sql.Tx.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Close ends all connections. The database file is left complete.
func (db *DB) Close() error {
	return errors.Join(db.readers.Close(), db.writer.Close())
}

// Now returns the time by which everything in the database is judged.
func (db *DB) Now() time.Time { return db.now().Truncate(time.Millisecond) }

// Tx runs fn in one transaction: all that it does through tx happens, or
// nothing. Reads through tx see its own writes. Inside a transaction Tx just
// runs fn, so verbs compose.
func (db *DB) Tx(ctx context.Context, fn func(tx *DB) error) error {
	if db.tx != nil {
		return fn(db)
	}
	sqlTx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return db.failed("beginning a transaction", err)
	}
	tx := *db
	tx.tx = sqlTx
	defer sqlTx.Rollback() //nolint:errcheck // after a commit it does nothing, and before one the first error matters
	if err := fn(&tx); err != nil {
		return err
	}
	return db.failed("committing", sqlTx.Commit())
}

// reading returns where reads go: the transaction, or the readers.
func (db *DB) reading() queryer {
	if db.tx != nil {
		return db.tx
	}
	return db.readers
}

// exec runs one statement and returns the number of rows it affected.
func (db *DB) exec(ctx context.Context, doing, query string, args ...any) (int64, error) {
	run := db.writer.ExecContext
	if db.tx != nil {
		run = db.tx.ExecContext
	}
	result, err := run(ctx, query, args...)
	if err != nil {
		return 0, db.failed(doing, err)
	}
	n, err := result.RowsAffected()
	return n, db.failed(doing, err)
}

// row reads one row into dest; no row is a NotFound that names what is missing.
func (db *DB) row(ctx context.Context, what, query string, args []any, dest ...any) error {
	err := db.reading().QueryRowContext(ctx, query, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return identity.Errorf(identity.NotFound, "There is no such %s.", what)
	}
	return db.failed("reading the "+what, err)
}

// rows reads all rows of a query, each with scan.
func rows[T any](ctx context.Context, db *DB, what, query string, args []any, scan func(scan func(...any) error) (T, error)) ([]T, error) {
	result, err := db.reading().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, db.failed("reading "+what, err)
	}
	defer result.Close()
	var list []T
	for result.Next() {
		v, err := scan(result.Scan)
		if err != nil {
			return nil, db.failed("reading "+what, err)
		}
		list = append(list, v)
	}
	return list, db.failed("reading "+what, result.Err())
}

// failed gives an error from the database its kind: Conflict when a unique key
// was taken, Unavailable when the database cannot be used now.
func (db *DB) failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", doing, err)
	switch {
	case db.dialect.taken(err):
		return &identity.Error{Kind: identity.Conflict, Message: "The name or id is taken.", Err: err}
	case db.dialect.away(err), errors.Is(err, context.DeadlineExceeded):
		return &identity.Error{Kind: identity.Unavailable, Message: "The database cannot be used now.", Err: err, RetryAfter: time.Second}
	}
	return err
}

// millis is how times are stored: milliseconds since 1970 in UTC, 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// A list of strings is stored as a JSON array.
func listText(list []string) string {
	text, _ := json.Marshal(identity.SortedSet(list)) //nolint:errchkjson // strings always encode
	return string(text)
}

func fromListText(text string) ([]string, error) {
	var list []string
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("a stored list is damaged: %w", err)
	}
	return list, nil
}
