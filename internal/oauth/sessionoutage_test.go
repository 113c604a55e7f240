package oauth_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

func wantUnavailable(t *testing.T, r identitytest.Response) {
	t.Helper()
	wantProblem(t, r, "POST", 503, "unavailable", nil)
	if r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// Without the database nobody is told that a good token is bad, nor that a session has
// ended.
func TestSessionsWithoutDatabase(t *testing.T) {
	s, _ := newSessions(t, admin.ConfigurationUpdate{})
	token := begin(t, s).RefreshToken
	if err := s.Installation.DB.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		wantUnavailable(t, use(s, refreshPath, token))
		wantUnavailable(t, use(s, logoutPath, token))
	}
}

// While the database is away the published keys are those that were known last, which
// nobody is to keep: another node may have published more.
func TestKeysWithoutDatabaseAreNotKept(t *testing.T) {
	s := identitytest.New(t)
	before := s.Get(jwksPath)
	if err := s.Installation.DB.Close(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); s.Get("/readyz").Status == 200 || s.Get(jwksPath).Header.Get("Cache-Control") == "public, max-age=300"; {
		if time.Now().After(deadline) { // memory is trusted for a second
			t.Fatal("the keys can be kept all the same")
		}
	}
	r := s.Get(jwksPath)
	if r.Status != 200 || !bytes.Equal(r.Body, before.Body) || r.Header.Get("Etag") != before.Header.Get("Etag") || r.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("status %d, ETag %q, Cache-Control %q: %s", r.Status, r.Header.Get("Etag"), r.Header.Get("Cache-Control"), r.Body)
	}
	if r := s.Do("GET", jwksPath, "", "If-None-Match", before.Header.Get("Etag")); r.Status != 304 || r.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("asked again: status %d, Cache-Control %q", r.Status, r.Header.Get("Cache-Control"))
	}
}

// A signing key that cannot be used takes no session with it, however long that lasts: no
// token is spent for nothing.
func TestSessionOutlivesQuarantine(t *testing.T) {
	s, _ := newSessions(t, admin.ConfigurationUpdate{MaxRefreshes: ptr(2)})
	token := begin(t, s).RefreshToken
	keys, err := s.Installation.DB.SigningKeys(t.Context())
	if err != nil || len(keys) != 1 {
		t.Fatalf("%d keys (%v)", len(keys), err)
	}
	wrapper := keys[0].Private.WrapperID()
	s.Change("signing_keys", "", `UPDATE signing_keys SET private_wrapper_id = 'nobody'`)
	for range 2 {
		wantUnavailable(t, use(s, refreshPath, token))
		s.Clock.Move(time.Minute) // longer than any grace
	}
	s.Change("signing_keys", "", `UPDATE signing_keys SET private_wrapper_id = ?`, wrapper)
	next := refresh(t, s, token)
	if *next.RefreshesLeft != 1 {
		t.Errorf("%d refreshes left, want 1", *next.RefreshesLeft)
	}
	s.Clock.Move(time.Hour)
	refresh(t, s, next.RefreshToken)
}

// Without the secret of refresh tokens no session begins or goes on, and none is said to
// have ended; ending all makes another secret. Where there are no sessions nobody needs
// it.
func TestSecretOfRefreshTokensDamaged(t *testing.T) {
	s, _ := newSessions(t, admin.ConfigurationUpdate{})
	_, robot := s.AddClient(admin.NewClient{ID: "robot", Permissions: []string{identity.PermissionAdmin}})
	bearer := "Bearer " + s.Token(s.Issuer, map[string]string{"client_id": "robot", "client_secret": robot})
	token := begin(t, s).RefreshToken
	s.Change("secret", "refresh", `UPDATE sealed_secrets SET wrapper_id = 'nobody'`)
	login := object("username", "alice", "password", password, "audience", "orders")
	wantUnavailable(t, s.Do("POST", "/auth/login", login))
	wantUnavailable(t, use(s, refreshPath, token))
	wantUnavailable(t, use(s, logoutPath, token))
	configure(t, s, admin.ConfigurationUpdate{MaxRefreshes: ptr(0)})
	wantStatus(t, s.Do("POST", "/auth/login", login), 200)
	configure(t, s, admin.ConfigurationUpdate{MaxRefreshes: ptr(5)})
	wantStatus(t, s.Do("DELETE", "/api/sessions", "", "Authorization", bearer), 204)
	wantDead(t, s, token)
	refresh(t, s, begin(t, s).RefreshToken)
}

// Refresh tokens are nowhere but with whom they were given to.
func TestRefreshTokensAreShownOnce(t *testing.T) {
	s, _ := newSessions(t, admin.ConfigurationUpdate{})
	tokens := []string{begin(t, s).RefreshToken}
	for range 3 {
		tokens = append(tokens, refresh(t, s, tokens[len(tokens)-1]).RefreshToken)
	}
	refused := []identitytest.Response{
		use(s, refreshPath, tokens[0]), use(s, refreshPath, tokens[3]), use(s, refreshPath, tokens[3]+"A"), use(s, logoutPath, tokens[2]),
		s.Do("POST", refreshPath, `{"refresh_token":["`+tokens[1]+`"]}`), s.Do("POST", refreshPath, `{"refresh_token":"`+tokens[1]),
		s.Do("POST", refreshPath, object("refresh_token", tokens[1], "x", tokens[1])), s.Do("POST", "/auth/refresh?refresh_token="+tokens[1], "{}"),
	}
	bearer := []string{"Authorization", "Bearer " + s.AdminToken()}
	audit := s.Get("/api/audit?limit=200", bearer...)
	if !strings.Contains(string(audit.Body), "session.reused") {
		t.Error("the reuse is not in the audit")
	}
	shown := append(refused, audit, s.Get("/api/sessions", bearer...), s.Get("/metrics"))
	files := map[string][]byte{}
	if s.Database.Path != "" {
		s.Stop() // all is in the files now
		for _, end := range []string{"", "-wal"} {
			content, err := os.ReadFile(s.Database.Path + end)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			files[end] = content
		}
		if !bytes.Contains(files[""], []byte(sessionOf(t, tokens[0]))) {
			t.Fatal("the file has no session: this looks at the wrong one")
		}
	}
	for _, token := range tokens {
		mac := refreshBytes(t, token)[macAt:]
		for _, secret := range []string{token, token[50:], string(mac)} {
			s.WantNoCanary(secret, shown...)
			for end, content := range files {
				if bytes.Contains(content, []byte(secret)) {
					t.Errorf("the database%s holds a refresh token", end)
				}
			}
		}
	}
}
