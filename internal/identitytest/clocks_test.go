package identitytest_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// clocks are two nodes of which the clock of one, or on SQLite that of the machine that
// both are on, can be set wrong.
type clocks struct {
	*world
	// set makes it wrong by so much.
	set func(wrong time.Duration)
	// now is the right time, and what a client on the same machine takes for it.
	now func() time.Time
	// own reports whether the time is the nodes' own.
	own bool
}

func newClocks(t *testing.T, database store.Config) *clocks {
	t.Helper()
	c := &clocks{own: database.Path != ""}
	if c.own {
		c.world = newWorld(t, database)
		c.nodes[0].Clock.Move(2 * time.Hour) // the signing key is older than any step back
		before := time.Duration(0)
		c.set = func(wrong time.Duration) { c.nodes[0].Clock.Move(wrong - before); before = wrong }
		c.now = c.nodes[0].Clock.Now
		return c
	}
	var wrong atomic.Int64
	c.world = &world{t: t, jtis: map[string]bool{}}
	o := identitytest.Options{Database: database}
	for i := range c.nodes {
		o.Database.Machine = func() time.Time { return time.Now().Add(time.Duration(int64(i) * wrong.Load())) }
		c.nodes[i] = identitytest.New(t, o)
		o.EncryptionKey = c.nodes[i].EncryptionKey
	}
	c.set = func(by time.Duration) { wrong.Store(int64(by)) }
	c.now = time.Now
	return c
}

// assertion is a new one by the clock.
func (c *clocks) assertion(key jose.PrivateKey) map[string]string {
	now := c.now().Unix()
	return map[string]string{"client_id": "robot", "audience": "a", "signature": c.nodes[0].Assertion(key, "robot", map[string]any{"iat": now, "exp": now + 60})}
}

// TestClocks sets a clock forward and back, by an hour, by minutes and by seconds: nothing
// that was used, has ended or was taken away comes back, no token expires before it
// begins, and who has to wait waits.
func TestClocks(t *testing.T) {
	onDatabases(t, func(t *testing.T, database store.Config) {
		c := newClocks(t, database)
		c.grace, c.age, c.maximum = 10*time.Second, 24*time.Hour, 100
		c.configure(0)
		first := c.nodes[0]
		key := first.Key(jose.ES256)
		first.AddClient(admin.NewClient{ID: "robot", PublicKey: key.Public().PEM()})
		first.AddUser("ann", goodPassword)
		first.AddUser("guessed", goodPassword)
		first.DisableUser(first.AddUser("bob", goodPassword).ID)
		login := func(node int, username, password string) answer {
			return c.post(node, "/auth/login", map[string]string{"username": username, "password": password})
		}
		if a := login(0, "guessed", "a wrong password"); a.status != http.StatusUnauthorized {
			t.Fatalf("a wrong password: %d", a.status)
		}
		first.Change("user", "", `UPDATE throttles SET attempts = 100 WHERE attempts = 1`)

		for _, wrong := range []time.Duration{0, time.Hour, -time.Hour, -5 * time.Minute, 90 * time.Second, -90 * time.Second} {
			c.set(0)
			c.poll()
			// What is used up, and ended, while the clock is right.
			spent := c.assertion(key)
			if a := c.post(0, "/auth/token", spent); a.status != http.StatusOK {
				t.Fatalf("%v: an assertion: %d", wrong, a.status)
			}
			sessions := map[string]string{} // a token that is good no more, by why
			for _, why := range []string{"used", "ended"} {
				began := login(0, "ann", goodPassword)
				token := wantGood(t, "a login", began)
				sessions[why] = token
				if why == "used" {
					wantGood(t, "a refresh", c.use(0, token))
					first.Change("user", "", `UPDATE sessions SET refreshed_at = refreshed_at - 20000 WHERE id = ?`, readAccess(began.Token).Sid)
					continue
				}
				if a := c.post(0, "/auth/logout", map[string]string{"refresh_token": token}); a.status != http.StatusNoContent {
					t.Fatalf("a logout: %d", a.status)
				}
			}
			first.Change("user", "", `UPDATE throttles SET next_at = ? WHERE attempts >= 100`, c.now().Add(45*time.Second).UnixMilli())

			// Forward and back: what has expired meanwhile is pruned.
			c.set(max(wrong, -wrong))
			c.poll()
			for _, node := range c.nodes {
				node.Upkeep(t.Context())
			}
			c.set(wrong)
			c.poll()
			for node := range c.nodes {
				if a := c.post(node, "/auth/token", spent); a.status != http.StatusUnauthorized {
					t.Errorf("%v: node %d takes an assertion again: %d", wrong, node, a.status)
				}
				for why, token := range sessions {
					if a := c.use(node, token); a.status != http.StatusUnauthorized {
						t.Errorf("%v: node %d refreshes with a token that is %s: %d", wrong, node, why, a.status)
					}
				}
				if a := login(node, "bob", goodPassword); a.status == http.StatusOK {
					t.Errorf("%v: node %d lets somebody in who is disabled", wrong, node)
				}
				// By a clock of its own, a machine's forward step ends a wait.
				mayGoOn := c.own && wrong > 0
				if a := login(node, "guessed", "a wrong password"); a.status != http.StatusTooManyRequests && !mayGoOn {
					t.Errorf("%v: node %d does not have a guesser wait: %d", wrong, node, a.status)
				}
				a := login(node, "ann", goodPassword)
				says := readAccess(a.Token)
				if a.status != http.StatusOK || says.Exp-says.Iat != int64(lifetime.Seconds()) {
					t.Fatalf("%v: node %d: a login: %d, from %d to %d", wrong, node, a.status, says.Iat, says.Exp)
				}
				if off := time.Unix(says.Iat, 0).Sub(c.now()).Abs(); off > 45*time.Second {
					t.Errorf("%v: node %d issues a token that is wrong by %v", wrong, node, off)
				}
				if a := c.post(node, "/auth/token", c.assertion(key)); a.status != http.StatusOK {
					t.Errorf("%v: node %d refuses a new assertion: %d", wrong, node, a.status)
				}
			}
		}
	})
}
