package keyring

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Every function here runs in tx, which is inside store.DB.Change: what it reads of the
// keys stays true until it is done, and what it does is done whole or not at all.

// Create makes the first key, which signs at once: no verifier holds an older JWKS.
func (r *Ring) Create(ctx context.Context, tx *store.DB, algorithm jose.Algorithm) (Key, error) {
	private, err := jose.GeneratePrivateKey(algorithm)
	if err != nil {
		return Key{}, err
	}
	return r.first(ctx, tx, private, algorithm)
}

// Adopt is Create with a key that verifiers know from before.
func (r *Ring) Adopt(ctx context.Context, tx *store.DB, private jose.PrivateKey) (Key, error) {
	return r.first(ctx, tx, private, private.Algorithms()[0])
}

func (r *Ring) first(ctx context.Context, tx *store.DB, private jose.PrivateKey, algorithm jose.Algorithm) (Key, error) {
	now := tx.Now()
	return r.add(ctx, tx, private, identity.SigningKey{Algorithm: string(algorithm), Default: true, CreatedAt: now}, succession{at: now, now: now})
}

// Import stores a key that is to take over as the default one within two seconds.
// Importing the key that was imported last changes nothing, unless it is damaged: then
// this is the cure.
func (r *Ring) Import(ctx context.Context, tx *store.DB, private jose.PrivateKey) (Key, error) {
	stored, err := tx.SigningKeys(ctx)
	if err != nil {
		return Key{}, err
	}
	now := tx.Now()
	next := identity.SigningKey{Algorithm: string(private.Algorithms()[0]), Default: true, CreatedAt: now}
	last, hasLast := latest(stored)
	if hasLast {
		next.Algorithm = goOnWith(last.Algorithm, next.Algorithm, private)
	}
	if i := slices.IndexFunc(stored, func(s identity.SigningKey) bool { return s.KID == private.Public().KID() }); i >= 0 {
		known := r.loadKey(stored[i], now)
		if hasLast && known.KID == last.KID && known.fault == nil {
			return Key{known.SigningKey, known.public}, nil
		}
		next.TokensUntil = known.TokensUntil
		if known.State(now) == identity.KeyRetired { // it goes on covering the tokens that it covers
			next.TokensUntil = later(known.TokensUntil, known.RetiresAt)
		}
		if !known.unproven {
			// It goes on as it is published: tokens under it are about, and one
			// key has one algorithm (RFC 8725 section 3.1).
			next.Algorithm, next.CreatedAt = known.Algorithm, known.CreatedAt
		}
	}
	return r.add(ctx, tx, private, next, succession{at: later(now, next.CreatedAt.Add(takeover)), now: now, outright: true})
}

// goOnWith keeps PS256 where the installation signed with it: otherwise
// importing an RSA key would silently go back to PKCS #1 v1.5 padding.
func goOnWith(latest, algorithm string, private jose.PrivateKey) string {
	if latest == string(jose.PS256) && private.Public().Fits(jose.PS256) {
		return latest
	}
	return algorithm
}

// Make stores a new key that is published from now on. When it signs is for Activate to
// say.
func (r *Ring) Make(ctx context.Context, tx *store.DB, private jose.PrivateKey, algorithm jose.Algorithm) (identity.SigningKey, error) {
	k, _, err := r.seal(private, identity.SigningKey{Algorithm: string(algorithm), CreatedAt: tx.Now()})
	if err != nil {
		return k, err
	}
	return k, tx.PutSigningKey(ctx, k)
}

// add seals a key and stores it, to take over as s says.
func (r *Ring) add(ctx context.Context, tx *store.DB, private jose.PrivateKey, k identity.SigningKey, s succession) (Key, error) {
	sealed, public, err := r.seal(private, k)
	if err != nil {
		return Key{}, err
	}
	taken, err := takeOver(ctx, tx, sealed, s, tx.PutSigningKey)
	return Key{taken, public}, err
}

// seal completes a key, which has its algorithm and times.
func (r *Ring) seal(private jose.PrivateKey, k identity.SigningKey) (identity.SigningKey, jose.PublicKey, error) {
	public, err := private.Public().Bind(jose.Algorithm(k.Algorithm))
	if err != nil {
		return k, public, err
	}
	der := private.PKCS8()
	defer clear(der)
	k.KID, k.PublicJWK = public.KID(), public.JWK()
	if k.Private, err = r.sealer.Seal(der, place(k.KID)); err != nil {
		err = fmt.Errorf("sealing a signing key: %w", err)
	}
	return k, public, err
}

// takeOver stores that the key takes over, with put, and what that means for the others.
func takeOver(ctx context.Context, tx *store.DB, next identity.SigningKey, s succession, put func(context.Context, identity.SigningKey) error) (identity.SigningKey, error) {
	stored, err := tx.SigningKeys(ctx)
	if err != nil {
		return next, err
	}
	if s.lifetime, err = tx.LongestLifetime(ctx); err != nil {
		return next, err
	}
	taken, changed := succeed(stored, next, s)
	for _, k := range changed {
		if err := tx.ScheduleSigningKey(ctx, k); err != nil {
			return taken, err
		}
	}
	return taken, put(ctx, taken)
}

// Activation says how a key is to take over.
type Activation struct {
	// Now does not wait until every verifier can know the key. It is for a key that has
	// leaked: until verifiers have asked for the keys again, at most MaxAge, they may
	// refuse tokens.
	Now bool
	// Default makes it the default key where that has another algorithm; the default
	// key's line is continued by a key of its own algorithm anyway.
	Default bool
}

// Activate has a stored key take over from the one of its algorithm, once it has been
// published for MaxAge. The key that it returns says when that is. Errors: NotFound;
// Conflict for a key that is retired.
func (r *Ring) Activate(ctx context.Context, tx *store.DB, kid string, a Activation) (identity.SigningKey, error) {
	stored, err := tx.SigningKeys(ctx)
	if err != nil {
		return identity.SigningKey{}, err
	}
	i := slices.IndexFunc(stored, func(k identity.SigningKey) bool { return k.KID == kid })
	if i < 0 {
		return identity.SigningKey{}, identity.Errorf(identity.NotFound, "There is no such key.")
	}
	k, now := stored[i], tx.Now()
	if !k.SupersededAt.IsZero() {
		return k, identity.Errorf(identity.Conflict, "Another key has taken over from this one, or is about to; its private half is destroyed then. Make a new one.")
	}
	if fault := r.loadKey(k, now).fault; fault != nil {
		return k, identity.Errorf(identity.Conflict, "This key is quarantined: it cannot sign.").Because(fault)
	}
	if last, _ := latest(stored); k.State(now) == identity.KeyActive && (!a.Default || last.KID == k.KID) {
		return k, nil
	}
	s := succession{at: published(k, now), now: now}
	if a.Now {
		s.at = later(now, k.CreatedAt.Add(takeover))
	}
	if !k.ActivatesAt.IsZero() && k.ActivatesAt.Before(s.at) {
		s.at = k.ActivatesAt // the one before it ends then
	}
	continues := heir(stored, k.Algorithm, s.at)
	s.outright = a.Default || k.Default && !continues
	k.Default = k.Default || a.Default || continues
	if s.kept, err = tx.AskedAlgorithms(ctx); err != nil {
		return k, err
	}
	return takeOver(ctx, tx, k, s, tx.ScheduleSigningKey)
}

// Delete forgets a key, and with it every token that it has signed. Errors: NotFound;
// Conflict for one that signs, or without which nothing would.
func (r *Ring) Delete(ctx context.Context, tx *store.DB, kid string) (identity.SigningKey, error) {
	stored, err := tx.SigningKeys(ctx)
	if err != nil {
		return identity.SigningKey{}, err
	}
	i := slices.IndexFunc(stored, func(k identity.SigningKey) bool { return k.KID == kid })
	if i < 0 {
		return identity.SigningKey{}, identity.Errorf(identity.NotFound, "There is no such key.")
	}
	k, now := stored[i], tx.Now()
	asked, err := tx.AskedAlgorithms(ctx)
	if err != nil {
		return k, err
	}
	rest := slices.Delete(slices.Clone(stored), i, i+1)
	var restored []identity.SigningKey
	if k.State(now) == identity.KeyNext && !k.ActivatesAt.IsZero() {
		lifetime, err := tx.LongestLifetime(ctx)
		if err != nil {
			return k, err
		}
		restored = recall(rest, k, lifetime)
		for _, again := range restored {
			rest[slices.IndexFunc(rest, func(other identity.SigningKey) bool { return other.KID == again.KID })] = again
		}
	}
	// One that is about to sign may do so on a node that does not know yet that it is gone.
	begins := k.State(now) == identity.KeyNext && !k.ActivatesAt.IsZero() && !k.ActivatesAt.After(now.Add(takeover))
	if begins || needed(stored, rest, asked, now) {
		return k, identity.Errorf(identity.Conflict, "This key is in use: activate another one of its algorithm first, and wait until it signs.")
	}
	for _, again := range restored {
		if err := tx.ScheduleSigningKey(ctx, again); err != nil {
			return k, err
		}
	}
	return k, tx.DeleteSigningKey(ctx, kid)
}

// needed reports whether the rest of all keys leaves something unsigned, now or later,
// that is signed with all of them: by default, or for an algorithm that is asked for.
func needed(all, rest []identity.SigningKey, asked []string, now time.Time) bool {
	for _, algorithm := range append([]string{""}, asked...) {
		without, lapse := lapses(rest, algorithm, now)
		with, before := lapses(all, algorithm, now)
		if lapse && (!before || without.Before(with)) || goesOn(all, algorithm) && !goesOn(rest, algorithm) {
			return true
		}
	}
	return false
}

// goesOn reports whether there is one for good, or will be.
func goesOn(keys []identity.SigningKey, algorithm string) bool {
	if algorithm == "" {
		_, ok := latest(keys)
		return ok
	}
	_, ok := lastOf(keys, algorithm)
	return ok
}
