package store

import (
	"context"
	"slices"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// What is unused, expires or is shared. These read whole tables, in the database: they are
// for an administrator who asks once in a while.

// Credential is a secret or key of an enabled client.
type Credential struct {
	Client, ID, Label string
	CreatedAt         time.Time
	// LastUsedAt and ExpiresAt are zero for never.
	LastUsedAt, ExpiresAt time.Time
}

// UnusedSecrets returns live secrets that were not used since a time, nor made since, those
// that were not used for longest first, at most so many; and how many there are.
func (db *DB) UnusedSecrets(ctx context.Context, since time.Time, limit int) ([]Credential, int64, error) {
	return db.credentials(ctx, `client_secrets`, `k.expires_at`, `k.last_used_at < ? AND k.created_at < ? AND (k.expires_at = 0 OR k.expires_at > ?)`, `k.last_used_at`, limit,
		millis(since), millis(since), millis(db.now()))
}

// ExpiringSecrets returns secrets that expire at or after one time and before another, as
// UnusedSecrets does, those that expire first first.
func (db *DB) ExpiringSecrets(ctx context.Context, from, until time.Time, limit int) ([]Credential, int64, error) {
	return db.credentials(ctx, `client_secrets`, `k.expires_at`, `k.expires_at > 0 AND k.expires_at >= ? AND k.expires_at < ?`, `k.expires_at`, limit, millis(from), millis(until))
}

// UnusedKeys is UnusedSecrets for keys.
func (db *DB) UnusedKeys(ctx context.Context, since time.Time, limit int) ([]Credential, int64, error) {
	return db.credentials(ctx, `client_keys`, `0`, `k.last_used_at < ? AND k.created_at < ?`, `k.last_used_at`, limit, millis(since), millis(since))
}

func (db *DB) credentials(ctx context.Context, table, expires, which, order string, limit int, args ...any) ([]Credential, int64, error) {
	from := ` FROM ` + table + ` k JOIN clients c ON c.id = k.client_id WHERE c.enabled = 1 AND ` + which
	return some(ctx, db, "credentials", `k.client_id, k.id, k.label, k.created_at, k.last_used_at, `+expires, from, order+`, k.client_id, k.id`, limit, args,
		func(scan func(...any) error) (c Credential, err error) {
			var created, used, expires int64
			err = scan(&c.Client, &c.ID, &c.Label, &created, &used, &expires)
			c.CreatedAt, c.LastUsedAt, c.ExpiresAt = fromMillis(created), fromMillis(used), fromMillis(expires)
			return c, err
		})
}

// SharedKeys returns thumbprints of keys that several enabled clients have, and how many
// such keys there are.
func (db *DB) SharedKeys(ctx context.Context, limit int) ([]string, int64, error) {
	return some(ctx, db, "shared keys", `s.kid`,
		` FROM (SELECT k.kid FROM client_keys k JOIN clients c ON c.id = k.client_id WHERE c.enabled = 1 GROUP BY k.kid HAVING COUNT(*) > 1) s`, `s.kid`, limit, nil, scanText)
}

// PowerlessClients returns ids of enabled clients that can prove nothing, because no secret
// lives or no key is there where one is required; and how many there are.
func (db *DB) PowerlessClients(ctx context.Context, limit int) ([]string, int64, error) {
	return some(ctx, db, "clients", `c.id`, ` FROM clients c WHERE c.enabled = 1 AND (
		c.require_proofs IN (?, ?) AND NOT EXISTS (SELECT 1 FROM client_secrets k WHERE k.client_id = c.id AND (k.expires_at = 0 OR k.expires_at > ?)) OR
		c.require_proofs IN (?, ?) AND NOT EXISTS (SELECT 1 FROM client_keys k WHERE k.client_id = c.id))`, `c.id`, limit,
		[]any{
			identity.ProofSecret.String(), (identity.ProofSecret | identity.ProofSignature).String(), millis(db.now()),
			identity.ProofSignature.String(), (identity.ProofSecret | identity.ProofSignature).String(),
		}, scanText)
}

// NeverLoggedIn returns names of enabled users who were made before a time and have never
// logged in, and how many there are.
func (db *DB) NeverLoggedIn(ctx context.Context, madeBefore time.Time, limit int) ([]string, int64, error) {
	return some(ctx, db, "users", `u.username`, ` FROM users u WHERE u.enabled = 1 AND u.last_login_at = 0 AND u.created_at < ?`, `u.username`, limit, []any{millis(madeBefore)}, scanText)
}

func scanText(scan func(...any) error) (text string, err error) { return text, scan(&text) }

// some reads the first rows, and counts them all.
func some[T any](ctx context.Context, db *DB, what, columns, from, order string, limit int, args []any, scan func(func(...any) error) (T, error)) ([]T, int64, error) {
	var total int64
	if err := db.row(ctx, "number of "+what, `SELECT COUNT(*)`+from, args, &total); err != nil || total == 0 {
		return []T{}, 0, err
	}
	list, err := rows(ctx, db, what, `SELECT `+columns+from+` ORDER BY `+order+` LIMIT ?`, append(slices.Clip(args), limit), scan)
	return list, total, err
}
