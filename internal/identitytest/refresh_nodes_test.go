package identitytest_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

const goodPassword = "a long enough password"

// use refreshes with a token at a node.
func (w *world) use(node int, token string) answer {
	return w.post(node, "/auth/refresh", map[string]string{"refresh_token": token})
}

// wantGood returns the refresh token of an answer that must be good.
func wantGood(t *testing.T, what string, a answer) string {
	t.Helper()
	if a.status != http.StatusOK || a.RefreshToken == "" {
		t.Fatalf("%s: status %d %s", what, a.status, a.Code)
	}
	return a.RefreshToken
}

func wantNoRefresh(t *testing.T, what string, a answer) {
	t.Helper()
	if a.status != http.StatusUnauthorized || a.Code != "invalid_refresh_token" {
		t.Fatalf("%s: status %d %s", what, a.status, a.Code)
	}
}

func wantSame(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: another refresh token", what)
	}
}

// mostBusy is how many of fifty may be told that the database is busy: on SQLite a node
// has them wait for each other, and on a server each waits for the row, and not for ever.
func mostBusy(database store.Config) int {
	if database.Path != "" {
		return 0
	}
	return 40
}

// patiently posts, and once more where the database was busy.
func (w *world) patiently(node int, path string, members map[string]string) answer {
	w.t.Helper()
	for range 20 {
		if a := w.post(node, path, members); a.status != http.StatusServiceUnavailable {
			return a
		}
		time.Sleep(200 * time.Millisecond)
	}
	return w.post(node, path, members)
}

// TestFiftyAtOnce uses one refresh token fifty times at once on two nodes.
func TestFiftyAtOnce(t *testing.T) {
	onDatabases(t, func(t *testing.T, database store.Config) {
		w := newWorld(t, database)
		w.nodes[0].AddUser("ann", goodPassword)
		w.maximum, w.age = 5, time.Hour
		// fifty tells how often there was which refresh token in the answers, and how many of
		// them said that the database was busy.
		fifty := func(grace time.Duration) (former string, good map[string]int, busy int, sid string) {
			w.grace = grace
			w.configure(0)
			login := w.post(0, "/auth/login", map[string]string{"username": "ann", "password": goodPassword, "audience": "a"})
			former, sid = wantGood(t, "a login", login), readAccess(login.Token).Sid
			answers := make([]answer, 50)
			var ready, done sync.WaitGroup
			ready.Add(len(answers))
			for i := range answers {
				done.Go(func() {
					ready.Done()
					ready.Wait()
					answers[i] = w.use(i%2, former)
				})
			}
			done.Wait()
			good = map[string]int{}
			for _, a := range answers {
				switch a.status {
				case http.StatusOK:
					good[a.RefreshToken]++
				case http.StatusServiceUnavailable:
					busy++ // on a slow machine some may wait for the row too long
				default:
					wantNoRefresh(t, "one of fifty", a)
				}
			}
			t.Logf("with a grace of %v, %d of fifty were busy", grace, busy)
			if most := mostBusy(database); busy > most {
				t.Errorf("%d of fifty were busy, want at most %d", busy, most)
			}
			return former, good, busy, sid
		}

		former, good, busy, sid := fifty(10 * time.Second)
		var next string
		for next = range good {
		}
		if len(good) != 1 || good[next] != 50-busy {
			t.Fatalf("the answers have %d refresh tokens, one of them %d times; want one, %d times", len(good), good[next], 50-busy)
		}
		if s, err := w.nodes[1].Installation.DB.Standing(t.Context(), sid); err != nil || s.Refreshes != 1 {
			t.Errorf("the session was refreshed %d times (%v), want once", s.Refreshes, err)
		}
		after := wantGood(t, "the one chain goes on", w.use(1, next))
		wantNoRefresh(t, "its beginning", w.use(0, former))
		wantNoRefresh(t, "the chain after that", w.use(1, after))

		// Without a grace all but one are somebody else. That one may be among the busy, if
		// it did not hear in time of what it had done.
		_, good, busy, sid = fifty(0)
		if len(good) > 1 || len(good)+busy == 0 {
			t.Fatalf("%d refresh tokens without a grace, want one", len(good))
		}
		for token, n := range good {
			if n != 1 {
				t.Errorf("%d answers are good without a grace, want one", n)
			}
			wantNoRefresh(t, "a session that was reused", w.use(0, token))
		}
		if n := w.reuses(&family{id: sid}); n != 1 {
			t.Errorf("%d events of reuse, want one", n)
		}
	})
}

// TestReplayAfterRestart loses the answer to a refresh and the node that gave it.
func TestReplayAfterRestart(t *testing.T) {
	onDatabases(t, func(t *testing.T, database store.Config) {
		w := newWorld(t, database)
		w.nodes[0].AddUser("ann", goodPassword)
		first := w.nodes[0].Session("ann", goodPassword, "a")
		second := wantGood(t, "a refresh", w.use(0, first))
		restart := func() {
			w.nodes[0].Stop()
			w.nodes[0] = w.nodes[1].Another()
		}
		restart()
		w.nodes[0].Clock.Move(10*time.Second - time.Millisecond) // the grace
		wantSame(t, "a replay", wantGood(t, "a replay", w.use(0, first)), second)
		third := wantGood(t, "the next refresh", w.use(0, second))
		restart()
		w.nodes[0].Clock.Move(10 * time.Second)
		wantNoRefresh(t, "a replay after the grace", w.use(0, second))
		restart()
		wantNoRefresh(t, "the good token of a session that was reused", w.use(0, third))
	})
}

// TestRefreshWithWrongClocks has two nodes whose clocks are 90 seconds wrong, one each
// way: the time is the database's.
func TestRefreshWithWrongClocks(t *testing.T) {
	onServers(t, func(t *testing.T, database store.Config) {
		const grace, slack, age = 2 * time.Second, time.Second, time.Hour
		w := &world{t: t, jtis: map[string]bool{}, grace: grace, age: age, maximum: 100}
		var o identitytest.Options
		for i, wrong := range []time.Duration{90 * time.Second, -90 * time.Second} {
			o.Database = database
			o.Database.Machine = func() time.Time { return time.Now().Add(wrong) }
			w.nodes[i] = identitytest.New(t, o)
			o.EncryptionKey = w.nodes[i].EncryptionKey
		}
		ann := w.nodes[0].AddUser("ann", goodPassword)
		w.configure(0)
		for node := range w.nodes {
			other := 1 - node
			asked := time.Now()
			login := w.patiently(node, "/auth/login", map[string]string{"username": "ann", "password": goodPassword})
			first, says := wantGood(t, "a login", login), readAccess(login.Token)
			near := func(what string, got, want time.Time) {
				t.Helper()
				if got.Before(want.Add(-2*time.Second)) || got.After(want.Add(time.Since(asked)+2*time.Second)) {
					t.Errorf("node %d: %s is %s, want %s", node, what, got, want)
				}
			}
			near("iat", time.Unix(says.Iat, 0), asked)
			near("exp", time.Unix(says.Exp, 0), asked.Add(lifetime))
			s, err := w.nodes[other].Installation.DB.Standing(t.Context(), says.Sid)
			w.must(err)
			near("the end of the session", s.ExpiresAt, asked.Add(age))

			second := wantGood(t, "a refresh", w.use(node, first))
			wantSame(t, "a replay on the other node", wantGood(t, "a replay on the other node", w.use(other, first)), second)
			s, err = w.nodes[other].Installation.DB.Standing(t.Context(), says.Sid)
			w.must(err)
			near("the refresh", s.RefreshedAt, asked)
			// For as long as the grace it can be replayed, and not longer.
			for {
				begun := time.Now()
				a := w.use(other, first)
				if a.status == http.StatusOK {
					wantSame(t, "a replay", a.RefreshToken, second)
					if begun.Sub(s.RefreshedAt) > grace+slack {
						t.Fatalf("node %d replays after %s", other, begun.Sub(s.RefreshedAt))
					}
					time.Sleep(20 * time.Millisecond)
					continue
				}
				wantNoRefresh(t, "a replay after the grace", a)
				if since := time.Since(s.RefreshedAt); since < grace-slack {
					t.Errorf("node %d refuses a replay after %s", other, since)
				}
				break
			}

			// The session ends when the database says so, for both.
			for over, in := range map[bool]time.Duration{false: 45 * time.Second, true: -45 * time.Second} {
				login := w.post(node, "/auth/login", map[string]string{"username": "ann", "password": goodPassword})
				token := wantGood(t, "a login", login)
				w.nodes[0].Change("user", ann.ID, `UPDATE sessions SET expires_at = ? WHERE id = ?`, time.Now().Add(in).UnixMilli(), readAccess(login.Token).Sid)
				for n := range w.nodes {
					a := w.use(n, token)
					if over {
						wantNoRefresh(t, "a session that is over", a)
					} else {
						token = wantGood(t, "a session that is not over", a)
					}
				}
			}
		}
	})
}
