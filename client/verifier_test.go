package client_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-60f9e3ad/identity/client"
	"github.com/seed-60f9e3ad/identity/client/clienttest"
)

const issuerURL = "https://id.example.com"

// TestTokenSaysWhatItSays.
func TestTokenSaysWhatItSays(t *testing.T) {
	issuer := clienttest.New(t)
	v := newVerifier(t, issuer)
	before := time.Now().Truncate(time.Second)
	machine := accepted(t, v, issuer.Token(audience, clienttest.Machine("billing"), clienttest.Permissions("orders:write", "orders:read"),
		clienttest.Claim("aud", []string{audience, "stock-api"}), clienttest.ID("token-1"), clienttest.Claim("department", "sales")))
	if machine.Subject() != "billing" || machine.ClientID() != "billing" || machine.IsUser() || machine.ID() != "token-1" ||
		machine.Issuer() != issuer.URL() || machine.SessionID() != "" || !machine.AuthTime().IsZero() || machine.KeyID() == "" {
		t.Errorf("a machine's: %+v", machine)
	}
	if got := machine.Audience(); !reflect.DeepEqual(got, []string{audience, "stock-api"}) {
		t.Errorf("audience %v", got)
	}
	if got := machine.Permissions(); !reflect.DeepEqual(got, []string{"orders:read", "orders:write"}) {
		t.Errorf("permissions %v", got)
	}
	if !machine.Has() || !machine.Has("orders:read", "orders:write") || machine.Has("orders:read", "orders:delete") {
		t.Error("Has is wrong")
	}
	if issued := machine.IssuedAt(); issued.Before(before) || machine.ExpiresAt().Sub(issued) != clienttest.Lifetime {
		t.Errorf("issued %v, expires %v", issued, machine.ExpiresAt())
	}
	var more struct {
		Department string `json:"department"`
	}
	if err := machine.Decode(&more); err != nil || more.Department != "sales" {
		t.Errorf("%+v, %v", more, err)
	}
	user := accepted(t, v, issuer.Token(audience, clienttest.User("ann", "session-1")))
	if user.Subject() != "ann" || user.ClientID() != "identity" || !user.IsUser() || user.SessionID() != "session-1" ||
		user.AuthTime().Before(before) || !reflect.DeepEqual(user.AuthMethods(), []string{"pwd"}) {
		t.Errorf("a user's: %+v", user)
	}
}

// TestTokensAreShared: what a caller does to the lists that it gets, changes no token.
func TestTokensAreShared(t *testing.T) {
	issuer := clienttest.New(t)
	v := newVerifier(t, issuer)
	token := issuer.Token(audience, clienttest.Permissions("orders:read"))
	first := accepted(t, v, token)
	first.Permissions()[0] = "orders:delete"
	first.Audience()[0] = "all"
	again := accepted(t, v, token)
	if first != again {
		t.Error("a token that was verified is read again")
	}
	if again.Has("orders:delete") || !again.Has("orders:read") || again.Audience()[0] != audience {
		t.Errorf("changed: %+v", again)
	}
}

// TestLogsHaveNoToken: neither the token's text nor its signature.
func TestLogsHaveNoToken(t *testing.T) {
	issuer := clienttest.New(t)
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	v := newVerifier(t, issuer, func(c *client.VerifierConfig) { c.Logger = logger })
	good, bad := issuer.Token(audience), issuer.Token(audience, clienttest.Forged())
	logger.Info("good", "token", accepted(t, v, good))
	for _, token := range []string{good, bad} {
		ask(v.Require("orders:read"), "Bearer "+token)
	}
	if !strings.Contains(log.String(), "token.sub=robot") || !strings.Contains(log.String(), "signature does not verify") {
		t.Errorf("the log lacks what it should have: %s", log.String())
	}
	for _, token := range []string{good, bad} {
		for part := range strings.SplitSeq(token, ".") {
			if strings.Contains(log.String(), part) {
				t.Errorf("a token is in the log: %s", log.String())
			}
		}
	}
}

// TestExpiry: the whole second of exp is out, leeway aside, also for a token that was verified
// before.
func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		strict := newVerifier(t, issuer, func(c *client.VerifierConfig) { c.Leeway = -1 })
		lenient := newVerifier(t, issuer)
		token := issuer.Token(audience)
		accepted(t, strict, token)
		accepted(t, lenient, token)
		time.Sleep(clienttest.Lifetime - time.Second)
		accepted(t, strict, token)
		time.Sleep(time.Second)
		refused(t, strict, token, client.ErrExpired)
		time.Sleep(59 * time.Second)
		accepted(t, lenient, token)
		time.Sleep(time.Second)
		refused(t, lenient, token, client.ErrExpired)
	})
}

// TestRotation: a new key is known when its first token comes, and one that is withdrawn
// counts no more, also for tokens that were verified by it.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		v := newVerifier(t, issuer)
		old := issuer.Token(audience)
		kid := accepted(t, v, old).KeyID()
		time.Sleep(time.Minute)
		issuer.Rotate()
		accepted(t, v, issuer.Token(audience))
		accepted(t, v, old)

		issuer.Withdraw(kid)
		accepted(t, v, old) // nobody has asked yet
		time.Sleep(5 * time.Minute)
		refused(t, v, old, client.ErrUnknownKey)
	})
}

// TestUnknownKeysAreBounded: who floods a verifier with ids of keys makes it ask no more than
// every few seconds, and a new key is known afterwards.
func TestUnknownKeysAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		v := newVerifier(t, issuer)
		accepted(t, v, issuer.Token(audience))
		before := issuer.Asked(clienttest.KeysPath)
		attack := issuer.Token(audience, clienttest.UnknownKey())
		for range 60 {
			for range 50 {
				refused(t, v, attack, client.ErrUnknownKey)
			}
			time.Sleep(time.Second)
		}
		if n := issuer.Asked(clienttest.KeysPath) - before; n > 9 {
			t.Errorf("asked %d times in a minute", n)
		}
		issuer.Rotate()
		token := issuer.Token(audience)
		time.Sleep(10 * time.Second)
		accepted(t, v, token)
	})
}

// TestOneFetchForAll: a thousand that come first share the requests.
func TestOneFetchForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		issuer.Delay(time.Second)
		v := newVerifier(t, issuer)
		token := issuer.Token(audience)
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() { accepted(t, v, token) })
		}
		all.Wait()
		for _, path := range []string{clienttest.MetadataPath, clienttest.KeysPath, clienttest.RevocationsPath} {
			if n := issuer.Asked(path); n != 1 {
				t.Errorf("%s was asked for %d times", path, n)
			}
		}
	})
}

// TestOutage: keys count on while the service is away, for as long as the revocation list is
// not too old; then nothing is accepted, and all is well when it is back.
func TestOutage(t *testing.T) {
	for name, status := range map[string]int{"refuses": http.StatusServiceUnavailable, "hangs up": -1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				issuer := clienttest.InProcess(t, issuerURL)
				v := newVerifier(t, issuer)
				token := issuer.Token(audience, clienttest.Claim("exp", time.Now().Add(time.Hour).Unix()))
				accepted(t, v, token)
				issuer.Fail(status)
				time.Sleep(9*time.Minute + 30*time.Second)
				accepted(t, v, token)
				accepted(t, v, issuer.Token(audience)) // not one that is remembered
				refused(t, v, issuer.Token(audience, clienttest.UnknownKey()), client.ErrUnavailable)
				time.Sleep(time.Minute)
				refused(t, v, token, client.ErrUnavailable)
				issuer.Fail(0)
				time.Sleep(15 * time.Second)
				accepted(t, v, token)
			})
		})
	}
}

// TestOutageWithoutRevocations goes on for a day.
func TestOutageWithoutRevocations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		v := newVerifier(t, issuer, func(c *client.VerifierConfig) { c.IgnoreRevocations = true })
		accepted(t, v, issuer.Token(audience))
		issuer.Fail(http.StatusBadGateway)
		time.Sleep(23*time.Hour + 50*time.Minute)
		accepted(t, v, issuer.Token(audience))
		time.Sleep(20 * time.Minute)
		refused(t, v, issuer.Token(audience), client.ErrUnavailable)
		if n := issuer.Asked(clienttest.RevocationsPath); n > 0 {
			t.Errorf("the list was asked for %d times", n)
		}
	})
}

// TestStartWithoutService: a service starts while the issuer is away, and is ready when that
// is there.
func TestStartWithoutService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		issuer.Fail(http.StatusBadGateway)
		v := newVerifier(t, issuer)
		refused(t, v, issuer.Token(audience), client.ErrUnavailable)
		short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := v.Ready(short); !errors.Is(err, client.ErrUnavailable) {
			t.Errorf("ready, with %v", err)
		}
		issuer.Fail(0)
		if err := v.Ready(t.Context()); err != nil {
			t.Errorf("not ready: %v", err)
		}
		accepted(t, v, issuer.Token(audience))
	})
}

// TestSlowKeys: who waits for a service that does not answer, waits no longer than it wants
// to, and nobody for ever.
func TestSlowKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		issuer.Delay(time.Hour)
		v := newVerifier(t, issuer)
		begin := time.Now()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := v.Verify(short, issuer.Token(audience)); !errors.Is(err, client.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(begin); waited != time.Second {
			t.Errorf("waited %v", waited)
		}
		refused(t, v, issuer.Token(audience), client.ErrUnavailable)
		if waited := time.Since(begin); waited > 30*time.Second {
			t.Errorf("waited %v", waited)
		}
	})
}

// TestClose ends what the verifier does, and nothing is accepted after it: synctest fails if a
// goroutine is left.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		v := newVerifier(t, issuer)
		token := issuer.Token(audience)
		accepted(t, v, token)
		issuer.Delay(time.Minute)
		time.Sleep(20 * time.Second) // a request is on its way
		for range 2 {
			v.Close()
		}
		refused(t, v, token, client.ErrClosed)
		refused(t, v, issuer.Token(audience), client.ErrUnavailable)
		if err := v.Ready(t.Context()); !errors.Is(err, client.ErrClosed) {
			t.Errorf("ready, with %v", err)
		}
	})
}

// TestOtherAddress: inside a cluster the service is reached elsewhere than its issuer says.
func TestOtherAddress(t *testing.T) {
	issuer := clienttest.New(t)
	v := newVerifier(t, issuer, func(c *client.VerifierConfig) { c.Issuer, c.URL = "acme-identity", issuer.URL()+"/" })
	refused(t, v, issuer.Token(audience, clienttest.From("acme-identity")), client.ErrUnavailable) // the list is of another issuer
	v = newVerifier(t, issuer, func(c *client.VerifierConfig) {
		c.Issuer, c.URL, c.IgnoreRevocations = "acme-identity", issuer.URL()+"/", true
	})
	accepted(t, v, issuer.Token(audience, clienttest.From("acme-identity")))
	refused(t, v, issuer.Token(audience), client.ErrIssuer)
	if n := issuer.Asked(clienttest.MetadataPath); n > 0 {
		t.Errorf("metadata were asked for %d times", n)
	}
}

// TestMemoryIsBounded: of more tokens than fit some are verified again.
func TestMemoryIsBounded(t *testing.T) {
	issuer := clienttest.New(t)
	small := newVerifier(t, issuer, func(c *client.VerifierConfig) { c.CacheSize = 10 })
	none := newVerifier(t, issuer, func(c *client.VerifierConfig) { c.CacheSize = -1 })
	tokens := make([]string, 200)
	first := make([]*client.Token, len(tokens))
	for n := range tokens {
		tokens[n] = issuer.Token(audience)
		first[n] = accepted(t, small, tokens[n])
	}
	same := 0
	for n, token := range tokens {
		if accepted(t, small, token) == first[n] {
			same++
		}
		if once := accepted(t, none, token); accepted(t, none, token) == once {
			t.Fatal("a token is remembered")
		}
	}
	if same > 100 {
		t.Errorf("%d of %d tokens are remembered", same, len(tokens))
	}
}

// TestMisleadingMetadata: what an old node or a stale cache has said once does not count for
// an hour.
func TestMisleadingMetadata(t *testing.T) {
	for name, metadata := range map[string]string{
		"no list":  `{"issuer":"` + issuerURL + `","jwks_uri":"` + issuerURL + clienttest.KeysPath + `"}`,
		"bad keys": `{"issuer":"` + issuerURL + `","jwks_uri":"` + issuerURL + `/gone","revocation_list_uri":"` + issuerURL + clienttest.RevocationsPath + `"}`,
		"bad list": `{"issuer":"` + issuerURL + `","jwks_uri":"` + issuerURL + clienttest.KeysPath + `","revocation_list_uri":"` + issuerURL + `/gone"}`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				issuer := clienttest.InProcess(t, issuerURL)
				issuer.Answer(clienttest.MetadataPath, constant(metadata))
				v := newVerifier(t, issuer)
				refused(t, v, issuer.Token(audience), client.ErrUnavailable)
				issuer.Answer(clienttest.MetadataPath, nil)
				time.Sleep(time.Minute)
				accepted(t, v, issuer.Token(audience))
			})
		})
	}
}

// TestMetadataThatHang keep nobody from the list, whose address is known.
func TestMetadataThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		v := newVerifier(t, issuer, func(c *client.VerifierConfig) { c.MaxStale = time.Minute })
		accepted(t, v, issuer.Token(audience))
		issuer.Answer(clienttest.MetadataPath, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		for range 360 {
			time.Sleep(30 * time.Second)
			accepted(t, v, issuer.Token(audience))
		}
	})
}
