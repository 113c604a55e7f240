package oauth_test

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/clientkeys"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// publisher is a client's own server, which publishes its keys.
type publisher struct {
	*httptest.Server
	keys  atomic.Pointer[string]
	asked atomic.Int64
}

func newPublisher(t *testing.T) *publisher {
	t.Helper()
	p := &publisher{}
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.asked.Add(1)
		w.Header().Set("Content-Type", "application/jwk-set+json")
		_, _ = w.Write([]byte(*p.keys.Load()))
	}))
	t.Cleanup(p.Close)
	p.publish()
	return p
}

func (p *publisher) publish(keys ...jose.PrivateKey) {
	parts := make([]string, len(keys))
	for i, key := range keys {
		parts[i] = key.Public().JWK()
	}
	text := `{"keys":[` + strings.Join(parts, ",") + `]}`
	p.keys.Store(&text)
}

// reaching is a service that may fetch from this machine.
func (p *publisher) reaching(t *testing.T) *identitytest.Service {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(p.Certificate())
	return identitytest.New(t, identitytest.Options{ClientKeys: clientkeys.Config{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Roots: roots}})
}

// A client with a jwks_uri (RFC 7591 section 2) proves itself with what it publishes, here and
// at /auth/token; it changes its keys there, and nobody has to know.
func TestKeysAtTheClient(t *testing.T) {
	p := newPublisher(t)
	s := p.reaching(t)
	first, second := s.Key(jose.ES256), s.Key(jose.EdDSA)
	p.publish(first)
	client, _ := s.AddClient(admin.NewClient{ID: "remote", JWKSURI: p.URL + "/keys"})
	if client.Require.String() != "signature" || len(client.Secrets) != 0 {
		t.Fatalf("it requires %s and has %d secrets", client.Require, len(client.Secrets))
	}
	ask := func(key jose.PrivateKey, want int) {
		t.Helper()
		r := postForm(s, standardPath, grant(asserted(s.Assertion(key, "remote"))...))
		if r.Status != want {
			t.Errorf("status %d, want %d: %s", r.Status, want, r.Body)
		}
	}
	ask(first, 200)
	wantStatus(t, s.Do("POST", "/auth/token", object("client_id", "remote", "signature", s.Assertion(first, "remote"), "audience", "x")), 200)
	if n := p.asked.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	ask(second, 401) // not published
	s.Clock.Move(time.Minute)
	p.publish(second)
	ask(second, 200)
	ask(first, 401)

	// Who is not known has nobody asked.
	before := p.asked.Load()
	s.Clock.Move(time.Hour)
	wantOAuthError(t, postForm(s, standardPath, grant(asserted(s.Assertion(first, "nobody"))...)), 401, "invalid_client")
	if p.asked.Load() != before {
		t.Error("an unknown client has somebody asked")
	}
	// What the last keys were counts while the client's server is away.
	p.Close()
	ask(second, 200)
	s.WantNoCanary(canary)
}

// Without keys nothing holds, and the answer is the one to any other proof.
func TestKeysThatCannotBeHad(t *testing.T) {
	p := newPublisher(t)
	s := p.reaching(t)
	key := s.Key(jose.ES256)
	s.AddClient(admin.NewClient{ID: "remote", JWKSURI: p.URL + "/keys"})
	p.Close()
	wantOAuthError(t, postForm(s, standardPath, grant(asserted(s.Assertion(key, "remote"))...)), 401, "invalid_client")
	if !strings.Contains(s.Log.String(), `"check":"key.unavailable"`) {
		t.Error("the log does not say why")
	}
}

// An address that is not public is refused when it is written, unless the operator allows it.
func TestPrivateAddressesAreRefused(t *testing.T) {
	s := identitytest.New(t)
	for _, uri := range []string{"https://127.0.0.1/k", "https://[::1]/k", "https://169.254.169.254/latest", "http://keys.test/k", "https://10.0.0.1/", "https://u:p@keys.test/", "file:///etc/passwd"} {
		_, _, err := s.Installation.Admin.CreateClient(t.Context(), local, admin.NewClient{Name: "n", JWKSURI: uri})
		if err == nil {
			t.Errorf("%s was taken", uri)
		}
	}
}
