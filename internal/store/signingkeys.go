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

// neverMillis stands for a time that is not decided: in the year 9999, so that a program
// which does not know it takes such a key for one that is still to sign.
const neverMillis int64 = 253402300799000

// SigningKeys returns all keys that have not expired, oldest first by the time
// they begin to sign.
func (db *DB) SigningKeys(ctx context.Context) ([]identity.SigningKey, error) {
	return rows(ctx, db, "signing keys", `SELECT kid, algorithm, default_key, public_jwk, private_wrapper_id, private_data_key, private_ciphertext,
		created_at, activates_at, superseded_at, retires_at, tokens_until FROM signing_keys
		WHERE retires_at = 0 OR retires_at > ? ORDER BY activates_at, created_at, kid`, []any{millis(db.now())}, scanSigningKey)
}

func scanSigningKey(scan func(...any) error) (identity.SigningKey, error) {
	var k identity.SigningKey
	var wrapperID, dataKey string
	var ciphertext []byte
	var created, activates, superseded, retires, until int64
	if err := scan(&k.KID, &k.Algorithm, &k.Default, &k.PublicJWK, &wrapperID, &dataKey, &ciphertext, &created, &activates, &superseded, &retires, &until); err != nil {
		return k, err
	}
	k.CreatedAt, k.SupersededAt, k.RetiresAt, k.TokensUntil = fromMillis(created), fromMillis(superseded), fromMillis(retires), fromMillis(until)
	if activates < neverMillis {
		k.ActivatesAt = fromMillis(activates)
	}
	// A row whose parts are damaged beyond their form stays in the list with
	// nothing to open: the key ring quarantines it like any other damage.
	k.Private, _ = identity.NewSealed(wrapperID, dataKey, ciphertext)
	return k, nil
}

// PutSigningKey stores the key as it is to be, in the place of what there was of it. It
// needs Change.
func (db *DB) PutSigningKey(ctx context.Context, k identity.SigningKey) error {
	activates := neverMillis
	if !k.ActivatesAt.IsZero() {
		activates = millis(k.ActivatesAt)
	}
	n, err := db.exec(ctx, "changing a signing key", `UPDATE signing_keys SET algorithm = ?, default_key = ?, public_jwk = ?, private_wrapper_id = ?, private_data_key = ?,
		private_ciphertext = ?, created_at = ?, activates_at = ?, superseded_at = ?, retires_at = ?, tokens_until = ? WHERE kid = ?`,
		k.Algorithm, flag(k.Default), k.PublicJWK, k.Private.WrapperID(), k.Private.DataKey(), sealedBytes(k.Private), millis(k.CreatedAt),
		activates, millis(k.SupersededAt), millis(k.RetiresAt), millis(k.TokensUntil), k.KID)
	if err == nil && n == 0 {
		_, err = db.exec(ctx, "storing a signing key", `INSERT INTO signing_keys (kid, algorithm, default_key, public_jwk, private_wrapper_id, private_data_key,
			private_ciphertext, created_at, activates_at, superseded_at, retires_at, tokens_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			k.KID, k.Algorithm, flag(k.Default), k.PublicJWK, k.Private.WrapperID(), k.Private.DataKey(), sealedBytes(k.Private), millis(k.CreatedAt),
			activates, millis(k.SupersededAt), millis(k.RetiresAt), millis(k.TokensUntil))
	}
	if err != nil {
		return err
	}
	return db.touched(ctx, KindSigningKeys, "")
}

// ScheduleSigningKey stores when the key signs, and for whom; the key itself stays as it
// is. It needs Change.
func (db *DB) ScheduleSigningKey(ctx context.Context, k identity.SigningKey) error {
	activates := neverMillis
	if !k.ActivatesAt.IsZero() {
		activates = millis(k.ActivatesAt)
	}
	n, err := db.exec(ctx, "scheduling a signing key", `UPDATE signing_keys SET default_key = ?, activates_at = ?, superseded_at = ?, retires_at = ?, tokens_until = ? WHERE kid = ?`,
		flag(k.Default), activates, millis(k.SupersededAt), millis(k.RetiresAt), millis(k.TokensUntil), k.KID)
	if err == nil && n == 0 {
		err = noSuch("key")
	}
	if err != nil {
		return err
	}
	return db.touched(ctx, KindSigningKeys, "")
}

// DeleteSigningKey forgets a key. It needs Change.
func (db *DB) DeleteSigningKey(ctx context.Context, kid string) error {
	n, err := db.exec(ctx, "deleting a signing key", `DELETE FROM signing_keys WHERE kid = ?`, kid)
	if err == nil && n == 0 {
		err = noSuch("key")
	}
	if err != nil {
		return err
	}
	if err := db.RevokeIssued(ctx, identity.RevokedKey, kid); err != nil {
		return err
	}
	return db.touched(ctx, KindSigningKeys, "")
}

// sealedBytes is the ciphertext as the column takes it, which is never NULL.
func sealedBytes(s identity.Sealed) []byte {
	if s.Empty() {
		return []byte{}
	}
	return s.Ciphertext()
}

// LongestLifetime is how long a token can live that is issued now: as configured, or as
// the client or the audience has it that says the most.
func (db *DB) LongestLifetime(ctx context.Context) (time.Duration, error) {
	var configured, clients, audiences int64
	err := db.row(ctx, "lifetimes", `SELECT COALESCE((SELECT MAX(expiration) FROM configuration), 0), COALESCE((SELECT MAX(token_expiration) FROM clients), 0),
		COALESCE((SELECT MAX(token_expiration) FROM audiences), 0)`, nil, &configured, &clients, &audiences)
	return time.Duration(max(configured, clients, audiences)) * time.Millisecond, err
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
		`UPDATE signing_keys SET tokens_until = ? WHERE (superseded_at = 0 OR superseded_at > ?) AND tokens_until < ?`, until, millis(now), until)
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
