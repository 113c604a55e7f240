package faults_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// TestLostRefresh cuts connections between a refresh that took effect and the answer that
// says so. The client tries again with the same token, and goes on with what it gets:
// there is one live token before, meanwhile and after. Who tries again too late has no
// session any more.
func TestLostRefresh(t *testing.T) {
	onServers(t, func(d *database) {
		// Two connections: one follows the database, the other one does the work.
		d.settings["DATABASE_CONNECTION_POOL_SIZE"], d.settings["DATABASE_CONNECTION_MAX_OVERFLOW"] = "2", "0"
		p := d.people(d.ready())
		// A machine that stops for a while must not be late by itself.
		grace := int64(60)
		must(0, p.admin.Write(d.Context(), "configuration", "grace", http.MethodPatch, "/api/configuration", api.ConfigurationUpdate{RefreshGrace: &grace}, nil))(d.T)
		s := must(p.public.Login(d.Context(), "ann", firstPassword, "shop"))(d.T)
		lost, tries := 0, max(12, rounds(d.T)/2)
		for i := range tries {
			var wasLost bool
			if s, wasLost = d.lostRefresh(p, s, int64(1+i%4)); wasLost {
				lost++
			}
		}
		d.Logf("%d of %d refreshes took effect and their answers were lost", lost, tries)
		if lost == 0 {
			d.Error("no answer was lost")
		}
		d.tooLate(p)
		p.judge(d.T)
	})
}

// lostRefresh cuts the reply to the n-th message that goes to the database from the
// beginning of a refresh on. It returns what the retry gives, and reports whether the
// first use took effect without an answer.
func (d *database) lostRefresh(p *people, s faults.Session, n int64) (next faults.Session, lost bool) {
	d.Helper()
	db, ctx := d.open(), d.Context()
	counter := func() int { return one[int](d, db, `SELECT counter FROM sessions WHERE id = ?`, s.ID) }
	within(d.T, readySoon, "it serves", func() bool { return p.once(ctx, "robot") == nil })
	before := counter()
	var messages atomic.Int64
	d.proxy.OnRequest(func([]byte) faults.Action {
		if messages.Add(1) == n {
			return faults.CutReply
		}
		return faults.Pass
	})
	first, err := p.public.Refresh(ctx, s)
	d.proxy.OnRequest(nil)
	if err != nil && status(err) != 503 {
		d.Errorf("message %d: %v, want tokens or 503", n, err)
	}
	within(d.T, readySoon, "it serves", func() bool { return p.once(ctx, "robot") == nil })
	used := counter() - before
	if err == nil && used != 1 {
		d.Errorf("message %d: the answer was good, and %d refreshes are counted", n, used)
	}
	next = must(p.public.Refresh(ctx, s))(d.T)
	if err == nil && next.RefreshToken != first.RefreshToken {
		d.Errorf("message %d: the retry gives another token", n)
	}
	if again := must(p.public.Refresh(ctx, s))(d.T); again.RefreshToken != next.RefreshToken || counter() != before+1 {
		d.Errorf("message %d: three uses of one token: %d refreshes are counted, and the last two gave the same one: %t", n, counter()-before, again.RefreshToken == next.RefreshToken)
	}
	return next, err != nil && used == 1
}

// tooLate loses the answer to a refresh, and tries again after the grace.
func (d *database) tooLate(p *people) {
	d.Helper()
	db, ctx := d.open(), d.Context()
	s := must(p.public.Login(ctx, "ann", firstPassword, "shop"))(d.T)
	for n := int64(1); n <= 40; n++ {
		next, lost := d.lostRefresh(p, s, 1+n%4)
		if !lost {
			s = next
			continue
		}
		// The retry of lostRefresh was in time. What was used before that is not.
		d.exec(db, `UPDATE sessions SET refreshed_at = refreshed_at - 61000 WHERE id = ?`, s.ID)
		_, err := p.public.Refresh(ctx, s)
		wantStatus(d.T, "a retry after the grace", err, http.StatusUnauthorized)
		_, err = p.public.Refresh(ctx, next)
		wantStatus(d.T, "the successor, after that", err, http.StatusUnauthorized)
		if by := one[string](d, db, `SELECT ended_by FROM sessions WHERE id = ?`, s.ID); by != "reuse" {
			d.Errorf("the session was ended by %q", by)
		}
		if n := one[int](d, db, `SELECT COUNT(*) FROM audit_events WHERE target = ? AND event = ?`, s.ID, "session.reused"); n != 1 {
			d.Errorf("there are %d events of it, want 1", n)
		}
		return
	}
	d.Error("no answer was lost of 40")
}
