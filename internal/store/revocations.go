package store

import (
	"context"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// Revoke stores a revocation, until no token is left that it could concern. It takes in one of
// the same kind and value, or is taken in by it. It needs Change.
func (db *DB) Revoke(ctx context.Context, r identity.Revocation) error {
	hash := r.Hash()
	var before, expires int64
	err := db.row(ctx, "revocation", `SELECT before_at, expires_at FROM revocations WHERE kind = ? AND hash = ?`, []any{string(r.Kind), hash[:]}, &before, &expires)
	if err != nil && identity.KindOf(err) != identity.NotFound {
		return err
	}
	if millis(r.Before) <= before && millis(r.ExpiresAt) <= expires {
		return nil
	}
	r.Before, r.ExpiresAt = fromMillis(max(before, millis(r.Before))), fromMillis(max(expires, millis(r.ExpiresAt)))
	if _, err := db.exec(ctx, "replacing a revocation", `DELETE FROM revocations WHERE kind = ? AND hash = ?`, string(r.Kind), hash[:]); err != nil {
		return err
	}
	_, err = db.exec(ctx, "storing a revocation", `INSERT INTO revocations (kind, hash, id, value, before_at, expires_at, created_at, client_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		string(r.Kind), hash[:], r.ID, r.Value, millis(r.Before), millis(r.ExpiresAt), millis(r.CreatedAt), r.ClientID)
	if err != nil {
		return err
	}
	return db.touched(ctx, KindRevocations, "")
}

// RevokeIssued revokes the tokens of this kind and value that were issued until now. It needs
// Change.
func (db *DB) RevokeIssued(ctx context.Context, kind identity.RevocationKind, value string) error {
	r, err := db.NewRevocation(ctx, kind, value)
	if err != nil {
		return err
	}
	return db.Revoke(ctx, r)
}

// NewRevocation is a revocation of what was issued until now, not stored yet.
func (db *DB) NewRevocation(ctx context.Context, kind identity.RevocationKind, value string) (identity.Revocation, error) {
	now := db.now()
	until, err := db.lastToken(ctx)
	r := identity.Revocation{
		ID: identity.NewID(now), Kind: kind, Value: value, Before: identity.IssuedBy(now), ExpiresAt: until.Add(KeyMargin), CreatedAt: now,
	}
	if kind == identity.RevokedKey {
		r.Before = r.ExpiresAt.Truncate(time.Second) // whoever has the key writes any time into a token
	}
	return r, err
}

// lastToken is when the last token has expired that was issued until now. The keys know of
// those from before the lifetimes became shorter.
func (db *DB) lastToken(ctx context.Context) (time.Time, error) {
	longest, err := db.LongestLifetime(ctx)
	if err != nil {
		return time.Time{}, err
	}
	var until int64
	err = db.row(ctx, "keys", `SELECT COALESCE(MAX(tokens_until), 0) FROM signing_keys`, nil, &until)
	return fromMillis(max(millis(db.now().Add(longest)), until)), err
}

const revocationColumns = `id, kind, value, before_at, expires_at, created_at, client_id`

// Revocations returns those that may still concern a token, in the order of their ids.
func (db *DB) Revocations(ctx context.Context) ([]identity.Revocation, error) {
	return db.revocations(ctx, `ORDER BY id`)
}

// RevocationPage returns a page of them, the newest first; before is the id behind which it
// begins, or empty.
func (db *DB) RevocationPage(ctx context.Context, before string, limit int) ([]identity.Revocation, error) {
	if before == "" {
		return db.revocations(ctx, `ORDER BY id DESC LIMIT ?`, limit)
	}
	return db.revocations(ctx, `AND id < ? ORDER BY id DESC LIMIT ?`, before, limit)
}

func (db *DB) revocations(ctx context.Context, choice string, args ...any) ([]identity.Revocation, error) {
	return rows(ctx, db, "revocations", `SELECT `+revocationColumns+` FROM revocations WHERE expires_at > ? `+choice, append([]any{millis(db.now())}, args...), scanRevocation)
}

func scanRevocation(scan func(...any) error) (identity.Revocation, error) {
	var r identity.Revocation
	var before, expires, created int64
	err := scan(&r.ID, &r.Kind, &r.Value, &before, &expires, &created, &r.ClientID)
	r.Before, r.ExpiresAt, r.CreatedAt = fromMillis(before), fromMillis(expires), fromMillis(created)
	return r, err
}

// Revocation returns that of a kind and value; NotFound if there is none that may still concern
// a token.
func (db *DB) Revocation(ctx context.Context, kind identity.RevocationKind, value string) (identity.Revocation, error) {
	hash := identity.Revocation{Kind: kind, Value: value}.Hash()
	return one(db.revocations(ctx, `AND kind = ? AND hash = ?`, string(kind), hash[:]))("revocation")
}

// RevokedBy are the values by which a token may be revoked; empty ones by none.
type RevokedBy struct {
	Token, Session, Principal, Key string
	IssuedAt                       time.Time
}

// Revoked returns a revocation that concerns a token, or NotFound. It asks the database, so
// that one is known on every node as soon as it is stored.
func (db *DB) Revoked(ctx context.Context, by RevokedBy) (identity.Revocation, error) {
	args := []any{millis(db.now()), millis(by.IssuedAt)}
	for _, r := range []identity.Revocation{
		{Kind: identity.RevokedToken, Value: by.Token}, {Kind: identity.RevokedSession, Value: by.Session},
		{Kind: identity.RevokedPrincipal, Value: by.Principal}, {Kind: identity.RevokedKey, Value: by.Key}, {Kind: identity.RevokedAll},
	} {
		hash := r.Hash()
		args = append(args, string(r.Kind), hash[:])
	}
	list, err := rows(ctx, db, "revocation", `SELECT `+revocationColumns+` FROM revocations WHERE expires_at > ? AND before_at > ?
		AND (kind = ? AND hash = ? OR kind = ? AND hash = ? OR kind = ? AND hash = ? OR kind = ? AND hash = ? OR kind = ? AND hash = ?) LIMIT 1`, args, scanRevocation)
	return one(list, err)("revocation")
}

// RevokedByClient returns how many tokens the client has revoked that have not expired, and
// when the first of these revocations expires.
func (db *DB) RevokedByClient(ctx context.Context, clientID string) (n int, first time.Time, err error) {
	var expires int64
	err = db.row(ctx, "revocations", `SELECT COUNT(*), COALESCE(MIN(expires_at), 0) FROM revocations WHERE client_id = ? AND expires_at > ?`,
		[]any{clientID, millis(db.now())}, &n, &expires)
	return n, fromMillis(expires), err
}

// PruneRevocations forgets about limit of those that concern no token any more, and returns
// how many.
func (db *DB) PruneRevocations(ctx context.Context, limit int) (int64, error) {
	return db.pruneExpired(ctx, "revocations", limit)
}
