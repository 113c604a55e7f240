package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// Exclusively runs fn while no other process runs anything exclusively on the
// same database. It is for what a start does once: migrations, the first key,
// the first administrator. It waits for its turn, as long as ctx lasts; the lock
// ends with the process that holds it.
func (db *DB) Exclusively(ctx context.Context, fn func() error) error {
	lock := db.lockServer
	if db.dialect.name == SQLite {
		lock = db.lockFile
	}
	unlock, err := lock(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("waiting for another process that starts on this database: %w", ctx.Err())
		}
		return fmt.Errorf("locking the database: %w", err)
	}
	defer unlock()
	return fn()
}

// lockInterval is how often the lock of a server is tried.
const lockInterval = 50 * time.Millisecond

// lockServer takes the lock on the connection that otherwise follows the database, so
// that fn has all the others. Where one connection is all there is, fn has that too.
func (db *DB) lockServer(ctx context.Context) (unlock func(), err error) {
	conn, err := db.control.Conn(ctx)
	if err != nil {
		return nil, db.failed("connecting", err)
	}
	ask := func(ctx context.Context, conn *sql.Conn, query string) (done bool, err error) {
		ctx, cancel := db.hurry(ctx)
		defer cancel()
		var n int
		err = conn.QueryRowContext(ctx, db.dialect.rebind(query), db.schema).Scan(&n)
		return n == 1, db.failed("asking for the lock", err)
	}
	for {
		taken, err := ask(ctx, conn, db.dialect.lock)
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		if taken {
			break
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), conn.Close())
		case <-time.After(lockInterval):
		}
	}
	shared := db.control.Stats().MaxOpenConnections == 1 && db.control == db.writer
	if shared {
		_ = conn.Close() // into the pool, which gives out no other
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
		defer cancel()
		if shared {
			if conn, err = db.control.Conn(ctx); err != nil {
				return // the connection is gone, and the lock with it
			}
		}
		if given, err := ask(ctx, conn, db.dialect.unlock); err != nil || !given {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // it is closed, which gives the lock back
		}
		_ = conn.Close()
	}, nil
}

func (db *DB) lockFile(ctx context.Context) (unlock func(), err error) {
	path := db.path + ".lock"
	if err := makeFile(path); err != nil { // for its owner only: who opens it can hold it
		return nil, err
	}
	type lock struct {
		unlock func()
		err    error
	}
	taken := make(chan lock, 1)
	go func() {
		unlock, err := lockedfile.MutexAt(path).Lock()
		taken <- lock{unlock, err}
	}()
	select {
	case l := <-taken:
		return l.unlock, l.err
	case <-ctx.Done():
		go func() {
			if l := <-taken; l.err == nil {
				l.unlock()
			}
		}()
		return nil, ctx.Err()
	}
}
