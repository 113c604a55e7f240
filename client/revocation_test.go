package client_test

import (
	"encoding/base64"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/client"
	"github.com/seed-60f9e3ad/identity/client/clienttest"
)

// TestRevocation: a token is refused as soon as the list has it, by whichever of its values,
// also one that was verified before; others go on.
func TestRevocation(t *testing.T) {
	for _, kind := range identity.RevocationKinds() {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				issuer := clienttest.InProcess(t, issuerURL)
				v := newVerifier(t, issuer)
				token := issuer.Token(audience, clienttest.User("ann", "session-1"), clienttest.ID("token-1"))
				kid := accepted(t, v, token).KeyID()
				issuer.Rotate()
				other := issuer.Token(audience, clienttest.User("bob", "session-2"))
				accepted(t, v, other)
				issuer.Revoke(kind, map[identity.RevocationKind]string{
					identity.RevokedToken: "token-1", identity.RevokedSession: "session-1", identity.RevokedPrincipal: "ann", identity.RevokedKey: kid,
				}[kind])
				time.Sleep(15 * time.Second)
				refused(t, v, token, client.ErrRevoked)
				if kind == identity.RevokedAll {
					refused(t, v, other, client.ErrRevoked)
				} else {
					accepted(t, v, other)
				}
				later := issuer.Token(audience, clienttest.User("ann", "session-1"), clienttest.ID("token-1"))
				accepted(t, v, later)
			})
		})
	}
}

// TestRevocationBoundary: "before" is not in it.
func TestRevocationBoundary(t *testing.T) {
	for kind, value := range map[identity.RevocationKind]string{identity.RevokedPrincipal: "robot", identity.RevokedAll: ""} {
		synctest.Test(t, func(t *testing.T) {
			issuer := clienttest.InProcess(t, issuerURL)
			v := newVerifier(t, issuer)
			now := time.Now().Truncate(time.Second)
			issuer.Revoke(kind, value)
			accepted(t, v, issuer.Token(audience, clienttest.IssuedAt(now.Add(time.Second))))
			refused(t, v, issuer.Token(audience, clienttest.IssuedAt(now)), client.ErrRevoked)
		})
	}
}

// TestHostileLists: a list that cannot be believed is none, and after MaxStale nothing is
// accepted.
func TestHostileLists(t *testing.T) {
	f := newForger(t)
	token := f.sign(f.header(), f.claims())
	now := time.Now().Unix()
	hash := identity.RevocationHash("robot")
	robot := base64.RawURLEncoding.EncodeToString(hash[:])
	list := func(changes ...map[string]any) string {
		return changed(map[string]any{"iss": f.issuer.URL(), "iat": now, "exp": now + 600, "entries": []any{}}, changes)
	}
	header := f.header(with("typ", "revocation-list+jwt"))
	entries := func(text string, values ...any) map[string]any { return with("entries", raw(text, values...)) }
	stranger := newForger(t)
	for name, attack := range map[string]struct {
		body string
		want error
	}{
		"good":                             {f.sign(header, list()), nil},
		"unknown kinds":                    {f.sign(header, list(entries(`[{"kind":"moon","hash":7,"before":%d}]`, now+9))), nil},
		"a newer kind":                     {f.sign(header, list(entries(`[{"kind":"moon","phase":7}]`))), nil},
		"of another robot":                 {f.sign(header, list(entries(`[{"kind":"jti","hash":"%s","before":%d}]`, robot, now+9))), nil},
		"of the robot":                     {f.sign(header, list(entries(`[{"kind":"sub","hash":"%s","before":%d}]`, robot, now+9))), client.ErrRevoked},
		"twice, the later":                 {f.sign(header, list(entries(`[{"kind":"sub","hash":"%[1]s","before":%[2]d},{"kind":"sub","hash":"%[1]s","before":1}]`, robot, now+9))), client.ErrRevoked},
		"all":                              {f.sign(header, list(entries(`[{"kind":"all","before":%d}]`, now+9))), client.ErrRevoked},
		"typ of a token":                   {f.sign(f.header(), list()), client.ErrUnavailable},
		"another issuer":                   {f.sign(header, list(with("iss", "https://evil.example"))), client.ErrUnavailable},
		"no issuer":                        {f.sign(header, list(with("iss", nil))), client.ErrUnavailable},
		"expired":                          {f.sign(header, list(with("exp", now-61))), client.ErrUnavailable},
		"no exp":                           {f.sign(header, list(with("exp", nil))), client.ErrUnavailable},
		"no iat":                           {f.sign(header, list(with("iat", nil))), client.ErrUnavailable},
		"from the future":                  {f.sign(header, list(with("iat", now+120))), client.ErrUnavailable},
		"no entries":                       {f.sign(header, list(with("entries", nil))), client.ErrUnavailable},
		"entries null":                     {f.sign(header, list(entries("null"))), client.ErrUnavailable},
		"an entry null":                    {f.sign(header, list(entries("[null]"))), client.ErrUnavailable},
		"no before":                        {f.sign(header, list(entries(`[{"kind":"sub","hash":"%s"}]`, robot))), client.ErrUnavailable},
		"before a string":                  {f.sign(header, list(entries(`[{"kind":"all","before":"now"}]`))), client.ErrUnavailable},
		"no hash":                          {f.sign(header, list(entries(`[{"kind":"sub","before":9}]`))), client.ErrUnavailable},
		"a short hash":                     {f.sign(header, list(entries(`[{"kind":"sub","hash":"AAAA","before":9}]`))), client.ErrUnavailable},
		"kind in capitals":                 {f.sign(header, list(entries(`[{"kind":"SUB","hash":"%s","before":%d}]`, robot, now+9))), nil},
		"a foreign key":                    {stranger.sign(stranger.header(with("typ", "revocation-list+jwt")), list()), client.ErrUnavailable},
		"a foreign key under a known name": {stranger.sign(header, list()), client.ErrUnavailable},
		"alg none":                         {encode(f.header(with("alg", "none"))) + "." + encode(list()) + ".", client.ErrUnavailable},
		"JSON":                             {list(), client.ErrUnavailable},
		"nothing":                          {"", client.ErrUnavailable},
		"more than 16 MiB":                 {string(make([]byte, 17<<20)), client.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			f.issuer.Answer(clienttest.RevocationsPath, constant(attack.body))
			v := newVerifier(t, f.issuer)
			if attack.want == nil {
				accepted(t, v, token)
			} else {
				refused(t, v, token, attack.want)
			}
		})
	}
}

// TestOldListsAreNotBelieved: who repeats a list from before a revocation brings no token back,
// neither at once nor by letting the list that is known get old.
func TestOldListsAreNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		v := newVerifier(t, issuer)
		token := issuer.Token(audience, clienttest.Machine("robot"))
		other := issuer.Token(audience, clienttest.Machine("other"), clienttest.Claim("exp", time.Now().Add(time.Hour).Unix()))
		accepted(t, v, token)
		old := issuer.RevocationList()
		time.Sleep(5 * time.Second)
		issuer.Revoke(identity.RevokedPrincipal, "robot")
		time.Sleep(15 * time.Second)
		refused(t, v, token, client.ErrRevoked)
		issuer.Answer(clienttest.RevocationsPath, constant(old))
		for range 18 {
			time.Sleep(30 * time.Second)
			refused(t, v, token, client.ErrRevoked)
			accepted(t, v, other)
		}
		time.Sleep(2 * time.Minute)
		refused(t, v, other, client.ErrUnavailable)
	})
}

// TestUnchangedList: 304 says that the list is still the service's word, but no longer than
// that counts.
func TestUnchangedList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		list := issuer.RevocationList()
		var asked atomic.Int32
		issuer.Answer(clienttest.RevocationsPath, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"1"`)
			if r.Header.Get("If-None-Match") == `"1"` {
				asked.Add(1)
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = w.Write([]byte(list))
		}))
		v := newVerifier(t, issuer, func(c *client.VerifierConfig) { c.MaxStale = time.Minute })
		for range 20 {
			accepted(t, v, issuer.Token(audience))
			time.Sleep(30 * time.Second)
		}
		if n := asked.Load(); n < 20 {
			t.Errorf("only %d questions whether the list has changed", n)
		}
		time.Sleep(3 * time.Minute) // the list's ten minutes, leeway and MaxStale
		refused(t, v, issuer.Token(audience), client.ErrUnavailable)
	})
}

// TestNoRevocationList: an issuer without one is not ours, unless that is said to be right.
func TestNoRevocationList(t *testing.T) {
	issuer := clienttest.New(t)
	issuer.Answer(clienttest.MetadataPath, constant(`{"issuer":"`+issuer.URL()+`","jwks_uri":"`+issuer.URL()+clienttest.KeysPath+`"}`))
	refused(t, newVerifier(t, issuer), issuer.Token(audience), client.ErrUnavailable)
	accepted(t, newVerifier(t, issuer, func(c *client.VerifierConfig) { c.IgnoreRevocations = true }), issuer.Token(audience))
}

// TestListsOfOneSecond: of two lists of one second nobody knows which is the later one, so what
// either has counts: repeating the first brings nothing back.
func TestListsOfOneSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		before := issuer.RevocationList()
		issuer.Revoke(identity.RevokedPrincipal, "robot")
		after := issuer.RevocationList()
		issuer.Answer(clienttest.RevocationsPath, constant(after))
		v := newVerifier(t, issuer)
		token := issuer.Token(audience)
		refused(t, v, token, client.ErrRevoked)
		issuer.Answer(clienttest.RevocationsPath, constant(before))
		time.Sleep(time.Minute)
		refused(t, v, token, client.ErrRevoked)
	})
}

// TestClocksThatWereAhead: a list from a day on, which was believed because the verifier's clock
// was there too, does not keep those out that come when both are right again.
func TestClocksThatWereAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64
		ahead.Store(int64(24 * time.Hour))
		issuer := clienttest.InProcess(t, issuerURL)
		issuer.SetClock(24 * time.Hour)
		v := newVerifier(t, issuer, func(c *client.VerifierConfig) {
			c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		})
		accepted(t, v, issuer.Token(audience))
		issuer.SetClock(0)
		ahead.Store(0)
		time.Sleep(30 * time.Second)
		issuer.Revoke(identity.RevokedToken, "revoked")
		time.Sleep(11 * time.Minute)
		accepted(t, v, issuer.Token(audience))
		refused(t, v, issuer.Token(audience, clienttest.ID("revoked"), clienttest.IssuedAt(time.Now().Add(-12*time.Minute))), client.ErrRevoked)
	})
}

// TestNobodyWaitsForAStaleList: while the service takes requests and says nothing, those of
// others are answered at once, and few are made.
func TestNobodyWaitsForAStaleList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		v := newVerifier(t, issuer)
		token := issuer.Token(audience, clienttest.Claim("exp", time.Now().Add(time.Hour).Unix()))
		accepted(t, v, token)
		issuer.Delay(time.Hour)
		time.Sleep(11 * time.Minute)
		before, begin := issuer.Asked(clienttest.RevocationsPath), time.Now()
		for range 1000 {
			refused(t, v, token, client.ErrUnavailable)
			refused(t, v, issuer.Token(audience, clienttest.UnknownKey()), client.ErrUnavailable)
		}
		if waited := time.Since(begin); waited > 10*time.Second { // for keys that nobody has failed to get yet
			t.Errorf("waited %v", waited)
		}
		if n := issuer.Asked(clienttest.RevocationsPath) - before; n > 2 {
			t.Errorf("%d requests", n)
		}
	})
}
