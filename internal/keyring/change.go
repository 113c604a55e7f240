package keyring

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/seal"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// takeover is how long after it was stored an imported key begins to sign. A
// node that serves at all has seen a change after one second, so every JWKS
// has the key by then.
const takeover = 1250 * time.Millisecond

// Create makes the first key, which signs at once: no verifier holds an older
// JWKS. It runs in tx, which is inside store.DB.Change.
func (r *Ring) Create(ctx context.Context, tx *store.DB, algorithm jose.Algorithm, lifetime time.Duration) (Key, error) {
	private, err := jose.GeneratePrivateKey(algorithm)
	if err != nil {
		return Key{}, err
	}
	return r.activate(ctx, tx, private, algorithm, tx.Now(), lifetime)
}

// Import stores a key that is to take over from the active one within two
// seconds. Importing the key that was imported last changes nothing. lifetime is
// that of tokens. It runs in tx, which is inside store.DB.Change.
func (r *Ring) Import(ctx context.Context, tx *store.DB, private jose.PrivateKey, lifetime time.Duration) (Key, error) {
	stored, err := tx.SigningKeys(ctx)
	if err != nil {
		return Key{}, err
	}
	algorithm := private.Algorithms()[0]
	if len(stored) > 0 {
		latest := stored[len(stored)-1]
		if latest.KID == private.Public().KID() {
			if _, err := open(r.sealer, latest); err == nil {
				return Key{latest, private.Public()}, nil
			}
			// The same key again is the cure for a damaged one.
		}
		algorithm = goOnWith(jose.Algorithm(latest.Algorithm), algorithm, private)
	}
	return r.activate(ctx, tx, private, algorithm, tx.Now().Add(takeover), lifetime)
}

// goOnWith keeps PS256 where the installation signed with it: otherwise
// importing an RSA key would silently go back to PKCS #1 v1.5 padding.
func goOnWith(latest, algorithm jose.Algorithm, private jose.PrivateKey) jose.Algorithm {
	if latest == jose.PS256 && private.Public().Fits(jose.PS256) {
		return jose.PS256
	}
	return algorithm
}

func (r *Ring) activate(ctx context.Context, tx *store.DB, private jose.PrivateKey, algorithm jose.Algorithm, at time.Time, lifetime time.Duration) (Key, error) {
	public, err := private.Public().Bind(algorithm)
	if err != nil {
		return Key{}, err
	}
	der := private.PKCS8()
	defer clear(der)
	sealed, err := r.sealer.Seal(der, place(public.KID()))
	if err != nil {
		return Key{}, fmt.Errorf("sealing a signing key: %w", err)
	}
	k := identity.SigningKey{
		KID: public.KID(), Algorithm: string(algorithm), PublicJWK: public.JWK(), Private: sealed,
		CreatedAt: tx.Now(), ActivatesAt: at,
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
