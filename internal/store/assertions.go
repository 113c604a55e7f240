package store

import (
	"context"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// SpendAssertion marks a one-time assertion, named by its digest, as used, and
// reports whether this call was the first. It is remembered until expires at
// least. One statement decides, so of any number of simultaneous calls on all
// nodes exactly one is first.
func (db *DB) SpendAssertion(ctx context.Context, digest [32]byte, expires time.Time) (first bool, err error) {
	n, err := db.exec(ctx, "spending an assertion",
		`INSERT INTO spent_assertions (digest, expires_at) VALUES (?, ?)`+db.dialect.ignoreTaken, digest[:], millis(expires))
	if err != nil && identity.KindOf(err) == identity.Conflict {
		return false, nil // how a database says it that cannot ignore the row
	}
	return n == 1, err
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
