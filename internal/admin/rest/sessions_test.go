package rest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// sessionsOf lists the sessions of a user, given by its path.
func (d *desk) sessionsOf(user string) (list []map[string]any) {
	d.Helper()
	data, _ := d.get("/api/sessions?limit=200&user_id=" + last(user))["data"].([]any)
	for _, item := range data {
		list = append(list, item.(map[string]any))
	}
	return list
}

func (d *desk) sessionIDs(user string) []string {
	d.Helper()
	ids := []string{}
	for _, s := range d.sessionsOf(user) {
		ids = append(ids, fmt.Sprint(s["id"]))
	}
	return ids
}

// begun logs somebody in and returns the id of the session with its tokens.
func (d *desk) begun(username, audience string, headers ...string) (id, token, refresh string) {
	d.Helper()
	r := d.Post("/auth/login", map[string]string{"username": username, "password": goodPassword, "audience": audience}, headers...)
	d.wantStatus("login", r, 200)
	o := d.Object(r)
	token, _ = o["token"].(string)
	refresh, _ = o["refresh_token"].(string)
	return sidOf(d.T, token), token, refresh
}

func TestSessionsAreListed(t *testing.T) {
	d := newDesk(t)
	ann, bob := d.user("ann", nil), d.user("bob", nil)
	d.Clock.Move(time.Millisecond) // after the administrator's own session
	at := d.Clock.Now()
	first, _, refresh := d.begun("ann", "orders", "User-Agent", "Mozilla/5.0 (Zoë)")
	want := map[string]any{
		"id": first, "user_id": last(ann), "audience": "orders", "created_at": at.Format(time.RFC3339Nano), "last_refreshed_at": nil,
		"expires_at": at.Add(30 * 24 * time.Hour).Truncate(time.Second).Format(time.RFC3339Nano), "refreshes_left": 100.0, "ip": "127.0.0.1", "user_agent": "Mozilla/5.0 (Zoë)",
	}
	if diff := cmp.Diff([]map[string]any{want}, d.sessionsOf(ann)); diff != "" {
		t.Errorf("after the login: (-want +got)\n%s", diff)
	}
	d.Clock.Move(time.Minute)
	d.wantStatus("refresh", d.Post("/auth/refresh", map[string]string{"refresh_token": refresh}, "User-Agent", "curl/8"), 200)
	want["last_refreshed_at"], want["refreshes_left"], want["user_agent"] = d.Clock.Now().Format(time.RFC3339Nano), 99.0, "curl/8"
	if diff := cmp.Diff([]map[string]any{want}, d.sessionsOf(ann)); diff != "" {
		t.Errorf("after a refresh: (-want +got)\n%s", diff)
	}

	// Those that began last come first, and each user has their own.
	d.Clock.Move(time.Millisecond)
	other, _, _ := d.begun("bob", "orders")
	d.Clock.Move(time.Millisecond)
	second, _, _ := d.begun("ann", "stock")
	if got := d.sessionIDs(ann); !slices.Equal(got, []string{second, first}) {
		t.Errorf("ann has %v, want %v", got, []string{second, first})
	}
	if got := d.walk("/api/sessions", 1, nil); !slices.Equal(got[:3], []string{second, other, first}) {
		t.Errorf("all are %v", got)
	}
	for _, nobody := range []string{"nobody", "%25", first} {
		if got := d.sessionIDs(nobody); len(got) != 0 {
			t.Errorf("%s has %v", nobody, got)
		}
	}
	if got := d.sessionIDs(bob); !slices.Equal(got, []string{other}) {
		t.Errorf("bob has %v", got)
	}
	for _, bad := range []string{"audience=orders", "user_id=", "user=" + last(ann), "user_id=a&user_id=b"} {
		if r := d.asAdmin("GET", "/api/sessions?"+bad, ""); r.Status != 422 {
			t.Errorf("%s: status %d", bad, r.Status)
		}
	}
}

// What is over is not listed, whatever ended it, and no job has to run for that.
func TestSessionsThatAreOverAreNotListed(t *testing.T) {
	d := newDesk(t)
	d.bearer = d.machine("root", identity.PermissionAdmin)
	ann := d.user("ann", nil)
	wantNone := func(how string) {
		t.Helper()
		if got := d.sessionIDs(ann); len(got) != 0 {
			t.Errorf("%s: %v are listed", how, got)
		}
	}
	id, _, refresh := d.begun("ann", "orders")
	d.wantStatus("logout", d.Post("/auth/logout", map[string]string{"refresh_token": refresh}), 204)
	wantNone("after a logout")
	d.wantProblem("ended before", d.asAdmin("DELETE", "/api/sessions/"+id, ""), 404, "not_found")

	id, _, _ = d.begun("ann", "orders")
	d.wantStatus("ending", d.asAdmin("DELETE", "/api/sessions/"+id, ""), 204)
	wantNone("after it was ended")
	d.wantProblem("ended twice", d.asAdmin("DELETE", "/api/sessions/"+id, ""), 404, "not_found")

	d.begun("ann", "orders")
	d.begun("ann", "stock")
	d.wantStatus("ending all of a user", d.asAdmin("DELETE", ann+"/sessions", ""), 204)
	wantNone("after all of the user's were ended")
	d.wantStatus("ending none of a user", d.asAdmin("DELETE", ann+"/sessions", ""), 204)
	d.wantProblem("of nobody", d.asAdmin("DELETE", "/api/users/nobody/sessions", ""), 404, "not_found")

	_, _, refresh = d.begun("ann", "orders")
	next := d.Refresh(refresh)
	d.Clock.Move(time.Minute)
	d.wantStatus("reuse", d.Post("/auth/refresh", map[string]string{"refresh_token": refresh}), 401)
	wantNone("after a token was used twice")
	d.wantStatus("logout", d.Post("/auth/logout", map[string]string{"refresh_token": next}), 204)

	id, _, _ = d.begun("ann", "orders")
	d.wantStatus("ending all", d.asAdmin("DELETE", "/api/sessions", ""), 204)
	wantNone("after all were ended")
	d.wantProblem("of the former epoch", d.asAdmin("DELETE", "/api/sessions/"+id, ""), 404, "not_found")

	id, _, _ = d.begun("ann", "orders")
	for _, wrong := range []string{"nobody", id + "x", strings.ToUpper(id), "%25", "00000000-0000-0000-0000-000000000000"} {
		d.wantProblem(wrong, d.asAdmin("DELETE", "/api/sessions/"+wrong, ""), 404, "not_found")
	}
	d.Clock.Move(30 * 24 * time.Hour)
	d.bearer = d.machine("root-later", identity.PermissionAdmin)
	wantNone("after it expired")
	d.wantProblem("expired", d.asAdmin("DELETE", "/api/sessions/"+id, ""), 404, "not_found")
}

// A request to end all sessions that says more than that ends none.
func TestEndingAllTakesNoFilter(t *testing.T) {
	d := newDesk(t)
	d.wantUnchanged("filters", func() {
		d.wantProblem("of a user", d.asAdmin("DELETE", "/api/sessions?user_id=x", ""), 422, "invalid_request", fault{"user_id", "unknown"})
		d.wantStatus("a body", d.asAdmin("DELETE", "/api/sessions", `{"user_id":"x"}`), 422)
	})
	d.wantStatus("still there", d.asAdmin("GET", "/api/sessions", ""), 200)
}

// Contract, section 3: nobody ends the sessions of somebody who holds what they lack.
func TestSessionsAboveAreNotEnded(t *testing.T) {
	d := newDesk(t)
	root := d.bearer
	d.bearer = d.machine("root", identity.PermissionAdmin)
	climbers := d.climbers()
	climbers["who may end sessions"] = d.machine("ender", identity.PermissionSessionsWrite)
	d.role("above", above)
	d.role("harmless", "orders:read")
	n := 0
	for how, holder := range d.holders() {
		if how == "while disabled" { // has no session
			continue
		}
		n++
		name := fmt.Sprintf("victim%d", n)
		members, after := holder("user")
		path := d.user(name, members)
		if after != nil {
			after()
		}
		id, _, _ := d.begun(name, "orders")
		d.wantOnlyAdmin(climbers,
			attempt{"a session of one who holds it " + how, "DELETE", "/api/sessions/" + id, ""},
			attempt{"the sessions of one who holds it " + how, "DELETE", path + "/sessions", ""})
	}
	// Nor all at once, though what they hold would let them end each.
	low := d.user("low", nil)
	d.wantStatus("each", d.call(climbers["who may end sessions"], "DELETE", low+"/sessions", ""), 204)
	id, _, _ := d.begun("low", "orders")
	d.wantStatus("one", d.call(climbers["who may end sessions"], "DELETE", "/api/sessions/"+id, ""), 204)
	d.wantOnlyAdmin(climbers, attempt{"all", "DELETE", "/api/sessions", ""})
	d.wantProblem("the administrator's own", d.call(root, "GET", "/api/users", ""), 401, "invalid_token")
}

// An access token administers as long as its session is not over, and no longer.
func TestTokensOfEndedSessionsDoNotAdminister(t *testing.T) {
	d := newDesk(t)
	d.bearer = d.machine("root", identity.PermissionAdmin)
	ann := d.user("ann", map[string]any{"permissions": list(identity.PermissionUsersRead)})
	for name, end := range map[string]func(id, refresh string) identitytest.Response{
		"logout": func(_, refresh string) identitytest.Response {
			return d.Post("/auth/logout", map[string]string{"refresh_token": refresh})
		},
		"an administrator": func(id, _ string) identitytest.Response { return d.asAdmin("DELETE", "/api/sessions/"+id, "") },
	} {
		_, stays, _ := d.begun("ann", d.Issuer)
		id, token, refresh := d.begun("ann", d.Issuer)
		d.wantStatus(name+": before", d.call(token, "GET", "/api/users", ""), 200)
		d.wantStatus(name, end(id, refresh), 204)
		r := d.call(token, "GET", "/api/users", "")
		d.wantProblem(name+": after", r, 401, "invalid_token")
		if got := r.Header.Get("WWW-Authenticate"); got != `Bearer realm="identity", error="invalid_token"` {
			t.Errorf("%s: WWW-Authenticate %q", name, got)
		}
		d.wantStatus(name+": another session", d.call(stays, "GET", "/api/users", ""), 200)
		d.wantStatus("all of the user", d.asAdmin("DELETE", ann+"/sessions", ""), 204)
		d.wantProblem(name+": after all", d.call(stays, "GET", "/api/users", ""), 401, "invalid_token")
	}
	// A refreshed token too; one without a session has none that could end.
	_, former, refresh := d.begun("ann", d.Issuer)
	next := d.Object(d.Post("/auth/refresh", map[string]string{"refresh_token": refresh}))
	d.wantStatus("without sessions", d.asAdmin("PATCH", path, `{"jwt_max_refreshes":0}`), 200)
	alone := d.Login("ann", goodPassword, "")
	d.wantStatus("all", d.asAdmin("DELETE", "/api/sessions", ""), 204)
	for _, token := range []string{former, fmt.Sprint(next["token"])} {
		d.wantProblem("after all", d.call(token, "GET", "/api/users", ""), 401, "invalid_token")
	}
	d.wantStatus("a token without session", d.call(alone, "GET", "/api/users", ""), 200)
}

// Whatever a caller says of itself is stored so that it can be shown.
func TestHostileUserAgents(t *testing.T) {
	d := newDesk(t)
	long := strings.Repeat("x", 10_000)
	n := 0
	for agent, want := range map[string]string{
		"":                          "",
		long:                        long[:255],
		strings.Repeat("é", 5_000):  strings.Repeat("é", 127), // no half a character
		"\x1b[31mred\x1b[0m":        "[31mred[0m",
		"\x1b]0;title\x07":          "]0;title",
		"a\x00b\x7fc\td":            "abcd",
		"a\r\nX-Forged: 1":          "aX-Forged: 1",
		"\x9b31m":                   "31m",
		"\xff\xfe\xc3(":             "(",
		"\u202ebackwards\u2028next": "backwardsnext",
		"\ufffd":                    "",
		"<script>'\"--":             "<script>'\"--",
		"日本語 👩":                     "日本語 👩",
	} {
		n++
		name := fmt.Sprintf("user%d", n)
		user := d.user(name, nil)
		// No client sends such headers; what comes through a socket is parsed before.
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/auth/login", strings.NewReader(object(map[string]any{"username": name, "password": goodPassword})))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("User-Agent", agent)
		w := httptest.NewRecorder()
		d.Handler.ServeHTTP(w, r)
		if w.Code != 200 {
			t.Fatalf("%.20q: status %d", agent, w.Code)
		}
		if got := d.sessionsOf(user); len(got) != 1 || got[0]["user_agent"] != want {
			t.Errorf("%.20q is shown as %v, want %q", agent, got, want)
		}
	}
}

// The bounds of sessions and keys are in the audit as they were and as they are.
func TestBoundsOfSessionsAreAudited(t *testing.T) {
	d := newDesk(t)
	d.wantStatus("both", d.send("POST", `{"session_max_age":3600,"key_rotation_interval":7200}`, "X-Request-Id", "both"), 201)
	e := d.events("request_id=both")
	if len(e) != 1 {
		t.Fatalf("%d events", len(e))
	}
	of := func(members map[string]any) string {
		return fmt.Sprint(members["session_max_age"], " ", members["key_rotation_interval"])
	}
	if before, after := of(e[0].Detail.Before), of(e[0].Detail.After); before != "2592000 0" || after != "3600 7200" {
		t.Errorf("from %s to %s", before, after)
	}
}
