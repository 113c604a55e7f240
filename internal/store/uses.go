package store

import (
	"context"
	"maps"
	"slices"
	"time"
)

// RecordLogins stores when users last logged in, many at once. It is no
// administrative change: nothing in memory depends on it.
func (db *DB) RecordLogins(ctx context.Context, at map[string]time.Time) error {
	return db.recordTimes(ctx, `UPDATE users SET last_login_at = ? WHERE id = ? AND last_login_at < ?`, at)
}

// RecordSecretUse stores when secrets of clients were last used.
func (db *DB) RecordSecretUse(ctx context.Context, at map[string]time.Time) error {
	return db.recordTimes(ctx, `UPDATE client_secrets SET last_used_at = ? WHERE id = ? AND last_used_at < ?`, at)
}

// RecordKeyUse stores when keys of clients were last used.
func (db *DB) RecordKeyUse(ctx context.Context, at map[string]time.Time) error {
	return db.recordTimes(ctx, `UPDATE client_keys SET last_used_at = ? WHERE id = ? AND last_used_at < ?`, at)
}

// recordTimes goes in batches, so that no transaction holds up the others.
func (db *DB) recordTimes(ctx context.Context, update string, at map[string]time.Time) error {
	const batch = 100
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(at)), batch) {
		err := db.Tx(ctx, func(tx *DB) error {
			for _, id := range ids {
				if _, err := tx.exec(ctx, "recording a use", update, millis(at[id]), id, millis(at[id])); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
