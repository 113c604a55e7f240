package oauth_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

const (
	refreshPath = "/auth/refresh"
	logoutPath  = "/auth/logout"
)

// newSessions is a service with a user alice, at the beginning of a second.
func newSessions(t *testing.T, u admin.ConfigurationUpdate) (*identitytest.Service, identity.User) {
	t.Helper()
	s := identitytest.New(t)
	s.Clock.Move(s.Clock.Now().Truncate(time.Second).Add(time.Second).Sub(s.Clock.Now()))
	configure(t, s, u)
	return s, addUser(t, s, "alice", []string{"*"}, "orders:read")
}

func configure(t *testing.T, s *identitytest.Service, u admin.ConfigurationUpdate) {
	t.Helper()
	if _, err := s.Installation.Admin.UpdateConfiguration(t.Context(), local, u, nil); err != nil {
		t.Fatal(err)
	}
}

// begin logs alice in.
func begin(t *testing.T, s *identitytest.Service) api.SessionResponse {
	t.Helper()
	return answered(t, s.Do("POST", "/auth/login", object("username", "alice", "password", password, "audience", "orders")))
}

// use sends a refresh token to one of the two routes.
func use(s *identitytest.Service, path, token string) identitytest.Response {
	return s.Do("POST", path, object("refresh_token", token))
}

// refresh goes on with a session; the test fails if it cannot.
func refresh(t *testing.T, s *identitytest.Service, token string) api.SessionResponse {
	t.Helper()
	return answered(t, use(s, refreshPath, token))
}

func answered(t *testing.T, r identitytest.Response) (a api.SessionResponse) {
	t.Helper()
	wantStatus(t, r, 200)
	if err := json.Unmarshal(r.Body, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// wantDead fails the test unless the refresh token is refused.
func wantDead(t *testing.T, s *identitytest.Service, token string) {
	t.Helper()
	wantProblem(t, use(s, refreshPath, token), "POST", 401, "invalid_refresh_token", nil)
}

// endedBy is what ended the session of a refresh token, empty while it is not.
func endedBy(t *testing.T, s *identitytest.Service, token string) string {
	t.Helper()
	standing, err := s.Installation.DB.Standing(t.Context(), sessionOf(t, token))
	if err != nil {
		t.Fatal(err)
	}
	return standing.EndedBy
}

func TestSessionWireForms(t *testing.T) {
	s, alice := newSessions(t, admin.ConfigurationUpdate{MaxRefreshes: ptr(2)})
	want := func(r identitytest.Response, left int) api.SessionResponse {
		t.Helper()
		a := answered(t, r)
		shape := strings.NewReplacer(a.Token, "<token>", a.RefreshToken, "<refresh token>").Replace(string(r.Body))
		golden := `{"token":"<token>","audience":"orders","token_type":"Bearer","expires_in":900,"refresh_token":"<refresh token>","refreshes_left":` + string(rune('0'+left)) + "}\n"
		if shape != golden {
			t.Errorf("the answer is\n%swant\n%s", shape, golden)
		}
		for name, value := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"} {
			if r.Header.Get(name) != value {
				t.Errorf("%s is %q", name, r.Header.Get(name))
			}
		}
		return a
	}
	login := s.Do("POST", "/auth/login", object("username", "alice", "password", password, "audience", "orders"))
	first := want(login, 2)
	_, began := verified(t, s, login)
	sid := sessionOf(t, first.RefreshToken)
	if began["sid"] != sid || countOf(t, first.RefreshToken) != 0 {
		t.Errorf("sid is %v, the token of session %s at %d", began["sid"], sid, countOf(t, first.RefreshToken))
	}
	s.Clock.Move(time.Minute)
	next := use(s, refreshPath, first.RefreshToken)
	second := want(next, 1)
	_, claims := verified(t, s, next)
	if sessionOf(t, second.RefreshToken) != sid || countOf(t, second.RefreshToken) != 1 || claims["jti"] == began["jti"] {
		t.Errorf("session %s at %d, jti %v", sessionOf(t, second.RefreshToken), countOf(t, second.RefreshToken), claims["jti"])
	}
	now := float64(s.Clock.Now().Unix())
	wantClaims := map[string]any{
		"iss": s.Issuer, "sub": alice.ID, "aud": "orders", "iat": now, "exp": now + 900, "jti": claims["jti"], "client_id": "identity", "sid": sid,
		"auth_time": now - 60, "amr": []any{"pwd"}, "gty": "user-credentials", "permissions": []any{"orders:read"}, // when the password was proven, and how
	}
	if diff := cmp.Diff(wantClaims, claims); diff != "" {
		t.Errorf("claims of a refreshed token: (-want +got)\n%s", diff)
	}
	want(use(s, refreshPath, second.RefreshToken), 0)

	out := use(s, logoutPath, second.RefreshToken)
	wantStatus(t, out, 204)
	if len(out.Body) != 0 || out.Header.Get("Content-Type") != "" {
		t.Errorf("logout answers %q", out.Body)
	}

	// Without sessions nothing is stored, and the answer does not speak of them.
	configure(t, s, admin.ConfigurationUpdate{MaxRefreshes: ptr(0)})
	before := s.Tables()
	r := s.Do("POST", "/auth/login", object("username", "alice", "password", password, "audience", "orders"))
	a := answered(t, r)
	if want := `{"token":"` + a.Token + `","audience":"orders","token_type":"Bearer","expires_in":900}` + "\n"; string(r.Body) != want {
		t.Errorf("without sessions the answer is\n%swant\n%s", r.Body, want)
	}
	if _, claims := verified(t, s, r); claims["sid"] != nil {
		t.Errorf("a token without session has the sid %v", claims["sid"])
	}
	if diff := cmp.Diff(before, s.Tables()); diff != "" {
		t.Errorf("a login without session stored something: %s", diff)
	}
}

// A session goes on as often as was configured when it began, whatever is configured
// later, and the last token serves logout only.
func TestRefreshesAreCounted(t *testing.T) {
	for name, later := range map[string]int{"as it was": 3, "raised later": 100, "lowered later": 1, "switched off later": 0} {
		t.Run(name, func(t *testing.T) {
			s, _ := newSessions(t, admin.ConfigurationUpdate{MaxRefreshes: ptr(3)})
			token := begin(t, s).RefreshToken
			configure(t, s, admin.ConfigurationUpdate{MaxRefreshes: ptr(later)})
			for left := 2; left >= 0; left-- {
				s.Clock.Move(time.Hour)
				a := refresh(t, s, token)
				if a.RefreshesLeft == nil || *a.RefreshesLeft != int64(left) {
					t.Errorf("refreshes_left %v, want %d", a.RefreshesLeft, left)
				}
				token = a.RefreshToken
			}
			before := s.Tables()
			for range 2 {
				s.Clock.Move(time.Hour)
				wantDead(t, s, token)
			}
			if diff := cmp.Diff(before, s.Tables()); diff != "" {
				t.Errorf("using the last token changed something: %s", diff)
			}
			wantStatus(t, use(s, logoutPath, token), 204)
			if by := endedBy(t, s, token); by != identity.EndLogout {
				t.Errorf("after logout the session was ended by %q", by)
			}
		})
	}
}

// Within the grace the token used last gives the same successor again, with an access
// token of its own, and stores nothing.
func TestGrace(t *testing.T) {
	s, _ := newSessions(t, admin.ConfigurationUpdate{RefreshGrace: ptr(10 * time.Second)})
	first := begin(t, s).RefreshToken
	next := refresh(t, s, first)
	seen := map[string]bool{next.Token: true}
	before := s.Tables()
	for _, at := range []time.Duration{0, time.Millisecond, 9998 * time.Millisecond} {
		s.Clock.Move(at)
		again := refresh(t, s, first)
		if again.RefreshToken != next.RefreshToken || *again.RefreshesLeft != *next.RefreshesLeft {
			t.Error("another successor was made")
		}
		if seen[again.Token] {
			t.Error("an access token came twice")
		}
		seen[again.Token] = true
	}
	if diff := cmp.Diff(before, s.Tables()); diff != "" {
		t.Errorf("repeating stored something: %s", diff)
	}
	s.Clock.Move(time.Millisecond) // 10 s: not within any more
	wantDead(t, s, first)
	wantDead(t, s, next.RefreshToken)
	if by := endedBy(t, s, first); by != identity.EndReuse {
		t.Errorf("the session was ended by %q", by)
	}

	// A repeat does not make the grace longer, and a token that was followed by two has none.
	first = begin(t, s).RefreshToken
	second := refresh(t, s, first).RefreshToken
	refresh(t, s, second)
	wantDead(t, s, first)
	wantDead(t, s, second)

	// The grace is what is configured now; 0 is none.
	first = begin(t, s).RefreshToken
	second = refresh(t, s, first).RefreshToken
	configure(t, s, admin.ConfigurationUpdate{RefreshGrace: ptr(time.Duration(0))})
	wantDead(t, s, first)
	wantDead(t, s, second)
}

// Whoever uses a token a second time ends the session, for the thief and for the owner,
// and the audit says so though the answer is a refusal.
func TestReuseEndsTheSession(t *testing.T) {
	s, alice := newSessions(t, admin.ConfigurationUpdate{})
	other := begin(t, s).RefreshToken
	tokens := []string{begin(t, s).RefreshToken}
	for range 3 {
		s.Clock.Move(time.Minute)
		tokens = append(tokens, refresh(t, s, tokens[len(tokens)-1]).RefreshToken)
	}
	wantDead(t, s, tokens[1])
	for _, token := range tokens {
		wantDead(t, s, token) // neither gets any further
	}
	refresh(t, s, other) // another session of the same user has nothing to do with it
	events := s.Object(s.Get("/api/audit?event=session.reused", "Authorization", "Bearer "+s.AdminToken()))["data"].([]any)
	if len(events) != 1 {
		t.Fatalf("%d events of reuse, want 1", len(events))
	}
	e := events[0].(map[string]any)
	if e["outcome"] != "failure" || e["actor"] != alice.ID || e["target"] != sessionOf(t, tokens[0]) {
		t.Errorf("recorded as %v", e)
	}
	after, _ := e["detail"].(map[string]any)["after"].(map[string]any)
	if diff := cmp.Diff(map[string]any{"refreshes": 3.0, "token_of_refresh": 1.0, "ended_by": "reuse"}, after); diff != "" {
		t.Errorf("the detail: (-want +got)\n%s", diff)
	}
}

// Nothing outlives the session: no token, and no refresh. No job has to run for that.
func TestSessionExpires(t *testing.T) {
	s, _ := newSessions(t, admin.ConfigurationUpdate{SessionMaxAge: ptr(time.Minute), RefreshGrace: ptr(time.Minute)})
	began := s.Clock.Now().Unix()
	lives := func(a api.SessionResponse, seconds int64) {
		t.Helper()
		_, claims := verified(t, s, identitytest.Response{Status: 200, Body: []byte(object("token", a.Token))})
		if exp := int64(claims["exp"].(float64)); exp != began+60 || a.ExpiresIn != seconds {
			t.Errorf("exp is %d s after the login, expires_in %d, want %d", exp-began, a.ExpiresIn, seconds)
		}
	}
	a := begin(t, s)
	lives(a, 60)
	// What is configured later does not matter to the sessions that are.
	configure(t, s, admin.ConfigurationUpdate{SessionMaxAge: ptr(24 * time.Hour)})
	s.Clock.Move(30*time.Second + 500*time.Millisecond)
	a = refresh(t, s, a.RefreshToken)
	lives(a, 30)
	s.Clock.Move(29*time.Second + 499*time.Millisecond) // the last millisecond
	former := a.RefreshToken
	a = refresh(t, s, former)
	lives(a, 1)
	s.Clock.Move(time.Millisecond)
	before := s.Tables()
	wantDead(t, s, a.RefreshToken)
	wantDead(t, s, former) // not as a repeat either
	wantStatus(t, use(s, logoutPath, a.RefreshToken), 204)
	if diff := cmp.Diff(before, s.Tables()); diff != "" {
		t.Errorf("what came after the end stored something: %s", diff)
	}

	// One that began under the longer age has that, also when it is made shorter.
	a = begin(t, s)
	configure(t, s, admin.ConfigurationUpdate{SessionMaxAge: ptr(time.Minute)})
	s.Clock.Move(24*time.Hour - time.Second)
	refresh(t, s, a.RefreshToken)
}

// A logout ends the session with any of its tokens, and only that session.
func TestLogout(t *testing.T) {
	s, _ := newSessions(t, admin.ConfigurationUpdate{MaxRefreshes: ptr(2)})
	other := begin(t, s).RefreshToken
	for name, n := range map[string]int{"the good token": 1, "a used one": 0, "the last one": 2} {
		chain := []string{begin(t, s).RefreshToken}
		for range max(1, n) {
			chain = append(chain, refresh(t, s, chain[len(chain)-1]).RefreshToken)
			s.Clock.Move(time.Minute)
		}
		wantStatus(t, use(s, logoutPath, chain[n]), 204)
		before := s.Tables()
		wantStatus(t, use(s, logoutPath, chain[n]), 204)
		for _, token := range chain {
			wantDead(t, s, token)
		}
		if by := endedBy(t, s, chain[0]); by != identity.EndLogout {
			t.Errorf("%s: the session was ended by %q", name, by)
		}
		if diff := cmp.Diff(before, s.Tables()); diff != "" {
			t.Errorf("%s: a session that is over was touched: %s", name, diff)
		}
	}
	refresh(t, s, other)
}

func ptr[T any](v T) *T { return &v }
