package store

import (
	"context"
	"time"
)

// Done is what was done under an Idempotency-Key. Nothing in it is secret.
type Done struct {
	// ID names the caller, the route and the key, Fingerprint the body.
	ID, Fingerprint [32]byte
	// Resource is the id of what was made.
	Resource  string
	ExpiresAt time.Time
}

// DoneUnder returns what was done under the id; NotFound if nothing was, or too long ago.
func (db *DB) DoneUnder(ctx context.Context, id [32]byte) (Done, error) {
	done := Done{ID: id}
	var fingerprint []byte
	var expires int64
	err := db.row(ctx, "request", `SELECT fingerprint, resource, expires_at FROM idempotency_keys WHERE id = ? AND expires_at > ?`, []any{id[:], millis(db.now())},
		&fingerprint, &done.Resource, &expires)
	copy(done.Fingerprint[:], fingerprint)
	done.ExpiresAt = fromMillis(expires)
	return done, err
}

// RememberDone stores what is done in this transaction. It needs Change, in which DoneUnder
// has found nothing.
func (db *DB) RememberDone(ctx context.Context, d Done) error {
	if db.revision == 0 {
		return errOutsideChange
	}
	if _, err := db.exec(ctx, "forgetting an idempotency key", `DELETE FROM idempotency_keys WHERE id = ?`, d.ID[:]); err != nil { // from long ago
		return err
	}
	_, err := db.exec(ctx, "storing an idempotency key", `INSERT INTO idempotency_keys (id, fingerprint, resource, expires_at) VALUES (?, ?, ?, ?)`,
		d.ID[:], d.Fingerprint[:], d.Resource, millis(d.ExpiresAt))
	return err
}

// PruneDone forgets about limit of what was done too long ago, and returns how many.
func (db *DB) PruneDone(ctx context.Context, limit int) (int64, error) {
	return db.pruneExpired(ctx, "idempotency_keys", limit)
}
