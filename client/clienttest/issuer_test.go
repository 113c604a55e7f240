package clienttest_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/client"
	"github.com/seed-60f9e3ad/identity/client/clienttest"
)

// TestTokensAreWhatTheySay: each kind of bad token is bad for its own reason, and the others
// are good.
func TestTokensAreWhatTheySay(t *testing.T) {
	issuer := clienttest.New(t)
	v, err := client.NewVerifier(client.VerifierConfig{Issuer: issuer.URL(), Audience: "orders-api"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	for name, test := range map[string]struct {
		token string
		want  error
	}{
		"plain":            {issuer.Token("orders-api"), nil},
		"a user's":         {issuer.Token("orders-api", clienttest.User("ann", "s1")), nil},
		"a machine's":      {issuer.Token("orders-api", clienttest.Machine("billing"), clienttest.Permissions()), nil},
		"older":            {issuer.Token("orders-api", clienttest.IssuedAt(time.Now().Add(-time.Minute))), nil},
		"expired":          {issuer.Token("orders-api", clienttest.Expired()), client.ErrExpired},
		"another audience": {issuer.Token("stock-api"), client.ErrAudience},
		"another issuer":   {issuer.Token("orders-api", clienttest.From("https://evil.example")), client.ErrIssuer},
		"an unknown key":   {issuer.Token("orders-api", clienttest.UnknownKey()), client.ErrUnknownKey},
		"forged":           {issuer.Token("orders-api", clienttest.Forged()), client.ErrSignature},
		"without a claim":  {issuer.Token("orders-api", clienttest.Claim("client_id", nil)), client.ErrClaims},
		"another type":     {issuer.Token("orders-api", clienttest.Type("JWT")), client.ErrType},
		"the future":       {issuer.Token("orders-api", clienttest.IssuedAt(time.Now().Add(time.Hour))), client.ErrNotYet},
	} {
		if _, err := v.Verify(t.Context(), test.token); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	issuer.Rotate()
	if _, err := v.Verify(t.Context(), issuer.Token("orders-api")); err != nil {
		t.Errorf("after the rotation: %v", err)
	}
}

// TestClientsProveThemselves: the issuer gives no token to whoever asks.
func TestClientsProveThemselves(t *testing.T) {
	issuer := clienttest.New(t)
	issuer.AddClient(clienttest.Client{ID: "billing", Secret: identity.NewSecret("right")})
	issuer.AddClient(clienttest.Client{ID: "nothing"})
	for _, test := range []struct {
		id, secret string
		good       bool
	}{{"billing", "right", true}, {"billing", "wrong", false}, {"nobody", "right", false}, {"nothing", "right", false}} {
		s, err := client.NewSource(client.SourceConfig{Issuer: issuer.URL(), Audience: "orders-api", ClientID: test.id, Secret: identity.NewSecret(test.secret)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Token(t.Context()); (err == nil) != test.good {
			t.Errorf("%s with %q: %v", test.id, test.secret, err)
		}
	}
}

// TestFaultsEnd when they are told to.
func TestFaultsEnd(t *testing.T) {
	issuer := clienttest.InProcess(t, "https://id.example.com")
	status := func() int {
		response, err := issuer.HTTPClient().Get(issuer.URL() + clienttest.KeysPath)
		if err != nil {
			return -1
		}
		_ = response.Body.Close()
		return response.StatusCode
	}
	for _, want := range []int{http.StatusTeapot, -1, http.StatusServiceUnavailable} {
		issuer.Fail(want)
		if got := status(); got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
	issuer.Fail(0)
	issuer.Answer(clienttest.KeysPath, http.NotFoundHandler())
	if got := status(); got != http.StatusNotFound {
		t.Errorf("instead: %d", got)
	}
	issuer.Answer(clienttest.KeysPath, nil)
	if got := status(); got != http.StatusOK || issuer.Asked(clienttest.KeysPath) != 5 {
		t.Errorf("in the end %d, after %d requests", got, issuer.Asked(clienttest.KeysPath))
	}
}
