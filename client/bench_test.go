package client_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/client"
	"github.com/seed-60f9e3ad/identity/client/clienttest"
)

// BenchmarkVerify is what a request costs: remembered, where the token was seen before, and
// not, by the algorithm of its key. A revocation list of a thousand entries is held.
func BenchmarkVerify(b *testing.B) {
	for _, algorithm := range []string{"ES256", "RS256", "EdDSA"} {
		issuer := clienttest.New(b)
		issuer.RotateTo(algorithm)
		for n := range 1000 {
			issuer.Revoke(identity.RevokedToken, "revoked-"+strconv.Itoa(n))
		}
		token := issuer.Token(audience, clienttest.Permissions("orders:read", "orders:write"))
		for name, size := range map[string]int{"remembered": 0, "new": -1} {
			v := newVerifier(b, issuer, func(c *client.VerifierConfig) { c.CacheSize = size })
			accepted(b, v, token)
			b.Run(algorithm+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				b.RunParallel(func(p *testing.PB) {
					for p.Next() {
						if _, err := v.Verify(b.Context(), token); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}

// BenchmarkMany is a service whose callers have 5,000 tokens between them.
func BenchmarkMany(b *testing.B) {
	issuer := clienttest.New(b)
	v := newVerifier(b, issuer)
	tokens := make([]string, 5000)
	for n := range tokens {
		tokens[n] = issuer.Token(audience)
		accepted(b, v, tokens[n])
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for n := 0; p.Next(); n++ {
			if _, err := v.Verify(b.Context(), tokens[n%len(tokens)]); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkRefusal is what a flood of bad tokens costs.
func BenchmarkRefusal(b *testing.B) {
	issuer := clienttest.New(b)
	v := newVerifier(b, issuer)
	accepted(b, v, issuer.Token(audience))
	for name, token := range map[string]string{
		"garbage": "x.y.z", "forged": issuer.Token(audience, clienttest.Forged()), "unknown key": issuer.Token(audience, clienttest.UnknownKey()),
		"another audience": issuer.Token("billing-api"),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), token); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

// BenchmarkMiddleware is a request through the middleware.
func BenchmarkMiddleware(b *testing.B) {
	issuer := clienttest.New(b)
	through := newVerifier(b, issuer).Require("orders:read")
	handler := through(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r := httptest.NewRequest(http.MethodGet, "/orders", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+issuer.Token(audience, clienttest.Permissions("orders:read")))
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
