package authn_test

import (
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// BenchmarkSecret compares a secret that Argon2id proves with one that memory
// remembers.
func BenchmarkSecret(b *testing.B) {
	s := identitytest.New(b, identitytest.Options{Hashing: argon2.Config{Params: argon2.DefaultParams()}})
	_, text := s.AddClient(admin.NewClient{ID: "machine"})
	secret := identity.NewSecret(text)
	prove := func(b *testing.B, a *authn.Authenticator) {
		b.Helper()
		if _, err := a.Client(b.Context(), authn.ClientCredentials{ID: "machine", Secret: &secret}); err != nil {
			b.Fatal(err)
		}
	}
	fresh := func(b *testing.B) *authn.Authenticator {
		b.Helper()
		in := s.Installation
		a, err := authn.New(authn.Config{
			DB: in.DB, Follower: in.Follower, Pool: in.Pool, Configuration: in.DB.Configuration, Logger: s.Logger, ClientKeys: in.ClientKeys,
		})
		if err != nil {
			b.Fatal(err)
		}
		return a
	}
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			a := fresh(b)
			b.StartTimer()
			prove(b, a)
		}
	})
	b.Run("repeated", func(b *testing.B) {
		a := fresh(b)
		prove(b, a)
		b.ReportAllocs()
		for b.Loop() {
			prove(b, a)
		}
	})
}
