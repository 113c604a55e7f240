package client_test

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/client"
	"github.com/seed-60f9e3ad/identity/client/clienttest"
)

// chaos is a world in which keys rotate and are withdrawn, tokens are revoked, the service
// fails, hangs and comes back, and clocks step; and what must be true of a verifier in it.
type chaos struct {
	t      *testing.T
	issuer *clienttest.Issuer
	v      *client.Verifier
	random *rand.Rand

	skew      atomic.Int64 // of the verifier's clock, in nanoseconds
	tokens    []*issued
	kids      []string // published
	rotated   time.Time
	wellSince time.Time
	failing   bool
	accepted  int
	refused   map[error]int
}

// issued is a token and what is known of it.
type issued struct {
	text    string
	kid     string
	expires time.Time
	bad     error     // why it never was good; nil if it was
	revoked time.Time // zero if it was not
	gone    time.Time // when its key was withdrawn
}

const (
	chaosLeeway   = 10 * time.Second
	chaosMaxStale = 2 * time.Minute
	// learns is how long a verifier may take to hear of something while the service is well.
	learnsList = 30 * time.Second
	learnsKeys = 6 * time.Minute
	// learnsKey is how long a key may be unknown that was not published before it signed, while
	// others flood the verifier with keys that there are not.
	learnsKey = 12 * time.Second
)

// TestChaos: whatever happens to the service, the network and the clocks, no token is accepted
// that is forged, has expired, or was revoked so long ago that the list must have said so or have
// become too old; and while the service is well, every good token is accepted.
func TestChaos(t *testing.T) {
	for seed := range uint64(4) {
		synctest.Test(t, func(t *testing.T) {
			issuer, begin := clienttest.InProcess(t, issuerURL), time.Now()
			c := &chaos{t: t, issuer: issuer, random: rand.New(rand.NewPCG(seed, seed)), wellSince: time.Now(), refused: map[error]int{}}
			c.kids = []string{issuer.Rotate()}
			c.v = newVerifier(t, issuer, func(cfg *client.VerifierConfig) {
				cfg.Leeway, cfg.MaxStale, cfg.CacheSize = chaosLeeway, chaosMaxStale, 50
				cfg.Now = func() time.Time { return time.Now().Add(time.Duration(c.skew.Load())) }
			})
			for range 600 {
				c.step()
				time.Sleep(time.Duration(c.random.Int64N(int64(10 * time.Second))))
				c.check()
			}
			if c.accepted < 1000 || c.refused[client.ErrRevoked] == 0 || c.refused[client.ErrUnavailable] == 0 || c.refused[client.ErrExpired] == 0 || c.refused[client.ErrUnknownKey] == 0 {
				t.Errorf("seed %d shows too little: %d accepted, refused %v", seed, c.accepted, c.refused)
			}
			if n, lasted := issuer.Asked(clienttest.KeysPath), time.Since(begin); n > int(lasted/(5*time.Second)) {
				t.Errorf("seed %d: the keys were asked for %d times in %v", seed, n, lasted)
			}
		})
	}
}

// step lets something happen.
func (c *chaos) step() {
	switch n := c.random.IntN(100); {
	case n < 40:
		c.issue()
	case n < 50:
		c.kids, c.rotated = append(c.kids, c.issuer.Rotate()), time.Now()
	case n < 55 && len(c.kids) > 1:
		c.withdraw()
	case n < 65 && len(c.tokens) > 0:
		c.revoke()
	case n < 75:
		c.fail()
	case n < 88:
		c.recover()
	case n < 93: // the verifier's clock steps
		c.skew.Store(c.random.Int64N(int64(8*time.Second)) - int64(4*time.Second))
	case n < 96: // the service's does, and back: its lists are older then for a while
		c.issuer.SetClock(time.Duration(c.random.Int64N(int64(8*time.Second))) - 4*time.Second)
		c.wellSince = time.Now()
	default:
		// Flapping: well and not, all the time.
		for range 10 {
			c.fail()
			time.Sleep(time.Duration(c.random.Int64N(int64(time.Second))))
			c.recover()
		}
	}
}

func (c *chaos) issue() {
	bad := []error{nil, nil, nil, nil, client.ErrSignature, client.ErrUnknownKey, client.ErrAudience, client.ErrIssuer, client.ErrType}[c.random.IntN(9)]
	options := map[error][]clienttest.Option{
		client.ErrSignature: {clienttest.Forged()}, client.ErrUnknownKey: {clienttest.UnknownKey()},
		client.ErrIssuer: {clienttest.From("https://evil.example")}, client.ErrType: {clienttest.Type("JWT")},
	}[bad]
	to := audience
	if bad == client.ErrAudience {
		to = "billing-api"
	}
	at := time.Now().Add(-time.Duration(c.random.Int64N(int64(clienttest.Lifetime - 2*time.Minute))))
	c.tokens = append(c.tokens, &issued{
		text: c.issuer.Token(to, append(options, clienttest.ID(strconv.Itoa(c.random.Int())), clienttest.IssuedAt(at))...),
		kid:  c.kids[len(c.kids)-1], expires: at.Truncate(time.Second).Add(clienttest.Lifetime), bad: bad,
	})
	if len(c.tokens) > 60 {
		c.tokens = c.tokens[1:]
	}
}

func (c *chaos) fail() {
	c.failing = true
	if c.random.IntN(2) == 0 {
		c.issuer.Delay(20 * time.Second)
	} else {
		c.issuer.Fail([]int{-1, http.StatusInternalServerError, http.StatusNotFound, http.StatusOK}[c.random.IntN(4)])
	}
}

func (c *chaos) recover() {
	if c.failing {
		c.failing, c.wellSince = false, time.Now()
		c.issuer.Delay(0)
		c.issuer.Fail(0)
	}
}

func (c *chaos) withdraw() {
	kid := c.kids[0]
	c.kids = c.kids[1:]
	c.issuer.Withdraw(kid)
	for _, token := range c.tokens {
		if token.kid == kid && token.gone.IsZero() {
			token.gone = time.Now()
		}
	}
}

func (c *chaos) revoke() {
	token := c.tokens[c.random.IntN(len(c.tokens))]
	if token.kid == c.kids[len(c.kids)-1] { // another is to sign then
		c.kids, c.rotated = append(c.kids, c.issuer.Rotate()), time.Now()
	}
	c.issuer.Revoke(identity.RevokedKey, token.kid)
	for _, other := range c.tokens {
		if other.kid == token.kid && other.revoked.IsZero() {
			other.revoked = time.Now()
		}
	}
}

// check looks at every token.
func (c *chaos) check() {
	for _, token := range c.tokens {
		asked := time.Now()
		_, err := c.v.Verify(c.t.Context(), token.text)
		now := time.Now()
		for _, reason := range []error{client.ErrRevoked, client.ErrUnavailable, client.ErrExpired, client.ErrUnknownKey} {
			if errors.Is(err, reason) {
				c.refused[reason]++
			}
		}
		if err == nil {
			c.accepted++
		}
		well := !c.failing
		switch {
		case err == nil && token.bad != nil:
			c.t.Fatalf("accepted: a token that is bad: %v", token.bad)
		case err == nil && asked.After(token.expires.Add(chaosLeeway+5*time.Second)):
			c.t.Fatal("accepted: a token that has expired")
		case err == nil && !token.revoked.IsZero() && now.Sub(token.revoked) > chaosMaxStale+learnsList:
			c.t.Fatalf("accepted: a token that was revoked %v ago", now.Sub(token.revoked))
		case err == nil && !token.gone.IsZero() && well && now.Sub(later(token.gone, c.wellSince)) > learnsKeys:
			c.t.Fatalf("accepted: a token whose key was withdrawn %v ago", now.Sub(token.gone))
		case err != nil && well && now.Sub(c.wellSince) > learnsList && now.Sub(c.rotated) > learnsKey && c.good(token):
			c.t.Fatalf("refused: a good token, the service being well for %v: %v", now.Sub(c.wellSince), err)
		}
	}
}

// good reports whether there is nothing against the token.
func (c *chaos) good(token *issued) bool {
	return token.bad == nil && token.revoked.IsZero() && token.gone.IsZero() && slices.Contains(c.kids, token.kid) &&
		time.Now().Before(token.expires.Add(-5*time.Second))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
