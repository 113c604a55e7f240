package oauth_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// The answers that carry tokens are made without encoding/json: they are what it makes of the
// types that are documented.
func TestAnswersAreAsDeclared(t *testing.T) {
	s, _ := newSessions(t, admin.ConfigurationUpdate{MaxRefreshes: ptr(1)})
	_, secret := s.AddClient(admin.NewClient{ID: "machine", Permissions: []string{"orders:read"}, Audiences: &[]string{`<"&>`}})
	_, silent := s.AddClient(admin.NewClient{ID: "silent", Audiences: &[]string{"orders"}})
	login := object("username", "alice", "password", password, "audience", `<"&>`)
	session := s.Do("POST", "/auth/login", login)
	last := s.Post("/auth/refresh", map[string]string{"refresh_token": decoded[api.SessionResponse](t, session).RefreshToken})
	for name, c := range map[string]struct {
		answer   identitytest.Response
		declared func(*testing.T, identitytest.Response)
	}{
		"machine":        {s.Post("/auth/token", map[string]string{"client_id": "machine", "client_secret": secret, "audience": `<"&>`}), declared[api.TokenResponse]},
		"login":          {session, declared[api.SessionResponse]},
		"last refresh":   {last, declared[api.SessionResponse]},
		"standard":       {postForm(s, standardPath, grant(), basic("machine", secret)...), declared[api.OAuthTokenResponse]},
		"no permissions": {postForm(s, standardPath, grant("audience", "orders"), basic("silent", silent)...), declared[api.OAuthTokenResponse]},
		"login without a session": {func() identitytest.Response {
			configure(t, s, admin.ConfigurationUpdate{MaxRefreshes: ptr(0)})
			return s.Do("POST", "/auth/login", login)
		}(), declared[api.SessionResponse]},
	} {
		t.Run(name, func(t *testing.T) { c.declared(t, c.answer) })
	}
}

func decoded[T any](t *testing.T, r identitytest.Response) (v T) {
	t.Helper()
	wantStatus(t, r, 200)
	strict := json.NewDecoder(bytes.NewReader(r.Body))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&v); err != nil {
		t.Fatalf("%s: %v", r.Body, err)
	}
	return v
}

// declared encodes again what it has read.
func declared[T any](t *testing.T, r identitytest.Response) {
	t.Helper()
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(decoded[T](t, r)); err != nil {
		t.Fatal(err)
	}
	if want.String() != string(r.Body) {
		t.Errorf("answered\n%swant\n%s", r.Body, want.String())
	}
}
