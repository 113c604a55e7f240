package authn_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// limited is a service on which an address may get six things wrong in a minute.
func limited(t *testing.T) *guarded {
	t.Helper()
	return newGuarded(t, identitytest.Options{AddressFailures: 6})
}

// guess gets many names wrong, one after another.
func (g *guarded) guess(from string, times int) {
	g.t.Helper()
	for i := range times {
		g.want("a guess", g.login(from, fmt.Sprintf("name-%s-%d", from, i), wrong), http.StatusUnauthorized, "")
	}
}

func TestAddressIsLimited(t *testing.T) {
	g := limited(t)
	g.AddUser("alice", right)
	g.guess(there, 6)
	var stopped identitytest.Response
	if n := hashes(func() { stopped = g.login(there, "alice", right) }, g.Service); n != 0 {
		t.Errorf("%d hashes", n)
	}
	g.want("one too many", stopped, http.StatusTooManyRequests, "10")
	for name, want := range map[string]string{"RateLimit-Policy": `"failures";q=6;w=60`, "RateLimit": `"failures";r=0;t=60`} {
		if got := stopped.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	g.want("another address", g.login(here, "alice", right), http.StatusOK, "")
	g.Clock.Move(10 * time.Second)
	g.want("ten seconds later", g.login(there, "alice", right), http.StatusOK, "")
	if got := g.login(there, "alice", right).Header.Get("RateLimit"); got != `"failures";r=1;t=50` {
		t.Errorf("after a success the RateLimit is %q", got)
	}
	metrics := string(g.Get("/metrics").Body)
	for _, line := range []string{`identity_rate_limited_total{policy="address"} 1`, `identity_rate_limited_total{policy="name"} 0`} {
		if !strings.Contains(metrics, line) {
			t.Errorf("the metrics do not say %s", line)
		}
	}
}

// CVE-2026-24000, Fleet: what the caller writes into a header is no other address.
func TestForgedHeadersEscapeNothing(t *testing.T) {
	g := limited(t)
	for i := range 6 {
		forged := fmt.Sprintf("203.0.113.%d, %s", i, there)
		g.want("a guess", g.login(forged, fmt.Sprint("name-", i), wrong), http.StatusUnauthorized, "")
	}
	g.want("one too many", g.login("203.0.113.77, "+there, "name", wrong), http.StatusTooManyRequests, "10")

	direct := &guarded{identitytest.New(t, identitytest.Options{AddressFailures: 6}), t} // no proxy at all
	for i := range 6 {
		direct.want("a guess", direct.login(fmt.Sprintf("203.0.113.%d", i), fmt.Sprint("name-", i), wrong), http.StatusUnauthorized, "")
	}
	direct.want("one too many", direct.login("203.0.113.77", "name", wrong), http.StatusTooManyRequests, "10")
}

// Of IPv6 a household has a /64: all of it is one address.
func TestAddressesOfOneNetwork(t *testing.T) {
	g := limited(t)
	for i := range 6 {
		g.want("a guess", g.login(fmt.Sprintf("2001:db8:0:1::%d", i), fmt.Sprint("name-", i), wrong), http.StatusUnauthorized, "")
	}
	g.want("the same network", g.login("2001:db8:0:1:ffff::1", "name", wrong), http.StatusTooManyRequests, "10")
	g.want("another network", g.login("2001:db8:0:2::1", "name", wrong), http.StatusUnauthorized, "")
}

// An office behind one address is never stopped by its successes, however many come at
// once.
func TestSuccessesAreNotLimited(t *testing.T) {
	g := limited(t)
	key := g.Key(jose.ES256)
	_, both := g.AddClient(admin.NewClient{ID: "both", PublicKey: key.Public().PEM(), GenerateSecret: true})
	const people = 20
	for i := range people {
		g.AddUser(fmt.Sprint("user-", i), right)
	}
	var all sync.WaitGroup
	for i := range people {
		all.Go(func() { g.want("a login", g.login(here, fmt.Sprint("user-", i), right), http.StatusOK, "") })
		all.Go(func() {
			r := g.Post("/auth/token", map[string]string{"client_id": "both", "client_secret": both, "signature": g.Assertion(key, "both"), "audience": "a"}, "X-Forwarded-For", here)
			g.want("a token", r, http.StatusOK, "")
		})
	}
	all.Wait()
	bearer := g.AdminToken()
	for range 10 {
		g.want("administration", g.Get("/api/users", "Authorization", "Bearer "+bearer, "X-Forwarded-For", here), http.StatusOK, "")
	}
	g.guess(here, 6) // nothing of it was used
}

// A secret that memory has is not limited, whatever its address got wrong before.
func TestProvenSecretIsNotLimited(t *testing.T) {
	g := limited(t)
	_, secret := g.AddClient(admin.NewClient{ID: "machine"})
	g.want("the first time", g.machine(here, "machine", secret), http.StatusOK, "")
	g.guess(here, 6)
	r := g.machine(here, "machine", secret)
	g.want("from memory", r, http.StatusOK, "")
	if got := r.Header.Get("RateLimit"); got != `"failures";r=0;t=60` {
		t.Errorf("RateLimit is %q", got)
	}
	g.want("another secret", g.machine(here, "machine", "a guess"), http.StatusTooManyRequests, "10")
}

// Every way to present something is limited: tokens apart from other proofs, for an office
// full of programs whose tokens have ended must not keep people from logging in again.
func TestEveryProofIsLimited(t *testing.T) {
	g := limited(t)
	g.AddUser("alice", right)
	key := g.Key(jose.ES256)
	g.AddClient(admin.NewClient{ID: "signature", PublicKey: key.Public().PEM()})
	refresh := func(path, token string) identitytest.Response {
		return g.Post(path, map[string]string{"refresh_token": token}, "X-Forwarded-For", here)
	}
	bearing := func(token string) identitytest.Response {
		return g.Get("/api/users", "Authorization", "Bearer "+token, "X-Forwarded-For", here)
	}
	foreign := "idr_" + strings.Repeat("A", 76)
	good := g.Session("alice", right, "a")
	for range 2 {
		g.want("refresh", refresh("/auth/refresh", foreign), http.StatusUnauthorized, "")
		g.want("logout", refresh("/auth/logout", foreign), http.StatusNoContent, "")
		g.want("bearer", bearing("x"), http.StatusUnauthorized, "")
	}
	g.want("refresh", refresh("/auth/refresh", good), http.StatusTooManyRequests, "10")
	g.want("logout", refresh("/auth/logout", good), http.StatusTooManyRequests, "10")
	g.want("bearer", bearing(g.AdminToken()), http.StatusTooManyRequests, "10")
	g.want("no bearer is none that is wrong", g.Get("/api/users", "X-Forwarded-For", here), http.StatusUnauthorized, "")

	g.want("a login", g.login(here, "alice", right), http.StatusOK, "")
	for range 6 {
		r := g.Post("/auth/token", map[string]string{"client_id": "signature", "signature": g.Assertion(g.Key(jose.ES256), "signature"), "audience": "a"}, "X-Forwarded-For", here)
		g.want("a wrong signature", r, http.StatusUnauthorized, "")
	}
	for _, r := range []identitytest.Response{
		g.login(here, "alice", right),
		g.Post("/auth/token", map[string]string{"client_id": "signature", "signature": g.Assertion(key, "signature"), "audience": "a"}, "X-Forwarded-For", here),
		g.Post("/auth/token", map[string]string{"client_id": "nobody", "signature": g.Assertion(key, "nobody"), "audience": "a"}, "X-Forwarded-For", here),
		g.Post("/auth/password", map[string]string{"username": "alice", "password": right, "new_password": "another long password"}, "X-Forwarded-For", here),
	} {
		g.want("any proof", r, http.StatusTooManyRequests, "10")
	}
}
