package client_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/client"
	"github.com/seed-60f9e3ad/identity/client/clienttest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const secretText = "s3cret-of-billing"

// newSource makes a source of a registered client's tokens.
func newSource(t testing.TB, issuer *clienttest.Issuer, change ...func(*client.SourceConfig)) *client.Source {
	t.Helper()
	issuer.AddClient(clienttest.Client{ID: "billing", Secret: identity.NewSecret(secretText), Permissions: []string{"orders:read"}})
	cfg := client.SourceConfig{
		Issuer: issuer.URL(), Audience: audience, ClientID: "billing", Secret: identity.NewSecret(secretText), HTTPClient: issuer.HTTPClient(),
	}
	for _, c := range change {
		c(&cfg)
	}
	s, err := client.NewSource(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func token(t testing.TB, s *client.Source) string {
	t.Helper()
	got, err := s.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestSourceShares: one request serves all who ask, and its token whoever asks later.
func TestSourceShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		issuer.Delay(time.Second)
		s, v := newSource(t, issuer), newVerifier(t, issuer)
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() { token(t, s) })
		}
		all.Wait()
		first := token(t, s)
		if got := accepted(t, v, first); got.Subject() != "billing" || !got.Has("orders:read") {
			t.Errorf("got %+v", got)
		}
		if n := issuer.Asked(clienttest.TokenPath); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestSourceRenewsAhead: the next token is got while the one before still counts, and nobody
// waits for it.
func TestSourceRenewsAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		s := newSource(t, issuer)
		first := token(t, s)
		issuer.Delay(5 * time.Second)
		time.Sleep(clienttest.Lifetime*3/4 - time.Second)
		if token(t, s) != first || issuer.Asked(clienttest.TokenPath) != 1 {
			t.Error("renewed before it is time")
		}
		time.Sleep(clienttest.Lifetime/20 + 2*time.Second)
		begin := time.Now()
		for range 10 {
			if token(t, s) != first || time.Since(begin) > 0 {
				t.Fatal("somebody waits for a token while there is one")
			}
		}
		time.Sleep(6 * time.Second)
		if token(t, s) == first || issuer.Asked(clienttest.TokenPath) != 2 {
			t.Errorf("not renewed, with %d requests", issuer.Asked(clienttest.TokenPath))
		}
	})
}

// TestSourceInOutage: the token that is held serves until its end, requests for the next one
// are few, and when the service is back there is one.
func TestSourceInOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		var log strings.Builder
		s := newSource(t, issuer, func(c *client.SourceConfig) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		first := token(t, s)
		issuer.Fail(http.StatusServiceUnavailable)
		time.Sleep(clienttest.Lifetime*4/5 + time.Second)
		for range 170 {
			if token(t, s) != first {
				t.Fatal("another token, from nowhere")
			}
			time.Sleep(time.Second)
		}
		if n := issuer.Asked(clienttest.TokenPath); n > 20 {
			t.Errorf("%d requests in three minutes", n)
		}
		time.Sleep(10 * time.Second)
		var refused *client.RequestError
		if _, err := s.Token(t.Context()); !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
			t.Errorf("got %v", err)
		}
		issuer.Fail(0)
		time.Sleep(30 * time.Second)
		if token(t, s) == first {
			t.Error("the old token")
		}
		if strings.Contains(log.String(), secretText) || strings.Contains(log.String(), first) || !strings.Contains(log.String(), "503") {
			t.Errorf("log: %s", log.String())
		}
	})
}

// TestSourceTriesAgain after what may pass, and waits for as long as it is told to.
func TestSourceTriesAgain(t *testing.T) {
	for name, wait := range map[string]struct {
		header string
		least  time.Duration
	}{"told": {"7", 7 * time.Second}, "not told": {"", 0}, "told nonsense": {"soon", 0}, "told a date": {"Sat, 01 Jan 2000 00:00:09 GMT", 9 * time.Second}} {
		for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway} {
			t.Run(fmt.Sprintf("%s, %d", name, status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					issuer := clienttest.InProcess(t, issuerURL)
					s := newSource(t, issuer)
					issuer.Answer(clienttest.TokenPath, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
						if wait.header != "" {
							w.Header().Set("Retry-After", wait.header)
						}
						w.WriteHeader(status)
						issuer.Answer(clienttest.TokenPath, nil)
					}))
					begin := time.Now()
					token(t, s)
					if took := time.Since(begin); took < wait.least || took > wait.least+time.Second {
						t.Errorf("it took %v", took)
					}
				})
			})
		}
	}
}

// TestSourceDoesNotOutstay: it does not wait for what comes after the caller's time, nor for
// longer than anybody would.
func TestSourceDoesNotOutstay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		s := newSource(t, issuer)
		issuer.Answer(clienttest.TokenPath, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "20")
			w.WriteHeader(http.StatusTooManyRequests)
		}))
		short, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begin := time.Now()
		var refused *client.RequestError
		if _, err := s.Token(short); !errors.As(err, &refused) || refused.RetryAfter != 20*time.Second || time.Since(begin) > time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		if _, err := s.Token(t.Context()); !errors.As(err, &refused) || time.Since(begin) > 2*time.Minute {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		if n := issuer.Asked(clienttest.TokenPath); n > 5 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestSourceWithBadProof: no is no, and a loop of callers does not become one of requests.
func TestSourceWithBadProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		s := newSource(t, issuer, func(c *client.SourceConfig) { c.Secret = identity.NewSecret("wrong-secret") })
		for range 600 {
			_, err := s.Token(t.Context())
			refused, ok := errors.AsType[*client.RequestError](err)
			if !ok || refused.Status != http.StatusUnauthorized || refused.Code != "invalid_credentials" || strings.Contains(err.Error(), "wrong-secret") {
				t.Fatalf("got %v", err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := issuer.Asked(clienttest.TokenPath); n > 15 {
			t.Errorf("%d requests in a minute", n)
		}
	})
}

// TestSourceProofs: by a secret, by a signature, by both; and one of both is not enough.
func TestSourceProofs(t *testing.T) {
	issuer := clienttest.New(t)
	key, err := jose.GeneratePrivateKey(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	private := pemOf(key)
	for _, c := range []clienttest.Client{
		{ID: "signs", PublicKey: key.Public().PEM()},
		{ID: "both", PublicKey: key.Public().PEM(), Secret: identity.NewSecret(secretText)},
	} {
		issuer.AddClient(c)
	}
	proof := func(id string, secret, pem identity.Secret) func(*client.SourceConfig) {
		return func(c *client.SourceConfig) { c.ClientID, c.Secret, c.PrivateKey = id, secret, pem }
	}
	v := newVerifier(t, issuer)
	for _, test := range []struct {
		id          string
		secret, pem identity.Secret
		good        bool
	}{
		{"signs", identity.Secret{}, private, true},
		{"both", identity.NewSecret(secretText), private, true},
		{"both", identity.NewSecret(secretText), identity.Secret{}, false},
		{"both", identity.Secret{}, private, false},
		{"both", identity.NewSecret("wrong"), private, false},
	} {
		s := newSource(t, issuer, proof(test.id, test.secret, test.pem))
		if !test.good {
			if got, err := s.Token(t.Context()); err == nil {
				t.Errorf("%s has got %s", test.id, got)
			}
			continue
		}
		first := token(t, s)
		if got := accepted(t, v, first); got.Subject() != test.id {
			t.Errorf("got %+v", got)
		}
	}
}

// TestSourceBadAnswers: what is no token of ours is none.
func TestSourceBadAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"no JSON": "token", "empty": "{}", "no token": `{"audience":"orders-api","token_type":"Bearer","expires_in":9}`,
		"another audience": `{"token":"x","audience":"other","token_type":"Bearer","expires_in":9}`,
		"another type":     `{"token":"x","audience":"orders-api","token_type":"DPoP","expires_in":9}`,
		"no lifetime":      `{"token":"x","audience":"orders-api","token_type":"Bearer"}`,
		"negative":         `{"token":"x","audience":"orders-api","token_type":"Bearer","expires_in":-9}`,
		"for ever":         `{"token":"x","audience":"orders-api","token_type":"Bearer","expires_in":9223372036854775807}`,
		"twice":            `{"token":"x","token":"y","audience":"orders-api","token_type":"Bearer","expires_in":9}`,
		"too long":         `{"token":"` + strings.Repeat("x", 70<<10) + `","audience":"orders-api","token_type":"Bearer","expires_in":9}`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				issuer := clienttest.InProcess(t, issuerURL)
				s := newSource(t, issuer)
				issuer.Answer(clienttest.TokenPath, constant(body))
				if got, err := s.Token(t.Context()); err == nil {
					t.Errorf("got %q", got)
				}
			})
		})
	}
}

// TestSourceIsNotRedirected: a proof goes to the service and to nobody else.
func TestSourceIsNotRedirected(t *testing.T) {
	issuer, theirs := clienttest.New(t), clienttest.New(t)
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		issuer.Answer(clienttest.TokenPath, http.RedirectHandler(theirs.URL()+clienttest.TokenPath, status))
		s := newSource(t, issuer)
		if got, err := s.Token(t.Context()); err == nil {
			t.Errorf("%d: got %q", status, got)
		}
	}
	if n := theirs.Asked(clienttest.TokenPath); n > 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

// TestSourceConfigurations that could not be meant, and whose errors do not repeat secrets.
func TestSourceConfigurations(t *testing.T) {
	for name, change := range map[string]func(*client.SourceConfig){
		"no issuer":   func(c *client.SourceConfig) { c.Issuer = "" },
		"no audience": func(c *client.SourceConfig) { c.Audience = "" },
		"no client":   func(c *client.SourceConfig) { c.ClientID = "" },
		"no proof":    func(c *client.SourceConfig) { c.Secret = identity.Secret{} },
		"no key":      func(c *client.SourceConfig) { c.PrivateKey = identity.NewSecret(secretText) },
		"http":        func(c *client.SourceConfig) { c.Issuer = "http://id.example.com" },
		"alg none":    func(c *client.SourceConfig) { c.PrivateKey, c.Algorithm = newPEM(t), "none" },
		"another alg": func(c *client.SourceConfig) { c.PrivateKey, c.Algorithm = newPEM(t), "RS256" },
	} {
		cfg := client.SourceConfig{Issuer: issuerURL, Audience: audience, ClientID: "billing", Secret: identity.NewSecret(secretText)}
		change(&cfg)
		if _, err := client.NewSource(cfg); err == nil || strings.Contains(err.Error(), secretText) {
			t.Errorf("%s: %v", name, err)
		}
		if printed := fmt.Sprintf("%+v %#v", cfg, cfg); strings.Contains(printed, secretText) || strings.Contains(printed, "PRIVATE KEY") {
			t.Errorf("%s: printed %s", name, printed)
		}
	}
}

// newPEM is a new private key for ES256.
func newPEM(t *testing.T) identity.Secret {
	t.Helper()
	key, err := jose.GeneratePrivateKey(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return pemOf(key)
}

func pemOf(key jose.PrivateKey) identity.Secret {
	return identity.NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key.PKCS8()})))
}

// TestSourceForgivesNonsense: whoever answered "come back in eleven days" was not the service.
func TestSourceForgivesNonsense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		s := newSource(t, issuer)
		issuer.Answer(clienttest.TokenPath, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1000000")
			w.WriteHeader(http.StatusServiceUnavailable)
		}))
		if _, err := s.Token(t.Context()); err == nil {
			t.Error("a token, from nowhere")
		}
		issuer.Answer(clienttest.TokenPath, nil)
		time.Sleep(5 * time.Minute)
		token(t, s)
	})
}

// TestSourceOfLongLivedTokens: a lifetime of a century is one.
func TestSourceOfLongLivedTokens(t *testing.T) {
	issuer := clienttest.New(t)
	s := newSource(t, issuer)
	issuer.Answer(clienttest.TokenPath, constant(`{"token":"x","audience":"orders-api","token_type":"Bearer","expires_in":3155760000}`))
	for range 10 {
		token(t, s)
	}
	if n := issuer.Asked(clienttest.TokenPath); n != 1 {
		t.Errorf("%d requests", n)
	}
}
