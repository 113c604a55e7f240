package faults_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// TestLostReply cuts connections between what took effect and the answer that says so:
// nobody is told of a success that was not, and what happened, happened whole.
func TestLostReply(t *testing.T) {
	onServers(t, func(d *database) {
		// Two connections: one follows the database, the other one does the work.
		d.settings["DATABASE_CONNECTION_POOL_SIZE"], d.settings["DATABASE_CONNECTION_MAX_OVERFLOW"] = "2", "0"
		p := d.people(d.ready())
		d.lostCommits(p)
		d.lostAssertions(p)
		p.judge(d.T)
	})
}

// lostCommits cuts at COMMIT, after it and before it.
func (d *database) lostCommits(p *people) {
	d.Helper()
	db := d.open()
	for i := range 10 {
		action, want := faults.CutReply, 1
		if i%2 == 1 {
			action, want = faults.CutBefore, 0
		}
		var cut atomic.Int64
		d.proxy.OnRequest(func(chunk []byte) faults.Action {
			if !faults.IsCommit(chunk) {
				return faults.Pass
			}
			cut.Add(1)
			return action
		})
		name := fmt.Sprintf("lost-%d", i)
		_, err := p.admin.CreateUser(d.Context(), api.CreateUserRequest{Username: name, Password: firstPassword})
		d.proxy.OnRequest(nil)
		if status(err) != 503 || cut.Load() == 0 {
			d.Errorf("%s: %v after %d cuts, want 503", name, err, cut.Load())
		}
		// The server may still be at it, when the connection has gone.
		within(d.T, readySoon, "the transaction has ended", func() bool { return p.once(d.Context(), "robot") == nil })
		users := one[int](d, db, `SELECT COUNT(*) FROM users WHERE username = ?`, name)
		events := one[int](d, db, `SELECT COUNT(*) FROM audit_events e JOIN users u ON e.target = u.id WHERE u.username = ?`, name)
		if users != want || events != want {
			d.Errorf("%s: there are %d users and %d events, want %d of each", name, users, events, want)
		}
	}
}

// lostAssertions cuts the replies to what happens while an assertion is spent.
func (d *database) lostAssertions(p *people) {
	d.Helper()
	db := d.open()
	spent := func() int { return one[int](d, db, `SELECT COUNT(*) FROM spent_assertions`) }
	lost := 0
	for i := range 12 {
		within(d.T, readySoon, "it serves", func() bool { return p.once(d.Context(), "robot") == nil })
		proof := must(p.key.Assertion("robot", issuer))(d.T)
		before := spent()
		var chunks atomic.Int64
		d.proxy.OnRequest(func([]byte) faults.Action {
			if chunks.Add(1) == int64(1+i%2) {
				return faults.CutReply
			}
			return faults.Pass
		})
		_, first := p.public.Token(d.Context(), proof, "shop")
		d.proxy.OnRequest(nil)
		if first != nil && status(first) != 503 {
			d.Errorf("the first time: %v, want a token or 503", first)
		}
		taken := spent() - before
		if first == nil && taken != 1 {
			d.Errorf("a token was issued, and %d assertions are spent", taken)
		}
		within(d.T, readySoon, "it serves", func() bool { return p.once(d.Context(), "robot") == nil })
		_, second := p.public.Token(d.Context(), proof, "shop")
		if taken == 1 {
			if status(second) != 401 {
				d.Errorf("an assertion that is spent: %v, want 401", second)
			}
			if first != nil {
				lost++
			}
		}
	}
	if lost == 0 {
		d.Error("no answer was lost")
	}
	d.Logf("%d of 12 assertions were spent and their answers lost", lost)
}
