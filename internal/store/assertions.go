package store

import (
	"context"
	"time"
)

// SpendAssertion marks a one-time assertion, named by its digest, as used, and
// reports whether this call was the first. It is remembered until expires at
// least. One statement decides, so of any number of simultaneous calls on all
// nodes exactly one is first.
func (db *DB) SpendAssertion(ctx context.Context, digest [32]byte, expires time.Time) (first bool, err error) {
	n, err := db.exec(ctx, "spending an assertion",
		`INSERT INTO spent_assertions (digest, expires_at) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING`, digest[:], millis(expires))
	return n == 1, err
}

// PruneAssertions forgets up to limit assertions that can no longer be valid and
// returns how many.
func (db *DB) PruneAssertions(ctx context.Context, limit int) (int64, error) {
	return db.exec(ctx, "pruning assertions",
		`DELETE FROM spent_assertions WHERE digest IN (SELECT digest FROM spent_assertions WHERE expires_at < ? LIMIT ?)`, millis(db.now()), limit)
}
