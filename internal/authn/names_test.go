package authn_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const (
	right = "the right password"
	wrong = "a wrong password"
	// here and there are two callers behind the proxy of the tests.
	here, there = "192.0.2.1", "198.51.100.1"
)

// guarded is a service behind a proxy, which names the callers.
type guarded struct {
	*identitytest.Service
	t *testing.T
}

func newGuarded(t *testing.T, options ...identitytest.Options) *guarded {
	t.Helper()
	var o identitytest.Options
	if len(options) > 0 {
		o = options[0]
	}
	o.TrustedProxies = loopback
	return &guarded{identitytest.New(t, o), t}
}

// login sends a login from an address and returns the answer.
func (g *guarded) login(from, username, password string) identitytest.Response {
	g.t.Helper()
	return g.Post("/auth/login", map[string]string{"username": username, "password": password}, "X-Forwarded-For", from, "X-Request-Id", "the-same")
}

func (g *guarded) machine(from, id, secret string) identitytest.Response {
	g.t.Helper()
	return g.Post("/auth/token", map[string]string{"client_id": id, "client_secret": secret, "audience": "a"}, "X-Forwarded-For", from, "X-Request-Id", "the-same")
}

// forget has memory forget a client, as it does from time to time.
func (g *guarded) forget(id string) {
	g.t.Helper()
	g.Change("client", id, `UPDATE clients SET name = 'changed' WHERE id = ?`, id)
}

func (g *guarded) want(what string, r identitytest.Response, status int, retryAfter string) {
	g.t.Helper()
	if r.Status != status || r.Header.Get("Retry-After") != retryAfter {
		g.t.Errorf("%s: status %d, Retry-After %q, want %d and %q\n%s", what, r.Status, r.Header.Get("Retry-After"), status, retryAfter, r.Body)
	}
}

// fail gets a name wrong, so often.
func (g *guarded) fail(from, username string, times int) {
	g.t.Helper()
	for range times {
		g.want("a wrong password", g.login(from, username, wrong), http.StatusUnauthorized, "")
	}
}

// hashes counts what is hashed meanwhile, on all nodes.
func hashes(do func(), nodes ...*identitytest.Service) (n uint64) {
	count := func() (n uint64) {
		for _, node := range nodes {
			n += node.Installation.Pool.Stats().Hashes
		}
		return n
	}
	before := count()
	do()
	return count() - before
}

// The wait grows with the failures of a day, and ends with it or with a success.
func TestTiers(t *testing.T) {
	g := newGuarded(t)
	g.AddUser("alice", right)
	begun := g.Clock.Now()
	failed := 0
	for _, tier := range []struct {
		upTo int
		wait time.Duration
	}{{3, 0}, {9, time.Second}, {25, 3 * time.Second}, {100, 5 * time.Second}, {102, 10 * time.Second}} {
		for ; failed < tier.upTo; failed++ {
			if tier.wait > 0 {
				g.Clock.Move(tier.wait - time.Millisecond)
				g.want(fmt.Sprintf("after %d failures, too early, the right one", failed), g.login(here, "alice", right), http.StatusTooManyRequests, "1")
				g.Clock.Move(time.Millisecond)
			}
			g.fail(here, "alice", 1)
		}
	}
	g.want("at once", g.login(here, "alice", right), http.StatusTooManyRequests, "10")
	g.Clock.Move(10 * time.Second)
	g.want("in time", g.login(here, "alice", right), http.StatusOK, "")
	g.fail(there, "alice", 3) // it begins anew

	g.Clock.Move(24*time.Hour - g.Clock.Now().Sub(begun) - time.Millisecond)
	g.want("within the day", g.login(there, "alice", wrong), http.StatusUnauthorized, "")
	g.Clock.Move(24 * time.Hour)
	g.fail(there, "alice", 3)
	g.want("on the next day", g.login(there, "alice", wrong), http.StatusTooManyRequests, "1")
}

// CVE-2024-4629, Keycloak: parallel guesses are faster than the counter.
func TestParallelGuessesOverTwoNodes(t *testing.T) {
	for _, name := range []string{"alice", "nobody"} {
		t.Run(name, func(t *testing.T) {
			g := newGuarded(t)
			g.AddUser("alice", right)
			other := g.Another()
			nodes := []*identitytest.Service{g.Service, other}
			var mu sync.Mutex
			statuses := map[int]int{}
			computed := hashes(func() {
				var all sync.WaitGroup
				for i := range 200 {
					all.Go(func() {
						r := nodes[i%2].Post("/auth/login", map[string]string{"username": name, "password": fmt.Sprint("guess ", i)}, "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i))
						mu.Lock()
						defer mu.Unlock()
						statuses[r.Status]++
					})
				}
				all.Wait()
			}, nodes...)
			if computed != 3 {
				t.Errorf("%d of 200 guesses were hashed, want 3", computed)
			}
			if diff := cmp.Diff(map[int]int{401: 3, 429: 197}, statuses); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if name != "alice" {
				return
			}
			g.want("the right one, right after, from a new address", g.login(here, "alice", right), http.StatusTooManyRequests, "1")
			g.Clock.Move(time.Second)
			g.want("a second later", g.login(here, "alice", right), http.StatusOK, "")
		})
	}
}

// Whoever is right is not refused for coming together with others who are.
func TestParallelSuccesses(t *testing.T) {
	g := newGuarded(t)
	g.AddUser("alice", right)
	_, secret := g.AddClient(admin.NewClient{ID: "machine"})
	g.want("a guess, so that memory has the client", g.machine(there, "machine", "a guess"), http.StatusUnauthorized, "")
	for what, send := range map[string]func(i int) identitytest.Response{
		"a user from one address":     func(int) identitytest.Response { return g.login(here, "alice", right) },
		"a user from many addresses":  func(i int) identitytest.Response { return g.login(fmt.Sprintf("203.0.113.%d", i), "alice", right) },
		"a machine on many addresses": func(i int) identitytest.Response { return g.machine(fmt.Sprintf("203.0.113.%d", i), "machine", secret) },
	} {
		computed := hashes(func() {
			var all sync.WaitGroup
			for i := range 30 {
				all.Go(func() {
					if r := send(i); r.Status != http.StatusOK {
						t.Errorf("%s: status %d", what, r.Status)
					}
				})
			}
			all.Wait()
		}, g.Service)
		if strings.Contains(what, "machine") && computed != 1 {
			t.Errorf("%s computed %d hashes: it was proven meanwhile", what, computed)
		}
	}
}

// Somebody who guesses does not shut out the one whose password it is.
func TestOwnPasswordIsNotShutOut(t *testing.T) {
	g := newGuarded(t)
	g.AddUser("alice", right)
	g.want("the first time", g.login(here, "alice", right), http.StatusOK, "")
	g.fail(there, "alice", 3)
	g.want("the guesser", g.login(there, "alice", right), http.StatusTooManyRequests, "1")
	for range 5 {
		g.want("where the password was proven", g.login(here, "alice", right), http.StatusOK, "")
	}
	g.want("the guesser, still", g.login(there, "alice", right), http.StatusTooManyRequests, "1")

	// A familiar address has an account of its own, which is no way around the name's.
	g.fail(here, "alice", 3)
	g.want("a familiar address that guesses", g.login(here, "alice", wrong), http.StatusTooManyRequests, "1")
	g.Clock.Move(time.Second)
	g.fail(here, "alice", 2) // one on each account
	g.want("and again", g.login(here, "alice", wrong), http.StatusTooManyRequests, "1")

	g.Clock.Move(30*24*time.Hour - 2*time.Second)
	g.fail(there, "alice", 3)
	g.want("nearly 30 days later", g.login(here, "alice", right), http.StatusOK, "")
	g.Clock.Move(30 * 24 * time.Hour)
	g.fail(there, "alice", 3)
	g.want("after 30 days", g.login(here, "alice", right), http.StatusTooManyRequests, "1")
}

// What is not the name's to prove makes no address familiar.
func TestOnlyProofsMakeFamiliar(t *testing.T) {
	g := newGuarded(t)
	g.DisableUser(g.AddUser("off", right).ID)
	g.AddUser("alice", right)
	g.want("disabled", g.login(here, "off", right), http.StatusUnauthorized, "")
	g.fail(here, "off", 2)
	g.want("disabled, again", g.login(here, "off", right), http.StatusTooManyRequests, "1")
	g.fail(here, "alice", 2)
	g.fail("203.0.113.1, "+there, "alice", 1) // what stands before is the caller's own
	g.want("an address that only failed", g.login(here, "alice", right), http.StatusTooManyRequests, "1")
}

// Few addresses of a name are familiar: the least recent goes.
func TestFamiliarAddressesAreFew(t *testing.T) {
	g := newGuarded(t)
	g.AddUser("alice", right)
	for i := range identity.MaxFamiliar + 1 {
		g.Clock.Move(time.Second)
		g.want("a new address", g.login(fmt.Sprintf("203.0.113.%d", i), "alice", right), http.StatusOK, "")
	}
	g.fail(there, "alice", 3)
	g.want("the first", g.login("203.0.113.0", "alice", right), http.StatusTooManyRequests, "1")
	g.want("the second", g.login("203.0.113.1", "alice", right), http.StatusOK, "")
}

// A stranger stops no machine whose generated secret they do not know, nor one that signs.
func TestStrangersStopNoMachine(t *testing.T) {
	g := newGuarded(t)
	key := g.Key(jose.ES256)
	_, secret := g.AddClient(admin.NewClient{ID: "secret"})
	_, other := g.AddClient(admin.NewClient{ID: "other"})
	g.AddClient(admin.NewClient{ID: "signature", PublicKey: key.Public().PEM()})
	for _, id := range []string{"secret", "signature"} {
		for _, guess := range []string{"a guess of no form", other, "another guess"} {
			g.want("a guess", g.machine(there, id, guess), http.StatusUnauthorized, "")
		}
		g.want("one too many", g.machine(there, id, "one guess more"), http.StatusTooManyRequests, "1")
	}
	g.want("the secret, never proven before", g.machine(here, "secret", secret), http.StatusOK, "")
	for range 10 {
		r := g.Post("/auth/token", map[string]string{"client_id": "signature", "signature": g.Assertion(g.Key(jose.ES256), "signature"), "audience": "a"})
		g.want("a wrong signature", r, http.StatusUnauthorized, "")
	}
	g.Token("a", map[string]string{"client_id": "signature", "signature": g.Assertion(key, "signature")})
	// Memory forgets; the stranger goes on.
	g.forget("secret")
	g.Clock.Move(time.Second)
	g.want("a guess", g.machine(there, "secret", "a guess"), http.StatusUnauthorized, "")
	g.want("the secret, to be proven again", g.machine(here, "secret", secret), http.StatusOK, "")

	// Who knows the id of the secret has an account, and it is not without limit.
	for range 3 {
		g.want("a guess at the rest", g.machine(there, "secret", guessed(secret)), http.StatusUnauthorized, "")
	}
	g.want("one too many", g.machine(there, "secret", guessed(secret)), http.StatusTooManyRequests, "1")
	g.want("memory still knows it", g.machine(there, "secret", secret), http.StatusOK, "")
}

// guessed is another secret of the same id, whose check is true.
func guessed(secret string) string {
	text := secret[:13] + strings.Repeat("A", 43)
	return text + base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text))))
}

// A chosen secret has the account of the client's id, and familiar addresses like a
// password.
func TestChosenSecret(t *testing.T) {
	g := newGuarded(t)
	const secret = "a secret that was chosen"
	chosen := identity.NewSecret(secret)
	g.AddClient(admin.NewClient{ID: "chosen", Secret: &chosen})
	g.want("the first time", g.machine(here, "chosen", secret), http.StatusOK, "")
	g.forget("chosen")
	for range 3 {
		g.want("a guess", g.machine(there, "chosen", "a guess"), http.StatusUnauthorized, "")
	}
	g.want("elsewhere", g.machine(there, "chosen", secret), http.StatusTooManyRequests, "1")
	g.want("where it was proven", g.machine(here, "chosen", secret), http.StatusOK, "")
}

// CVE-2025-24806, Authelia, and CVE-2025-54998, OpenBao: one name has one account, in
// whatever spelling.
func TestOneNameOneAccount(t *testing.T) {
	for _, names := range [][]string{
		{"alice", "ALICE", "ａｌｉｃｅ"}, {"ömer", "ÖMER", "o\u0308mer"}, {"nobody", "Nobody", "NOBODY"},
	} {
		g := newGuarded(t)
		g.AddUser("alice", right)
		for _, name := range names {
			g.fail(here, name, 1)
		}
		for _, name := range names {
			g.want(name, g.login(here, name, wrong), http.StatusTooManyRequests, "1")
		}
	}
	g := newGuarded(t)
	long := strings.Repeat("x", 30_000)
	for _, name := range []string{"two words", " two words", "", long, long + "x"} { // what is no name has an account too
		g.fail(here, name, 3)
		g.want("one too many", g.login(here, name, wrong), http.StatusTooManyRequests, "1")
	}
}

// Nobody learns from being refused whether there is the name.
func TestRefusalsForBeingTooManyAreTheSame(t *testing.T) {
	g := newGuarded(t)
	g.AddUser("alice", right)
	g.DisableUser(g.AddUser("off", right).ID)
	var first identitytest.Response
	for i, name := range []string{"alice", "off", "nobody", "two words"} {
		g.fail(here, name, 3)
		g.Log.Reset()
		var r identitytest.Response
		least := int64(100)
		for range 3 { // something else may come between, as what stores events
			least = min(least, g.Statements(func() { r = g.login(here, name, right) }))
		}
		g.want(name, r, http.StatusTooManyRequests, "1")
		if least != 1 {
			t.Errorf("%s: it took %d statements, want 1", name, least)
		}
		r.Header.Del("Date")
		if i == 0 {
			first = r
		}
		if !bytes.Equal(r.Body, first.Body) {
			t.Errorf("%s is told apart:\n%s%s", name, first.Body, r.Body)
		}
		if diff := cmp.Diff(first.Header, r.Header); diff != "" {
			t.Errorf("%s is told apart by the header: %s", name, diff)
		}
	}
}

// CVE-2026-9798, Keycloak: a second way ignores the lock. Every path on which a password
// or a secret is presented has the same account.
func TestEveryPathIsThrottled(t *testing.T) {
	g := newGuarded(t)
	for _, name := range []string{"alice", "nobody"} {
		if name == "alice" {
			g.AddUser(name, right)
		}
		change := func(password string) identitytest.Response {
			return g.Post("/auth/password", map[string]string{"username": name, "password": password, "new_password": "another long password"}, "X-Forwarded-For", here)
		}
		g.want("a login", g.login(here, name, wrong), http.StatusUnauthorized, "")
		g.want("a change", change(wrong), http.StatusUnauthorized, "")
		g.want("a login", g.login(here, name, wrong), http.StatusUnauthorized, "")
		g.want("a login", g.login(here, name, right), http.StatusTooManyRequests, "1")
		g.want("a change", change(right), http.StatusTooManyRequests, "1")
	}
	for _, id := range []string{"there", "not-there"} {
		if id == "there" {
			g.AddClient(admin.NewClient{ID: id, PublicKey: g.Key(jose.ES256).Public().PEM(), GenerateSecret: true})
		}
		for range 3 {
			g.want("a secret", g.machine(here, id, "a guess"), http.StatusUnauthorized, "")
		}
		r := g.Post("/auth/token", map[string]string{"client_id": id, "client_secret": "a guess", "signature": "x", "audience": "a"}, "X-Forwarded-For", here)
		g.want("with a signature", r, http.StatusTooManyRequests, "1")
	}
	// What is wrong with the request is said first, and nothing is counted for it.
	g.want("422", g.Post("/auth/login", map[string]any{"username": "alice", "password": 1}), http.StatusUnprocessableEntity, "")
}

// What could not be looked at, for there was no room to hash it, was no attempt.
func TestOverloadIsNoAttempt(t *testing.T) {
	g := newGuarded(t, identitytest.Options{Hashing: argon2.Config{Params: argon2.Params{Memory: 64, Time: 1, Threads: 1}, Slots: 1, Queue: 1, Wait: time.Millisecond}})
	g.AddUser("alice", right)
	busy, free := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- g.Installation.Pool.Do(t.Context(), argon2.Party{}, 64, func() { close(busy); <-free })
	}()
	<-busy
	for range 5 {
		g.want("no room", g.login(here, "alice", right), http.StatusServiceUnavailable, "1")
	}
	close(free)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	g.want("room", g.login(here, "alice", right), http.StatusOK, "")
}
