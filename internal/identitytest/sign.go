package identitytest

import (
	"crypto/rand"
	"encoding/json"
	"maps"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// Key makes a private key for an algorithm.
func (s *Service) Key(algorithm jose.Algorithm) jose.PrivateKey {
	s.t.Helper()
	key, err := jose.GeneratePrivateKey(algorithm)
	s.must(err)
	return key
}

// Assertion signs a good client assertion of the client with the key. Each change
// is laid over the claims; a nil value takes a claim away.
func (s *Service) Assertion(key jose.PrivateKey, clientID string, changes ...map[string]any) string {
	s.t.Helper()
	now := s.Clock.Now().Unix()
	claims := map[string]any{
		"iss": clientID, "sub": clientID, "aud": s.Issuer, "jti": rand.Text(), "iat": now, "exp": now + 60,
	}
	for _, c := range changes {
		maps.Copy(claims, c)
	}
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return s.Sign(key, claims)
}

// Sign signs claims with the key, under its first algorithm.
func (s *Service) Sign(key jose.PrivateKey, claims map[string]any) string {
	s.t.Helper()
	signer, err := jose.NewSigner(key, key.Algorithms()[0], "JWT")
	s.must(err)
	payload, err := json.Marshal(claims)
	s.must(err)
	signed, err := signer.Sign(payload)
	s.must(err)
	return signed
}
