package keyring

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// JWKS is the JSON Web Key Set that verifiers fetch (RFC 7517 section 5),
// ready to be sent.
type JWKS struct {
	Body []byte
	// ETag is quoted, as in the header.
	ETag string
	// Algorithms are those of the keys.
	Algorithms []jose.Algorithm
	// Stale reports whether other nodes may have published more: it could not be asked. Who
	// gets it must not keep it, or a key might sign that they do not know.
	Stale bool

	set   *keySet
	until time.Time // when the next key leaves; zero if none will
}

// jwksPatience is how long the published keys wait for a database that may be away.
const jwksPatience = 250 * time.Millisecond

// JWKS returns every key that a verifier needs now or soon: those that will
// sign, the one that signs, and those that cover live tokens. Public members
// only.
func (r *Ring) JWKS(ctx context.Context) (*JWKS, error) {
	// Verifying goes on while the database is away, though nobody may have asked for the
	// keys before; and verifiers do not wait for it long.
	last := r.last.Load()
	if last != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, jwksPatience)
		defer cancel()
	}
	set, err := r.keys.Get(ctx, "")
	if err != nil {
		if last == nil || identity.KindOf(err) != identity.Unavailable {
			return nil, err
		}
		stale := *r.jwksOf(last)
		stale.Stale = true
		return &stale, nil
	}
	return r.jwksOf(set), nil
}

// jwksOf returns the set as it is published now: the one made before if it is the same.
func (r *Ring) jwksOf(set *keySet) *JWKS {
	now := r.db.Now()
	if held := r.jwks.Load(); held != nil && held.set == set && (held.until.IsZero() || now.Before(held.until)) {
		return held
	}
	made := &JWKS{set: set, Body: []byte(`{"keys":[`)}
	for i, k := range set.published(now) {
		if i > 0 {
			made.Body = append(made.Body, ',')
		}
		made.Body = append(made.Body, k.PublicJWK...)
		if alg := jose.Algorithm(k.Algorithm); !slices.Contains(made.Algorithms, alg) {
			made.Algorithms = append(made.Algorithms, alg)
		}
		if !k.RetiresAt.IsZero() && (made.until.IsZero() || k.RetiresAt.Before(made.until)) {
			made.until = k.RetiresAt
		}
	}
	made.Body = append(made.Body, `]}`...)
	sum := sha256.Sum256(made.Body)
	made.ETag = `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	r.jwks.Store(made)
	return made
}
