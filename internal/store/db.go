package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// DB is the database, or one transaction on it. Its methods are safe for
// concurrent use unless it stands for a transaction.
type DB struct {
	dialect dialect
	path    string // of the SQLite file
	*shared
	// fixed is the clock of all nodes where a test gives one; machine is this one's.
	fixed, machine func() time.Time
	// writer has one connection on SQLite: writes queue in Go, where a context
	// can end the wait, instead of in the database's lock. On a server it and readers
	// are the same.
	writer, readers *pool
	// commits is what runs statements outside of transactions, on SQLite.
	commits *commits
	// spendings is what spends assertions outside of transactions, where many are spent in
	// one statement.
	spendings *group[*spending]
	// control is for following the database and for the lock at the start.
	control *pool
	// tx is set while this DB stands for a transaction.
	tx *sql.Tx
	// revision is set inside Change: the number of this change.
	revision int64
	// unhurried has statements take as long as their context.
	unhurried bool
}

// Close ends all connections. A SQLite file is left complete.
func (db *DB) Close() error {
	var errs []error
	for _, p := range db.pools() {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// pools returns every set of connections once.
func (db *DB) pools() []*pool {
	var list []*pool
	for _, p := range []*pool{db.readers, db.writer, db.control} {
		if p != nil && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	return list
}

// transactionTries is how often a transaction is begun that another one was preferred
// to.
const transactionTries = 3

// Tx runs fn in one transaction: all that it does through tx happens, or
// nothing. Reads through tx see its own writes. Inside a transaction Tx just
// runs fn, so verbs compose. fn is run again if the database sacrificed the
// transaction for another one.
func (db *DB) Tx(ctx context.Context, fn func(tx *DB) error) error {
	if db.tx != nil {
		return fn(db)
	}
	for try := 1; ; try++ {
		err := db.transaction(ctx, fn)
		if err == nil || try == transactionTries || db.dialect.fault(err) != faultRetry {
			return err
		}
		// The one that was preferred gets some time to be done.
		time.Sleep(time.Duration(try) * 20 * time.Millisecond)
	}
}

func (db *DB) transaction(ctx context.Context, fn func(tx *DB) error) error {
	if limit := db.dialect.transaction; limit > 0 && !db.unhurried {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	db.prepareWanted(ctx)
	conn, sqlTx, err := db.begin(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it goes back to its pool
	tx := *db
	tx.tx, tx.readers = sqlTx, db.writer
	defer sqlTx.Rollback() //nolint:errcheck // after a commit it does nothing, and before one the first error matters
	if err = fn(&tx); err == nil {
		err = db.failed("committing", sqlTx.Commit())
	}
	if errors.Is(err, sql.ErrTxDone) && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		// database/sql has rolled it back behind fn's back.
		err = db.failed("the transaction took too long", ctx.Err())
	}
	return err
}

// prepareWanted prepares what earlier transactions have wanted.
func (db *DB) prepareWanted(ctx context.Context) {
	ctx, cancel := db.hurry(ctx)
	defer cancel()
	db.writer.prepareWanted(ctx, &db.dialect)
}

// begin begins a transaction.
func (db *DB) begin(ctx context.Context) (conn *sql.Conn, tx *sql.Tx, err error) {
	conn, err = anew(ctx, db, db.writer, func() (*sql.Conn, error) {
		conn, err := db.connection(ctx)
		if err != nil {
			return nil, err
		}
		if tx, err = conn.BeginTx(ctx, nil); err != nil {
			_ = conn.Close() // it goes back to its pool, or away
		}
		return conn, db.failed("beginning a transaction", err)
	})
	return conn, tx, err
}

// anew does what changes nothing yet, and does it once more where a connection turns out
// to be cut, as all are after a restart of the server: the ones that wait are closed
// first.
func anew[T any](ctx context.Context, db *DB, p *pool, do func() (T, error)) (T, error) {
	v, err := do()
	if err == nil || db.tx != nil || ctx.Err() != nil || db.dialect.fault(err) != faultCut {
		return v, err
	}
	p.dropIdle()
	return do()
}

// connection waits for one of the writer's connections, as long as patience lasts.
func (db *DB) connection(ctx context.Context) (*sql.Conn, error) {
	waiting, cancel := db.hurry(ctx)
	defer cancel()
	conn, err := db.writer.Conn(waiting)
	return conn, db.failed("waiting for a connection to the database", err)
}

// hurry gives a statement its deadline.
func (db *DB) hurry(ctx context.Context) (context.Context, context.CancelFunc) {
	if db.unhurried || db.dialect.patience == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, db.dialect.patience)
}

// exec runs one statement and returns the number of rows it affected.
func (db *DB) exec(ctx context.Context, doing, query string, args ...any) (int64, error) {
	ctx, cancel := db.hurry(ctx)
	defer cancel()
	if db.commits != nil && db.tx == nil {
		db.stats.statements.Add(1)
		n, err := db.commits.exec(ctx, query, args)
		return n, db.failed(doing, err)
	}
	n, err := again(db, func() (int64, error) {
		db.stats.statements.Add(1)
		result, err := db.writer.exec(ctx, db.tx, &db.dialect, query, args)
		if err != nil {
			return 0, err
		}
		return result.RowsAffected()
	})
	return n, db.failed(doing, err)
}

// again runs a statement once more where it was sacrificed for another one: by itself it
// is a transaction, and may be sacrificed like one.
func again[T any](db *DB, run func() (T, error)) (T, error) {
	for try := 1; ; try++ {
		v, err := run()
		if err == nil || db.tx != nil || try == transactionTries || db.dialect.fault(err) != faultRetry {
			return v, err
		}
	}
}

// row reads one row into dest; no row is a NotFound that names what is missing.
func (db *DB) row(ctx context.Context, what, query string, args []any, dest ...any) error {
	found := false
	_, err := rows(ctx, db, "the "+what, query, args, func(scan func(...any) error) (struct{}, error) {
		if found {
			return struct{}{}, nil
		}
		found = true
		return struct{}{}, scan(dest...)
	})
	if err == nil && !found {
		return noSuch(what)
	}
	return err
}

// rows reads all rows of a query, each with scan.
func rows[T any](ctx context.Context, db *DB, what, query string, args []any, scan func(scan func(...any) error) (T, error)) ([]T, error) {
	ctx, cancel := db.hurry(ctx)
	defer cancel()
	return read(db, "reading "+what, func() (*sql.Rows, error) {
		return anew(ctx, db, db.readers, func() (*sql.Rows, error) { return db.readers.query(ctx, db.tx, &db.dialect, query, args) })
	}, scan)
}

// read reads all rows of what ask gets, each with scan.
func read[T any](db *DB, doing string, ask func() (*sql.Rows, error), scan func(scan func(...any) error) (T, error)) ([]T, error) {
	db.stats.statements.Add(1)
	result, err := ask()
	if err != nil {
		return nil, db.failed(doing, err)
	}
	defer result.Close()
	var list []T
	for result.Next() {
		v, err := scan(result.Scan)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", doing, err)
		}
		list = append(list, v)
	}
	return list, db.failed(doing, result.Err())
}

// failed gives an error from the database its kind: Conflict when a unique key
// was taken, Unavailable when the database cannot be used now.
func (db *DB) failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", doing, err)
	what := db.dialect.fault(err)
	if errors.Is(err, context.DeadlineExceeded) {
		what = faultAway
	}
	switch what {
	case faultTaken:
		return &identity.Error{Kind: identity.Conflict, Message: "The name or id is taken.", Err: err}
	case faultReadOnly:
		db.demoted()
		err = fmt.Errorf("%w (%w)", err, errReadOnly)
	case faultAway, faultCut, faultRetry:
	case faultOther:
		return err
	}
	return &identity.Error{Kind: identity.Unavailable, Message: "The database cannot be used now.", Err: err, RetryAfter: time.Second}
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

// A list of strings is stored as a JSON array, in which < and the like stand for
// themselves: as escapes they would take six times the room.
func listText(list []string) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(identity.SortedSet(list)) //nolint:errchkjson // strings always encode
	return strings.TrimSuffix(text.String(), "\n")
}

func fromListText(text string) ([]string, error) {
	var list []string
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("a stored list is damaged: %w", err)
	}
	return list, nil
}
