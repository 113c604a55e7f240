package identitytest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// hashing is the contract's default cost, which the kit otherwise makes cheap.
var hashing = argon2.Config{Params: argon2.DefaultParams()}

// request makes a whole request, in this process, without a network.
func request(b *testing.B, s *identitytest.Service, path string, members map[string]string) {
	b.Helper()
	body, err := json.Marshal(members)
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, path, strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.Handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		b.Fatalf("status %d: %s", w.Code, w.Body)
	}
}

// BenchmarkTokenSecret is POST /auth/token of a machine whose secret was proven a
// moment ago: the steady state.
func BenchmarkTokenSecret(b *testing.B) {
	for _, algorithm := range []jose.Algorithm{jose.ES256, jose.RS256, jose.EdDSA} {
		b.Run(string(algorithm), func(b *testing.B) {
			s := identitytest.New(b, identitytest.Options{Algorithm: algorithm, Hashing: hashing})
			_, secret := s.AddClient(admin.NewClient{ID: "machine"})
			members := map[string]string{"client_id": "machine", "client_secret": secret, "audience": "a"}
			request(b, s, "/auth/token", members)
			b.ReportAllocs()
			for b.Loop() {
				request(b, s, "/auth/token", members)
			}
		})
	}
}

// BenchmarkTokenSignature is POST /auth/token of a machine with an ES256 assertion,
// each spent on disk.
func BenchmarkTokenSignature(b *testing.B) {
	s := identitytest.New(b, identitytest.Options{Hashing: hashing})
	key := s.Key(jose.ES256)
	s.AddClient(admin.NewClient{ID: "machine", PublicKey: key.Public().PEM()})
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		assertion := s.Assertion(key, "machine")
		b.StartTimer()
		request(b, s, "/auth/token", map[string]string{"client_id": "machine", "signature": assertion, "audience": "a"})
	}
}

// BenchmarkLogin is POST /auth/login: one Argon2id at the default cost.
func BenchmarkLogin(b *testing.B) {
	s := identitytest.New(b, identitytest.Options{Hashing: hashing})
	s.AddUser("ann", "a long enough password")
	b.ReportAllocs()
	for b.Loop() {
		request(b, s, "/auth/login", map[string]string{"username": "ann", "password": "a long enough password", "audience": "a"})
	}
}
