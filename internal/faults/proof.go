package faults

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// Proof is what a machine shows at /auth/token.
type Proof struct {
	clientID, secret, signature, jti, kid string
}

// Secret is the proof of a client by its secret.
func Secret(clientID, secret string) Proof { return Proof{clientID: clientID, secret: secret} }

// WithSecret adds a secret to an assertion, for a client that requires both.
func (p Proof) WithSecret(secret string) Proof {
	p.secret = secret
	return p
}

// JTI is the assertion's id; showing the same Proof again is a replay.
func (p Proof) JTI() string { return p.jti }

// Key is a machine's key pair.
type Key struct {
	private jose.PrivateKey
	signer  *jose.Signer
}

// NewKey makes a key for an algorithm, such as jose.ES256 or jose.EdDSA.
func NewKey(t testing.TB, alg jose.Algorithm) *Key {
	t.Helper()
	private, err := jose.GeneratePrivateKey(alg)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(private, alg, "JWT")
	if err != nil {
		t.Fatal(err)
	}
	return &Key{private, signer}
}

// Public is the public half as a JWK, for the "public_key" of a client.
func (k *Key) Public() json.RawMessage { return json.RawMessage(k.private.Public().JWK()) }

// KID is the key's id.
func (k *Key) KID() string { return k.private.Public().KID() }

// Assertion is a new assertion (RFC 7523 section 3) that is good for a minute.
func (k *Key) Assertion(clientID, issuer string) (Proof, error) {
	now, jti := time.Now(), rand.Text()
	claims, err := json.Marshal(map[string]any{
		"iss": clientID, "sub": clientID, "aud": issuer, "jti": jti, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	})
	if err != nil {
		return Proof{}, err
	}
	signature, err := k.signer.Sign(claims)
	return Proof{clientID: clientID, signature: signature, jti: jti, kid: k.KID()}, err
}

// Verifier reads the service's keys as they are now and returns a function that reports
// why a token is not good: its form, its signature, its times. It writes no ledger.
func (c *Client) Verifier(ctx context.Context) (func(token string) error, error) {
	set, _, err := exchange[struct{ Keys []json.RawMessage }](ctx, c, call{method: http.MethodGet, path: "/.well-known/jwks.json"})
	if err != nil {
		return nil, fmt.Errorf("reading the keys: %w", err)
	}
	keys := map[string]jose.PublicKey{}
	for _, text := range set.Keys {
		key, err := jose.ParsePublicKey(text)
		if err != nil {
			return nil, fmt.Errorf("reading the keys: %w", err)
		}
		keys[key.KID()] = key
	}
	return func(token string) error { return verify(token, keys, time.Now()) }, nil
}

func verify(token string, keys map[string]jose.PublicKey, now time.Time) error {
	message, err := jose.Parse(token, jose.SigningAlgorithms())
	if err != nil {
		return err
	}
	key, ok := keys[message.KID()]
	if !ok {
		return fmt.Errorf("no key %q is published", message.KID())
	}
	payload, err := message.Verify(key)
	if err != nil {
		return err
	}
	var claims struct {
		Exp, Iat int64
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return err
	}
	switch {
	case claims.Exp <= claims.Iat:
		return errors.New("it expires before it begins")
	case now.Unix() >= claims.Exp:
		return errors.New("it has expired")
	}
	return nil
}
