package store

import (
	"context"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// KeyMargin is how much longer than the last token under it a key stays
// published: for nodes that learn of a change within trust, and for the clock
// skew that verifiers allow.
const KeyMargin = time.Minute + trust

// SigningKeys returns all keys that have not expired, oldest first by the time
// they begin to sign.
func (db *DB) SigningKeys(ctx context.Context) ([]identity.SigningKey, error) {
	return rows(ctx, db, "signing keys", `SELECT kid, algorithm, default_key, public_jwk, private_wrapper_id, private_data_key, private_ciphertext,
		created_at, activates_at, superseded_at, retires_at FROM signing_keys
		WHERE retires_at = 0 OR retires_at > ? ORDER BY activates_at, created_at, kid`, []any{millis(db.now())}, scanSigningKey)
}

// SealedSigningKeys returns the keys that have a private half. Unlike
// SigningKeys it also answers before the first migration: with none.
func (db *DB) SealedSigningKeys(ctx context.Context) ([]identity.SigningKey, error) {
	if made, err := db.hasTable(ctx, "signing_keys"); err != nil || !made {
		return nil, err
	}
	// Only columns of the first schema: this runs before migrations.
	return rows(ctx, db, "signing keys", `SELECT kid, private_wrapper_id, private_data_key, private_ciphertext FROM signing_keys
		WHERE private_wrapper_id <> '' AND (retires_at = 0 OR retires_at > ?)`, []any{millis(db.now())},
		func(scan func(...any) error) (k identity.SigningKey, err error) {
			var wrapperID, dataKey string
			var ciphertext []byte
			err = scan(&k.KID, &wrapperID, &dataKey, &ciphertext)
			k.Private, _ = identity.NewSealed(wrapperID, dataKey, ciphertext) // damage is found when it is opened
			return k, err
		})
}

func scanSigningKey(scan func(...any) error) (identity.SigningKey, error) {
	var k identity.SigningKey
	var wrapperID, dataKey string
	var ciphertext []byte
	var created, activates, superseded, retires int64
	if err := scan(&k.KID, &k.Algorithm, &k.Default, &k.PublicJWK, &wrapperID, &dataKey, &ciphertext, &created, &activates, &superseded, &retires); err != nil {
		return k, err
	}
	k.CreatedAt, k.ActivatesAt, k.SupersededAt, k.RetiresAt = fromMillis(created), fromMillis(activates), fromMillis(superseded), fromMillis(retires)
	// A row whose parts are damaged beyond their form stays in the list with
	// nothing to open: the key ring quarantines it like any other damage.
	k.Private, _ = identity.NewSealed(wrapperID, dataKey, ciphertext)
	return k, nil
}

// ActivateSigningKey stores the key as the one that signs from its ActivatesAt
// on: in the place of the default key, or of the one for its algorithm. The key
// before it is superseded then, and retires when the last token under it has
// expired, given that tokens live for lifetime, or longer where a client or an
// audience says so. A key that was
// retired begins anew. It needs Change.
func (db *DB) ActivateSigningKey(ctx context.Context, k identity.SigningKey, lifetime time.Duration) error {
	longest, err := db.longestLifetime(ctx)
	if err != nil {
		return err
	}
	lifetime = max(lifetime, longest)
	from := millis(k.ActivatesAt)
	until := millis(k.ActivatesAt.Add(lifetime + KeyMargin))
	_, err = db.exec(ctx, "superseding signing keys", `UPDATE signing_keys SET superseded_at = ?,
		retires_at = CASE WHEN tokens_until > ? THEN tokens_until ELSE ? END WHERE superseded_at = 0 AND kid <> ?
		AND default_key = ? AND (default_key = 1 OR algorithm = ?)`, from, until, until, k.KID, flag(k.Default), k.Algorithm)
	if err != nil {
		return err
	}
	// One that comes back goes on covering the tokens that it covered.
	n, err := db.exec(ctx, "replacing a signing key", `UPDATE signing_keys SET algorithm = ?, default_key = ?, public_jwk = ?, private_wrapper_id = ?, private_data_key = ?,
		private_ciphertext = ?, created_at = ?, activates_at = ?, superseded_at = 0,
		tokens_until = CASE WHEN retires_at > tokens_until THEN retires_at ELSE tokens_until END, retires_at = 0 WHERE kid = ?`,
		k.Algorithm, flag(k.Default), k.PublicJWK, k.Private.WrapperID(), k.Private.DataKey(), k.Private.Ciphertext(), millis(k.CreatedAt), from, k.KID)
	if err != nil {
		return err
	}
	if n == 0 {
		_, err = db.exec(ctx, "storing a signing key", `INSERT INTO signing_keys (kid, algorithm, default_key, public_jwk, private_wrapper_id, private_data_key,
			private_ciphertext, created_at, activates_at, superseded_at, retires_at, tokens_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)`,
			k.KID, k.Algorithm, flag(k.Default), k.PublicJWK, k.Private.WrapperID(), k.Private.DataKey(), k.Private.Ciphertext(), millis(k.CreatedAt), from)
		if err != nil {
			return err
		}
	}
	return db.touched(ctx, KindSigningKeys, "")
}

// longestLifetime is that of the clients and audiences which have one of their own.
func (db *DB) longestLifetime(ctx context.Context) (time.Duration, error) {
	var clients, audiences int64
	err := db.row(ctx, "lifetimes", `SELECT COALESCE((SELECT MAX(token_expiration) FROM clients), 0), COALESCE((SELECT MAX(token_expiration) FROM audiences), 0)`,
		nil, &clients, &audiences)
	return time.Duration(max(clients, audiences)) * time.Millisecond, err
}

// coverTokens keeps keys published for tokens issued before the lifetime
// changed, and for those that a key about to be superseded still issues after.
func (db *DB) coverTokens(ctx context.Context, former, next time.Duration) error {
	if former == next {
		return nil
	}
	now := db.now()
	until := millis(now.Add(former + KeyMargin))
	_, err := db.exec(ctx, "covering earlier tokens",
		`UPDATE signing_keys SET tokens_until = ? WHERE superseded_at = 0 AND tokens_until < ?`, until, until)
	if err != nil {
		return err
	}
	_, err = db.exec(ctx, "covering later tokens",
		`UPDATE signing_keys SET retires_at = superseded_at + ? WHERE superseded_at > ? AND retires_at < superseded_at + ?`,
		(next + KeyMargin).Milliseconds(), millis(now), (next + KeyMargin).Milliseconds())
	if err != nil {
		return err
	}
	return db.touched(ctx, KindSigningKeys, "")
}

// DestroySupersededKeys erases the private halves of keys that sign no more,
// and forgets keys under which no token is left.
func (db *DB) DestroySupersededKeys(ctx context.Context) error {
	now := db.now()
	_, err := db.exec(ctx, "destroying private keys", `UPDATE signing_keys SET private_wrapper_id = '', private_data_key = '', private_ciphertext = ?
		WHERE superseded_at > 0 AND superseded_at <= ? AND private_wrapper_id <> ''`, []byte{}, millis(now.Add(-2*trust)))
	if err != nil {
		return err
	}
	_, err = db.exec(ctx, "forgetting signing keys", `DELETE FROM signing_keys WHERE retires_at > 0 AND retires_at <= ?`, millis(now))
	return err
}
