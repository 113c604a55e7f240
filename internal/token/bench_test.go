package token_test

import (
	"context"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/token"
)

// BenchmarkIssue is the making of a token, from the grant to the compact JWS.
func BenchmarkIssue(b *testing.B) {
	for _, algorithm := range jose.SigningAlgorithms() {
		b.Run(string(algorithm), func(b *testing.B) {
			s := identitytest.New(b, identitytest.Options{Algorithm: algorithm})
			cfg, err := s.Installation.DB.Configuration(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			issuer, err := token.New(token.Config{
				Ring: s.Installation.Ring, Revocations: revocations(b, s.Installation), Now: s.Clock.Now,
				Configuration: func(context.Context) (identity.Configuration, error) { return cfg, nil },
			})
			if err != nil {
				b.Fatal(err)
			}
			grant := token.Grant{Audience: token.Audience{"a"}, Principal: identity.Principal{ID: "machine"}, Permissions: []string{"a:read", "a:write"}}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := issuer.Issue(b.Context(), grant); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
