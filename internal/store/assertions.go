package store

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// SpendAssertion marks a one-time assertion, named by its digest, as used, and
// reports whether this call was the first. It is remembered until expires at
// least. One statement decides, so of any number of simultaneous calls on all
// nodes exactly one is first.
func (db *DB) SpendAssertion(ctx context.Context, digest [32]byte, expires time.Time) (first bool, err error) {
	if db.spendings != nil && db.tx == nil {
		return db.spendAmongOthers(ctx, digest, expires)
	}
	n, err := db.exec(ctx, "spending an assertion",
		`INSERT INTO spent_assertions (digest, expires_at) VALUES (?, ?)`+db.dialect.ignoreTaken, digest[:], millis(expires))
	if err != nil && identity.KindOf(err) == identity.Conflict {
		return false, nil // how a database says it that cannot ignore the row
	}
	return n == 1, err
}

// spending is an assertion that is being spent.
type spending struct {
	digest  [32]byte
	expires int64

	first bool // what became of it
	err   error
}

// spendAmongOthers spends an assertion together with those that come at once.
func (db *DB) spendAmongOthers(ctx context.Context, digest [32]byte, expires time.Time) (first bool, err error) {
	ctx, cancel := db.hurry(ctx)
	defer cancel()
	s := &spending{digest: digest, expires: millis(expires)}
	if err := db.spendings.do(ctx, s); err != nil {
		return false, db.failed("spending an assertion", err)
	}
	return s.first, s.err
}

// spendTogether spends what take gives it by one statement, which tells what was not spent
// before. Where somebody is sent twice, the first is first. While there is no connection
// nobody's turn has come.
func (db *DB) spendTogether(take func() []*spending) {
	conn, err := db.connection(context.Background()) // no caller's: it is for all of them
	batch := take()
	var spent map[[32]byte]bool
	if err == nil {
		if len(batch) > 0 {
			spent, err = db.spend(conn, batch)
		}
		_ = conn.Close() // it goes back to its pool
	}
	for _, s := range batch {
		s.first, s.err = spent[s.digest], err
		delete(spent, s.digest)
	}
}

// spend marks the batch as used and returns the digests of those that were not before.
func (db *DB) spend(conn *sql.Conn, batch []*spending) (map[[32]byte]bool, error) {
	// In one order everywhere, so that no two nodes wait for each other.
	batch = slices.SortedFunc(slices.Values(batch), func(a, b *spending) int { return bytes.Compare(a.digest[:], b.digest[:]) })
	digests, expires := make([][]byte, len(batch)), make([]int64, len(batch))
	for i, s := range batch {
		digests[i], expires[i] = s.digest[:], s.expires
	}
	ctx, cancel := db.hurry(context.Background())
	defer cancel()
	query := db.writer.bound(&db.dialect, db.dialect.spend)
	made, err := again(db, func() ([][]byte, error) {
		return read(db, "spending assertions", func() (*sql.Rows, error) {
			result, err := conn.QueryContext(ctx, query, digests, expires)
			if errors.Is(err, driver.ErrBadConn) { // it was closed meanwhile: nothing was sent
				result, err = db.writer.QueryContext(ctx, query, digests, expires)
			}
			return result, err
		}, func(scan func(...any) error) (digest []byte, err error) {
			err = scan(&digest)
			return digest, err
		})
	})
	if err != nil {
		if db.dialect.fault(err) == faultCut {
			db.writer.dropIdle() // they are cut as well, as after a restart of the server
		}
		return nil, err
	}
	spent := make(map[[32]byte]bool, len(made))
	for _, digest := range made {
		spent[[32]byte(digest)] = true
	}
	return spent, nil
}

// PruneAssertions forgets about limit assertions that can no longer be valid, those
// that expired first, and returns how many.
func (db *DB) PruneAssertions(ctx context.Context, limit int) (int64, error) {
	return db.pruneExpired(ctx, "spent_assertions", limit)
}

// pruneExpired deletes about limit rows of a table that have expired, and returns how many.
func (db *DB) pruneExpired(ctx context.Context, table string, limit int) (int64, error) {
	var last int64 // the expiry of the last of them
	err := db.row(ctx, "expired rows", `SELECT COALESCE(MAX(x.expires_at), 0) FROM
		(SELECT expires_at FROM `+table+` WHERE expires_at < ? ORDER BY expires_at LIMIT ?) x`, []any{millis(db.now()), limit}, &last)
	if err != nil || last == 0 {
		return 0, err
	}
	return db.exec(ctx, "pruning "+table, `DELETE FROM `+table+` WHERE expires_at <= ?`, last)
}
