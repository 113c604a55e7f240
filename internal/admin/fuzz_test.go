package admin_test

import (
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// FuzzLeak: whatever was found, it is looked at, it is not repeated, and what is of this
// service is known with anything around it that files have there.
func FuzzLeak(f *testing.F) {
	s := identitytest.New(f)
	_, secret := s.AddClient(admin.NewClient{ID: "robot", Name: "Robot"})
	caller := identity.LocalAdministrator("test")
	for _, seed := range []string{
		"", "=", "\n", `"`, "a=b=c", "export X='", "Authorization: Bearer ", `{"d":1}`, "ids_", "ids_k3x9q2ab_", "idr_", "..", "a.b.c", "-----BEGIN PRIVATE KEY-----\n", ",", "{", "\xff",
		s.Key(jose.ES256).Public().JWK(), s.Key(jose.ES256).Public().PEM(), s.Assertion(s.Key(jose.ES256), "robot"), secret[:20], s.EncryptionKey.Reveal() + ",",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, found := range []string{text, text + secret[20:], secret[:20] + text} {
			l, err := s.Installation.Admin.Leak(t.Context(), caller, admin.Found{Secret: identity.NewSecret(found)}, false)
			if err != nil || l.Kind == "" || l.Says == "" || l.Revoked {
				t.Fatalf("%+v, %v", l, err)
			}
			if l.Kind == admin.LeakedClientSecret && !strings.Contains(found, secret) {
				t.Fatal("a part of a secret is taken for it")
			}
		}
		for _, around := range [][2]string{{"", "\n"}, {"CLIENT_SECRET=", ""}, {`secret: "`, `",`}, {"Authorization: Bearer ", "\r\n"}, {"  export A_b='", "'\n"}} {
			l, err := s.Installation.Admin.Leak(t.Context(), caller, admin.Found{Secret: identity.NewSecret(around[0] + secret + around[1])}, false)
			if err != nil || l.Kind != admin.LeakedClientSecret {
				t.Fatalf("%q: %+v, %v", around, l, err)
			}
		}
	})
}
