package identitytest_test

import (
	"net/http"
	"sync"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-60f9e3ad/identity"
)

// drawOne draws each as often as any other, where rapid prefers the first by far.
func drawOne[T any](rt *rapid.T, what string, list ...T) T {
	return rapid.Custom(func(rt *rapid.T) T {
		n := 0
		for range 16 {
			n *= 2
			if rapid.Bool().Draw(rt, "bit") {
				n++
			}
		}
		return list[n%len(list)]
	}).Draw(rt, what)
}

func drawNode(rt *rapid.T) int { return drawOne(rt, "node", 0, 1) }

func (w *world) drawPerson(rt *rapid.T) *person { return drawOne(rt, "person", w.people...) }

// drawSession prefers sessions that are not over, and tries to begin one where there is none.
// There always is one that was begun, if only the first of all.
func (w *world) drawSession(rt *rapid.T) int {
	whatever := drawOne(rt, "of any", false, false, false, false, false, true)
	choice := w.sessionsThat(whatever)
	if len(choice) == 0 {
		w.login(rt)
		choice = w.sessionsThat(false)
	}
	if len(choice) == 0 { // nobody gets one now
		choice = w.sessionsThat(true)
	}
	return drawOne(rt, "session", choice...)
}

// sessionsThat returns the sessions that are not over, or all of them.
func (w *world) sessionsThat(whatever bool) (choice []int) {
	for i, f := range w.sessions {
		if whatever || !f.over(w.rules().now) {
			choice = append(choice, i)
		}
	}
	return choice
}

// drawToken prefers the newest tokens of a session.
func (w *world) drawToken(rt *rapid.T, session int) int {
	newest := w.sessions[session].refreshes()
	back := drawOne(rt, "tokens back", 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, newest)
	return max(0, newest-back)
}

func (w *world) login(rt *rapid.T) {
	p, node := w.drawPerson(rt), drawNode(rt)
	now := w.rules().now
	w.nodes[0].ForgetAttempts() // those of the disabled are no part of the model
	a := w.post(node, "/auth/login", map[string]string{"username": p.name, "password": p.password})
	switch {
	case !p.enabled:
		if a.status != http.StatusUnauthorized {
			rt.Errorf("a disabled user's login has status %d", a.status)
		}
		return
	case !p.allowed:
		if a.status != http.StatusForbidden {
			rt.Errorf("the login for an audience that the user may not have has status %d", a.status)
		}
		return
	case a.status != http.StatusOK:
		rt.Fatalf("no login: status %d %s", a.status, a.Code)
	case w.maximum == 0:
		if a.RefreshToken != "" || a.RefreshesLeft != nil {
			rt.Error("there is a refresh token though none may be refreshed")
		}
		w.wantAnswer(rt, nil, a)
		return
	}
	f := &family{id: readAccess(a.Token).Sid, of: p, tokens: []string{a.RefreshToken}, maximum: w.maximum, expires: now.Add(w.age).Truncate(time.Second)}
	if (a.outcome() != outcome{a.RefreshToken, w.maximum}) {
		rt.Errorf("%v refreshes are left after the login, want %d", a.RefreshesLeft, w.maximum)
	}
	w.wantAnswer(rt, f, a)
	w.sessions = append(w.sessions, f)
}

func (w *world) refresh(rt *rapid.T) {
	session := w.drawSession(rt)
	f, node, refreshes := w.sessions[session], drawNode(rt), w.drawToken(rt, session)
	newest, reuses := f.refreshes(), f.reuses
	a := w.post(node, "/auth/refresh", map[string]string{"refresh_token": f.tokens[refreshes]})
	want := f.refresh(w.rules(), refreshes)
	if !f.sees(want, a.outcome()) {
		rt.Fatalf("token %d of %d, at most %d: got %+v, want %+v", refreshes, newest, f.maximum, a.outcome(), want)
	}
	w.wantAnswer(rt, f, a)
	switch {
	case want.good != "" && refreshes == newest:
		w.refreshed++
	case want.good != "":
		w.repeated++
	}
	w.reused += f.reuses - reuses
	if n := w.reuses(f); n != f.reuses {
		rt.Errorf("%d events of reuse, want %d", n, f.reuses)
	}
}

// refreshForged uses what nobody was given.
func (w *world) refreshForged(rt *rapid.T) {
	f := w.sessions[w.drawSession(rt)]
	token := f.tokens[f.refreshes()]
	at := rapid.IntRange(4, len(token)-1).Draw(rt, "at")
	other := "A"
	if token[at] == 'A' {
		other = "B"
	}
	a := w.post(drawNode(rt), "/auth/refresh", map[string]string{"refresh_token": token[:at] + other + token[at+1:]})
	if a.status == http.StatusOK {
		rt.Error("a token was good that nobody was given")
	}
	w.wantAnswer(rt, f, a)
	if !w.stored(w.sessions) {
		rt.Error("a token that nobody was given did something")
	}
}

// together does several things to a user's sessions at once.
func (w *world) together(rt *rapid.T) {
	first := w.drawSession(rt)
	f := w.sessions[first]
	requests := make([]act, drawOne(rt, "requests", 2, 3, 4, 5))
	for i := range requests {
		kind := drawOne(rt, "kind", "logout", "end all of the user", "refresh", "refresh", "refresh", "refresh", "refresh", "refresh", "refresh", "refresh")
		r := act{kind: kind, family: first, node: drawNode(rt)}
		if drawOne(rt, "of another session", true, false, false, false, false) {
			r.family = w.drawSession(rt)
		}
		r.refreshes = w.drawToken(rt, r.family)
		requests[i] = r
	}
	got, answers := make([]outcome, len(requests)), make([]answer, len(requests))
	var all sync.WaitGroup
	for i, r := range requests {
		all.Go(func() { answers[i] = w.send(r); got[i] = answers[i].outcome() })
	}
	all.Wait()
	after := explain(w.sessions, w.rules(), requests, got, w.stored)
	if after == nil {
		rt.Fatalf("no order explains what came of\n%+v:\n%+v\nsession %+v", requests, got, f)
	}
	w.sessions = after
	for i, r := range requests {
		if r.kind == "refresh" {
			w.wantAnswer(rt, w.sessions[r.family], answers[i])
		} else if answers[i].status != http.StatusNoContent {
			rt.Errorf("%s: status %d", r.kind, answers[i].status)
		}
	}
	w.interleaved++
	w.refreshed += w.sessions[first].refreshes() - f.refreshes()
	w.reused += w.sessions[first].reuses - f.reuses
}

// send makes a request of those that are made together.
func (w *world) send(r act) answer {
	f := w.sessions[r.family]
	switch r.kind {
	case "refresh":
		return w.post(r.node, "/auth/refresh", map[string]string{"refresh_token": f.tokens[r.refreshes]})
	case "logout":
		return w.post(r.node, "/auth/logout", map[string]string{"refresh_token": f.tokens[r.refreshes]})
	default:
		if err := w.nodes[r.node].Installation.Admin.EndSessionsOf(w.t.Context(), master, f.of.id); err != nil {
			w.t.Error(err)
		}
		return answer{status: http.StatusNoContent}
	}
}

func (w *world) logout(rt *rapid.T) {
	session := w.drawSession(rt)
	if a := w.send(act{kind: "logout", family: session, refreshes: w.drawToken(rt, session), node: drawNode(rt)}); a.status != http.StatusNoContent {
		rt.Errorf("the logout has status %d", a.status)
	}
	w.sessions[session].end(w.rules().now)
}

func (w *world) endByAdministrator(rt *rapid.T) {
	f, now := w.sessions[w.drawSession(rt)], w.rules().now
	err := w.nodes[drawNode(rt)].Installation.Admin.EndSession(w.t.Context(), master, f.id)
	if (err == nil) != !f.over(now) || err != nil && identity.KindOf(err) != identity.NotFound {
		rt.Errorf("ending a session that is over (%v): %v", f.over(now), err)
	}
	f.end(now)
}

func (w *world) endAll(rt *rapid.T) {
	w.must(w.nodes[0].Installation.Admin.EndAllSessions(w.t.Context(), master))
	for _, f := range w.sessions {
		f.disowned = true
		// At once on the other node too, which does not know of it yet.
		if a := w.post(1, "/auth/refresh", map[string]string{"refresh_token": f.tokens[f.refreshes()]}); a.status != http.StatusUnauthorized {
			rt.Errorf("a session of another epoch: status %d", a.status)
		}
	}
	w.poll()
}

// move moves the clock: a little, or to where something ends and the millisecond before.
func (w *world) move(rt *rapid.T) {
	now := w.rules().now
	if len(w.sessions) > 0 && rapid.Bool().Draw(rt, "to a boundary") {
		f := w.sessions[w.drawSession(rt)]
		to := drawOne(rt, "boundary", f.rotated.Add(w.grace), f.rotated.Add(w.grace), f.expires)
		to = to.Add(-drawOne(rt, "before", 0, time.Millisecond))
		if to.After(now) {
			w.nodes[0].Clock.Move(to.Sub(now))
		}
		return
	}
	w.nodes[0].Clock.Move(drawOne(rt, "by", time.Millisecond, 700*time.Millisecond, 9*time.Second, time.Minute))
}

func (w *world) reconfigure(rt *rapid.T) {
	w.grace = drawOne(rt, "grace", 0, time.Second, 10*time.Second, 10*time.Second, time.Minute)
	w.maximum = drawOne(rt, "maximum", 0, 1, 2, 3, 3, 100)
	w.age = drawOne(rt, "age", time.Minute, 5*time.Minute, time.Hour)
	w.configure(drawNode(rt))
}

func (w *world) restart(rt *rapid.T) {
	node := drawNode(rt)
	w.nodes[node].Stop()
	w.nodes[node] = w.nodes[1-node].Another()
}

// useAccessToken uses the last access token of a session here, where it ends with it.
func (w *world) useAccessToken(rt *rapid.T) {
	f, node := w.sessions[w.drawSession(rt)], drawNode(rt)
	w.poll() // of users, not of sessions, memory may be a second old
	want, says := http.StatusUnauthorized, readAccess(f.access)
	if !f.over(w.rules().now) && says.Exp > w.rules().now.Unix() && says.Iat >= f.of.from.Unix() {
		want = http.StatusForbidden // a good one, of somebody who may nothing
	}
	if got := w.nodes[node].Get("/api/users", "Authorization", "Bearer "+f.access).Status; got != want {
		rt.Errorf("the access token of a session has status %d, want %d", got, want)
	}
}
