package identitytest_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/client"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const ordersAPI = "orders-api"

// goClient is the service, with an issuer at which it is really reached, and a verifier of
// package client beside it that asks for the revocation list all the time.
type goClient struct {
	*identitytest.Service
	*testing.T
	verifier *client.Verifier
}

func newGoClient(t *testing.T) *goClient {
	t.Helper()
	s := identitytest.New(t)
	if r := s.Do("POST", "/api/configuration", `{"jwt_issuer":"`+s.URL+`"}`, "Authorization", "Bearer "+s.AdminToken()); r.Status != http.StatusCreated {
		t.Fatalf("changing the issuer: %d %s", r.Status, r.Body)
	}
	s.Issuer = s.URL
	v, err := client.NewVerifier(client.VerifierConfig{Issuer: s.URL, Audience: ordersAPI, Now: s.Clock.Now, RevocationsEvery: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return &goClient{s, t, v}
}

// source gets tokens of a client.
func (g *goClient) source(id string, secret string, key jose.PrivateKey, change ...func(*client.SourceConfig)) *client.Source {
	g.Helper()
	cfg := client.SourceConfig{Issuer: g.URL, Audience: ordersAPI, ClientID: id, Now: g.Clock.Now}
	if secret != "" {
		cfg.Secret = identity.NewSecret(secret)
	}
	if len(key.PKCS8()) > 0 {
		cfg.PrivateKey = identity.NewSecret(privatePEM(key))
	}
	for _, c := range change {
		c(&cfg)
	}
	s, err := client.NewSource(cfg)
	if err != nil {
		g.Fatal(err)
	}
	return s
}

// token gets one, which the verifier accepts.
func (g *goClient) token(s *client.Source) (string, *client.Token) {
	g.Helper()
	text, err := s.Token(g.Context())
	if err != nil {
		g.Fatal(err)
	}
	got, err := g.verifier.Verify(g.Context(), text)
	if err != nil {
		g.Fatal(err)
	}
	return text, got
}

// becomes waits until the verifier says that of the token.
func (g *goClient) becomes(token string, want error) {
	g.Helper()
	var err error
	for range 500 {
		if _, err = g.verifier.Verify(g.Context(), token); errors.Is(err, want) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	g.Fatalf("the verifier still says %v, not %v", err, want)
}

// TestGoClient: a source gets tokens by each way to prove oneself, under each algorithm that
// keys have, and the verifier finds the service by its issuer alone and accepts them.
func TestGoClient(t *testing.T) {
	g := newGoClient(t)
	both := []string{"secret", "signature"}
	for _, alg := range jose.SigningAlgorithms() {
		key := g.Key(alg)
		g.AddClient(admin.NewClient{ID: "signs-" + string(alg), PublicKey: key.Public().PEM(), Permissions: []string{"orders:read"}})
		_, got := g.token(g.source("signs-"+string(alg), "", key, func(c *client.SourceConfig) { c.Algorithm = string(alg) }))
		if got.Subject() != "signs-"+string(alg) || !got.Has("orders:read") || got.IsUser() {
			t.Errorf("%s: %+v", alg, got)
		}
	}
	_, secret := g.AddClient(admin.NewClient{ID: "secret", GenerateSecret: true})
	g.token(g.source("secret", secret, jose.PrivateKey{}))

	key := g.Key(jose.ES256)
	_, secret = g.AddClient(admin.NewClient{ID: "both", GenerateSecret: true, PublicKey: key.Public().PEM(), Require: both})
	g.token(g.source("both", secret, key))
	for name, s := range map[string]*client.Source{
		"half a proof": g.source("both", secret, jose.PrivateKey{}), "the other half": g.source("both", "", key),
		"another key": g.source("both", secret, g.Key(jose.ES256)), "another secret": g.source("both", secret+"x", key),
		"made for another issuer": g.source("both", secret, key, func(c *client.SourceConfig) { c.Issuer, c.URL = "https://other.test", g.URL }),
	} {
		_, err := s.Token(t.Context())
		if refused, ok := errors.AsType[*client.RequestError](err); !ok || refused.Status != http.StatusUnauthorized || refused.RequestID == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := g.source("secret", "", jose.PrivateKey{}, func(c *client.SourceConfig) {
		c.ClientID, c.PrivateKey = "signs-ES256", identity.NewSecret(privatePEM(key))
	})
	if _, err := s.Token(t.Context()); err == nil {
		t.Error("another's key was accepted")
	}
}

// TestGoClientLearnsOfUsers: their tokens say who they are, and end with what ends them.
func TestGoClientLearnsOfUsers(t *testing.T) {
	g := newGoClient(t)
	user := g.AddUser("ann", "a password of ann's", "orders:read")
	token := g.Login("ann", "a password of ann's", ordersAPI)
	got, err := g.verifier.Verify(t.Context(), token)
	if err != nil || got.Subject() != user.ID || !got.IsUser() || got.SessionID() == "" || got.AuthTime().IsZero() || !got.Has("orders:read") {
		t.Fatalf("%+v, %v", got, err)
	}
	if r := g.Do("PATCH", "/api/users/"+user.ID, `{"enabled":false}`, "Authorization", "Bearer "+g.AdminToken()); r.Status != http.StatusOK {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	g.becomes(token, client.ErrRevoked)
}

// TestGoClientLearnsOfRevocations of each kind, and of a key that is not published any more;
// tokens that are issued afterwards are good.
func TestGoClientLearnsOfRevocations(t *testing.T) {
	g := newGoClient(t)
	authorization := []string{"Authorization", "Bearer " + g.AdminToken()}
	_, secret := g.AddClient(admin.NewClient{ID: "robot", GenerateSecret: true})
	for _, kind := range []identity.RevocationKind{identity.RevokedToken, identity.RevokedPrincipal, identity.RevokedAll} {
		g.Clock.Move(time.Second)
		text, got := g.token(g.source("robot", secret, jose.PrivateKey{}))
		value := map[identity.RevocationKind]string{identity.RevokedToken: got.ID(), identity.RevokedPrincipal: "robot"}[kind]
		body := `{"kind":"` + string(kind) + `","value":"` + value + `"}`
		if kind == identity.RevokedAll {
			body = `{"kind":"all"}`
		}
		if r := g.Do("POST", "/api/revocations", body, authorization...); r.Status != http.StatusOK {
			t.Fatalf("%s: %d %s", kind, r.Status, r.Body)
		}
		g.becomes(text, client.ErrRevoked)
		g.token(g.source("robot", secret, jose.PrivateKey{}))
	}
}

// TestGoClientRidesOutRotation, also of the emergency kind: a key that was not published before
// it signs is asked for when the first token by it comes.
func TestGoClientRidesOutRotation(t *testing.T) {
	g := newGoClient(t)
	_, secret := g.AddClient(admin.NewClient{ID: "robot", GenerateSecret: true})
	first, old := g.token(g.source("robot", secret, jose.PrivateKey{}))
	authorization := []string{"Authorization", "Bearer " + g.AdminToken()}
	created := g.Do("POST", "/api/keys", `{"algorithm":"EdDSA"}`, authorization...)
	if created.Status != http.StatusCreated {
		t.Fatalf("%d %s", created.Status, created.Body)
	}
	kid := g.Object(created)["kid"].(string)
	if r := g.Do("POST", "/api/keys/"+kid+"/activate", `{"now":true,"default":true}`, authorization...); r.Status != http.StatusOK {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	g.Clock.Move(2 * time.Second) // until all nodes know it
	if _, got := g.token(g.source("robot", secret, jose.PrivateKey{})); got.KeyID() != kid || old.KeyID() == kid {
		t.Errorf("signed by %s, before by %s, want %s", got.KeyID(), old.KeyID(), kid)
	}
	if _, err := g.verifier.Verify(t.Context(), first); err != nil {
		t.Errorf("a token by the key before: %v", err)
	}
	if r := g.Do("DELETE", "/api/keys/"+old.KeyID(), "", authorization...); r.Status != http.StatusNoContent {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	g.becomes(first, client.ErrRevoked)
}
