package admin

import (
	"context"
	"slices"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// NewKey is a public key that a client is to have.
type NewKey struct {
	PublicKey string // PEM (SPKI) or JWK
	Label     string
}

// newClientKeys reads all keys that a client is to have: the member of the request is what
// is at fault where they cannot be.
func newClientKeys(member string, list []NewKey, now time.Time) ([]identity.ClientKey, error) {
	if len(list) > identity.MaxClientCredentials {
		return nil, identity.InvalidField(member, "must have at most %d keys", identity.MaxClientCredentials)
	}
	keys := make([]identity.ClientKey, 0, len(list))
	for i, n := range list {
		key, err := newClientKey(n.PublicKey, n.Label, now)
		if err != nil {
			return nil, identity.InvalidField(member, "key %d: %s", i+1, fault(err))
		}
		if slices.ContainsFunc(keys, func(k identity.ClientKey) bool { return k.KID == key.KID }) {
			return nil, identity.InvalidField(member, "must have no key twice")
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// fault is what is wrong with the one field that an error is about.
func fault(err error) string {
	if e, ok := err.(*identity.Error); ok && len(e.Fields) == 1 { //nolint:errorlint // it is made right here, and not wrapped
		return e.Fields[0].Message
	}
	return err.Error()
}

// mayFetch refuses a URL from which keys will not be fetched; empty is none.
func (s *Service) mayFetch(uri string) error {
	if uri == "" {
		return nil
	}
	return s.checkKeysURI(uri)
}

// coherent refuses metadata of a client that are at odds with each other (RFC 7591 section 2).
func coherent(c identity.Client) error {
	if err := identity.CheckAuthMethod(c.AuthMethod, c.Require); err != nil {
		return err
	}
	switch {
	case c.AssertionAlgorithm != "" && !c.Require.Has(identity.ProofSignature):
		return identity.InvalidField("token_endpoint_auth_signing_alg", "needs a client that requires a signature")
	case c.JWKSURI != "" && len(c.Keys) > 0:
		return identity.InvalidField("jwks_uri", "cannot be together with registered keys: a jwks without any takes them away")
	case c.JWKSURI != "" && c.StaticSignature:
		return identity.InvalidField("jwks_uri", "cannot be together with static_signature")
	}
	return nil
}

// replaceKeys has the client have the keys of next, and no others. A key that it had
// already stays what it was.
func replaceKeys(ctx context.Context, tx *store.DB, found, next identity.Client) error {
	has := func(list []identity.ClientKey, k identity.ClientKey) bool {
		return slices.ContainsFunc(list, func(other identity.ClientKey) bool { return other.KID == k.KID && other.JWK == k.JWK })
	}
	for _, k := range found.Keys {
		if has(next.Keys, k) {
			continue
		}
		if err := tx.RevokeClientTokens(ctx, found.ID); err != nil {
			return err
		}
		if err := tx.DeleteClientKey(ctx, found.ID, k.ID); err != nil {
			return err
		}
	}
	for _, k := range next.Keys {
		if has(found.Keys, k) {
			continue
		}
		if err := tx.AddClientKey(ctx, found.ID, k); err != nil {
			return err
		}
	}
	return nil
}

// fitting reports whether one of the client's keys fits the algorithm of its assertions; where
// the keys are is not looked at here.
func fitting(c identity.Client) bool {
	if c.AssertionAlgorithm == "" || c.JWKSURI != "" {
		return c.JWKSURI != "" || len(c.Keys) > 0
	}
	return slices.ContainsFunc(c.Keys, func(k identity.ClientKey) bool {
		key, err := jose.ParsePublicKey([]byte(k.JWK))
		return err == nil && key.Fits(jose.Algorithm(c.AssertionAlgorithm))
	})
}

func checkAssertionAlgorithm(name string) error {
	if name == "" {
		return nil
	}
	if _, err := jose.ParseAlgorithm(name); err != nil {
		return identity.InvalidField("token_endpoint_auth_signing_alg", "%s", err)
	}
	return nil
}
