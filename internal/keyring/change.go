package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/seal"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// takeover is how long after it was first stored an imported key begins to sign.
// A node that serves at all has seen a change after one second, so every JWKS
// has the key by then. One that comes back is published already and signs at
// once.
const takeover = 1250 * time.Millisecond

// Create makes the first key, which signs at once: no verifier holds an older
// JWKS. It runs in tx, which is inside store.DB.Change.
func (r *Ring) Create(ctx context.Context, tx *store.DB, algorithm jose.Algorithm, lifetime time.Duration) (Key, error) {
	private, err := jose.GeneratePrivateKey(algorithm)
	if err != nil {
		return Key{}, err
	}
	return r.first(ctx, tx, private, algorithm, lifetime)
}

// Adopt is Create with a key that verifiers know from before. It runs in tx, which is
// inside store.DB.Change.
func (r *Ring) Adopt(ctx context.Context, tx *store.DB, private jose.PrivateKey, lifetime time.Duration) (Key, error) {
	return r.first(ctx, tx, private, private.Algorithms()[0], lifetime)
}

func (r *Ring) first(ctx context.Context, tx *store.DB, private jose.PrivateKey, algorithm jose.Algorithm, lifetime time.Duration) (Key, error) {
	now := tx.Now()
	return r.activate(ctx, tx, private, identity.SigningKey{Algorithm: string(algorithm), Default: true, CreatedAt: now, ActivatesAt: now}, lifetime)
}

// Import stores a key that is to take over from the active one within two
// seconds. Importing the key that was imported last changes nothing, unless it
// is damaged: then this is the cure. lifetime is that of tokens. It runs in tx,
// which is inside store.DB.Change.
func (r *Ring) Import(ctx context.Context, tx *store.DB, private jose.PrivateKey, lifetime time.Duration) (Key, error) {
	stored, err := tx.SigningKeys(ctx)
	if err != nil {
		return Key{}, err
	}
	now := tx.Now()
	next := identity.SigningKey{Algorithm: string(private.Algorithms()[0]), Default: true, CreatedAt: now}
	if latest, ok := latest(stored); ok {
		next.Algorithm = goOnWith(latest.Algorithm, next.Algorithm, private)
	}
	if i := slices.IndexFunc(stored, func(s identity.SigningKey) bool { return s.KID == private.Public().KID() }); i >= 0 {
		known := r.loadKey(stored[i], now)
		if known.Default && known.SupersededAt.IsZero() && known.fault == nil {
			return Key{known.SigningKey, known.public}, nil
		}
		if !known.unproven {
			// It goes on as it is published: tokens under it are about, and one
			// key has one algorithm (RFC 8725 section 3.1).
			next.Algorithm, next.CreatedAt = known.Algorithm, known.CreatedAt
		}
	}
	next.ActivatesAt = now
	if published := next.CreatedAt.Add(takeover); published.After(now) {
		next.ActivatesAt = published
	}
	return r.activate(ctx, tx, private, next, lifetime)
}

// Ensure makes sure that there is a key for the algorithm. It returns the key that it
// had to make, or nil where the default key or another has it. It runs in tx, which is
// inside store.DB.Change.
func (r *Ring) Ensure(ctx context.Context, tx *store.DB, algorithm jose.Algorithm) (*Key, error) {
	stored, err := tx.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(stored, func(k identity.SigningKey) bool {
		return k.SupersededAt.IsZero() && k.Algorithm == string(algorithm)
	}) {
		return nil, nil
	}
	private, err := jose.GeneratePrivateKey(algorithm)
	if err != nil {
		return nil, err
	}
	now := tx.Now()
	made, err := r.activate(ctx, tx, private, identity.SigningKey{Algorithm: string(algorithm), CreatedAt: now, ActivatesAt: now.Add(takeover)}, 0)
	return &made, err
}

// goOnWith keeps PS256 where the installation signed with it: otherwise
// importing an RSA key would silently go back to PKCS #1 v1.5 padding.
func goOnWith(latest, algorithm string, private jose.PrivateKey) string {
	if latest == string(jose.PS256) && private.Public().Fits(jose.PS256) {
		return latest
	}
	return algorithm
}

// activate completes the key, which has its algorithm and times, and stores it.
func (r *Ring) activate(ctx context.Context, tx *store.DB, private jose.PrivateKey, k identity.SigningKey, lifetime time.Duration) (Key, error) {
	public, err := private.Public().Bind(jose.Algorithm(k.Algorithm))
	if err != nil {
		return Key{}, err
	}
	der := private.PKCS8()
	defer clear(der)
	k.KID, k.PublicJWK = public.KID(), public.JWK()
	if k.Private, err = r.sealer.Seal(der, place(k.KID)); err != nil {
		return Key{}, fmt.Errorf("sealing a signing key: %w", err)
	}
	if err := tx.ActivateSigningKey(ctx, k, lifetime); err != nil {
		return Key{}, err
	}
	return Key{k, public}, nil
}

// Check reports whether the listed encryption keys are those under which the
// stored keys are sealed. A service whose Check fails must not start: it could
// neither sign nor say whether what it has is whole. A single damaged value is
// no reason; it is quarantined.
func Check(ctx context.Context, db *store.DB, sealer *seal.Sealer) error {
	sealed, err := db.SealedSigningKeys(ctx)
	if err != nil {
		return err
	}
	for _, s := range sealed {
		if _, err := sealer.Open(s.Private, place(s.KID)); errors.Is(err, seal.ErrUnknownKey) {
			return fmt.Errorf("ENCRYPTION_KEY: signing key %s is sealed under the encryption key %q, which is not listed; start with the key that was used before (several are separated by commas, the first encrypts); nothing was changed",
				s.KID, s.Private.WrapperID())
		}
	}
	return nil
}

// Upkeep destroys private halves that sign no more and forgets keys that no
// token needs. Correctness does not depend on it.
func (r *Ring) Upkeep(ctx context.Context) error { return r.db.DestroySupersededKeys(ctx) }
