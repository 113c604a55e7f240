package oauth_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// When more logins come than can be hashed, the rest are sent away at once, real
// and unreal names alike, and whatever needs no hash goes on.
func TestOverload(t *testing.T) {
	s := identitytest.New(t, identitytest.Options{
		Hashing: argon2.Config{Params: argon2.DefaultParams(), Slots: 1, Queue: 1, Wait: time.Minute},
	})
	for _, name := range []string{"alice", "alice-1", "alice-2", "alice-3"} {
		s.AddUser(name, password)
	}
	chosen := identity.NewSecret(clientSecret)
	s.AddClient(admin.NewClient{ID: "secret", Secret: &chosen})
	key := s.Key(jose.ES256)
	s.AddClient(admin.NewClient{ID: "key", PublicKey: key.Public().PEM()})
	proven := object("client_id", "secret", "client_secret", clientSecret, "audience", "x")
	wantStatus(t, s.Do("POST", "/auth/token", proven), 200)

	// Twelve callers who never wait long keep the slot and the queue full. Of one name only
	// one attempt is hashed at a time, and few fail: they are of many.
	var made atomic.Int64
	unreal := func() string { return fmt.Sprintf("nobody-%d", made.Add(1)) }
	right := func(name string) func() string {
		return func() string { return object("username", name, "password", password) }
	}
	bodies := []func() string{
		right("alice"), right("alice-1"), right("alice-2"), right("alice-3"),
		func() string { return object("username", unreal(), "password", canary) },
		func() string { return object("client_id", unreal(), "client_secret", canary, "audience", "x") },
	}
	var counts [600]atomic.Int64 // by status
	var refusedReal, refusedUnreal atomic.Int64
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for i := range 12 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				body, path := bodies[i%len(bodies)](), "/auth/login"
				if strings.Contains(body, "client_id") {
					path = "/auth/token"
				}
				r := s.Do("POST", path, body)
				counts[r.Status].Add(1)
				if r.Status != 503 {
					continue
				}
				if r.Header.Get("Retry-After") != "1" || !strings.Contains(string(r.Body), `"code":"overloaded"`) {
					t.Errorf("Retry-After %q, body %s", r.Header.Get("Retry-After"), r.Body)
				}
				if strings.Contains(body, "alice") {
					refusedReal.Add(1)
				} else {
					refusedUnreal.Add(1)
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	deadline := time.Now().Add(20 * time.Second)
	for refusedReal.Load() == 0 || refusedUnreal.Load() == 0 || counts[200].Load()+counts[401].Load() == 0 {
		if time.Now().After(deadline) {
			t.Error("there was no overload, or nobody got through")
			break
		}
		for _, path := range []string{jwksPath, openIDPath, "/healthz", "/readyz"} {
			if r := s.Get(path); r.Status != 200 {
				t.Errorf("%s: status %d", path, r.Status)
			}
		}
		for name, body := range map[string]string{
			"a proven secret": proven,
			"a signature":     object("client_id", "key", "signature", s.Assertion(key, "key"), "audience", "x"),
		} {
			if r := s.Do("POST", "/auth/token", body); r.Status != 200 {
				t.Errorf("%s: status %d", name, r.Status)
			}
		}
	}
	close(stop)
	callers.Wait()
	for status := range counts {
		if n := counts[status].Load(); n > 0 && status != 200 && status != 401 && status != 503 {
			t.Errorf("%d answers with status %d", n, status)
		}
	}
	used := s.Installation.Pool.Stats()
	if used.InUse != 0 || used.Waiting != 0 {
		t.Errorf("the overload left something behind: %+v", used)
	}
	wantStatus(t, s.Do("POST", "/auth/login", bodies[0]()), 200)
	metrics := string(s.Get("/metrics").Body)
	used = s.Installation.Pool.Stats()
	for _, line := range []string{
		fmt.Sprintf("identity_hashes_total %d\n", used.Hashes), fmt.Sprintf("identity_hash_overloaded_total{class=\"people\",reason=\"full\"} %d\n", used.Lines[argon2.People].Full),
	} {
		if !strings.Contains(metrics, line) || strings.HasSuffix(line, " 0\n") {
			t.Errorf("the metrics do not say %q", line)
		}
	}
	s.WantNoCanary(canary)
}
