package identitytest_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"net/url"
	"os"
	"regexp"
	"runtime/trace"
	"slices"
	"strings"
	"testing"

	exptrace "golang.org/x/exp/trace"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// TestDataFlow compares the steps that docs/data-flow.md lists with those that the
// execution tracer sees.
func TestDataFlow(t *testing.T) {
	s := identitytest.New(t)
	key := s.Key(jose.ES256)
	_, both := s.AddClient(admin.NewClient{ID: "both", PublicKey: key.Public().PEM(), GenerateSecret: true})
	_, secret := s.AddClient(admin.NewClient{ID: "secret"})
	s.AddClient(admin.NewClient{ID: "signature", PublicKey: key.Public().PEM()})
	_, resources := s.AddClient(admin.NewClient{ID: "resources"})
	if _, err := s.Installation.Admin.CreateAudience(t.Context(), identity.LocalAdministrator("test"), admin.NewAudience{Audience: "orders", Name: "orders", IntrospectionClient: "resources"}); err != nil {
		t.Fatal(err)
	}
	s.AddUser("ann", "a long enough password")
	s.AddUser("carol", "a long enough password")
	bob := s.AddUser("bob", "a long enough password")
	administrator := s.AdminToken()
	sign := func(id string) map[string]string {
		return map[string]string{"client_id": id, "signature": s.Assertion(key, id)}
	}
	withSecret := func(members map[string]string, secret string) map[string]string {
		members["client_secret"] = secret
		return members
	}
	// What memory holds in the steady state.
	s.Token("a", withSecret(map[string]string{"client_id": "secret"}, secret))
	s.Token("a", sign("signature"))
	asks := postForm(s, "resources", resources)
	asks("/oauth2/token", "grant_type=client_credentials")
	machine := s.Token("orders", withSecret(map[string]string{"client_id": "secret"}, secret))
	revoked := s.Token("orders", withSecret(map[string]string{"client_id": "secret"}, secret))
	person := s.Login("ann", "a long enough password", "orders")
	form := postForm(s, "secret", secret)

	session := func() string { return s.Session("ann", "a long enough password", "a") }
	unused, repeated, reused, ended := session(), session(), session(), session()
	s.Refresh(repeated)
	s.Refresh(s.Refresh(reused))

	documented := steps(t)
	for title, do := range map[string]func(){
		"POST /auth/token, a secret and a signature": func() { s.Token("a", withSecret(sign("both"), both)) },
		"POST /auth/token, a secret in the steady state": func() {
			s.Token("a", withSecret(map[string]string{"client_id": "secret"}, secret))
		},
		"POST /auth/token, a signature in the steady state": func() { s.Token("a", sign("signature")) },
		"POST /auth/login":                          func() { s.Login("ann", "a long enough password", "a") },
		"POST /auth/refresh":                        func() { s.Refresh(unused) },
		"POST /auth/refresh, the answer was lost":   func() { s.Refresh(repeated) },
		"POST /auth/refresh, a token is used twice": func() { s.Post("/auth/refresh", map[string]string{"refresh_token": reused}) },
		"POST /auth/logout":                         func() { s.Post("/auth/logout", map[string]string{"refresh_token": ended}) },
		"POST /auth/password": func() {
			s.Post("/auth/password", map[string]string{"username": "carol", "password": "a long enough password", "new_password": "another long password"})
		},
		"PATCH /api/users/{id}": func() {
			s.Do("PATCH", "/api/users/"+bob.ID, `{"enabled":false}`, "Authorization", "Bearer "+administrator)
		},
		"POST /oauth2/token":                           func() { form("/oauth2/token", "grant_type=client_credentials&audience=a") },
		"POST /oauth2/introspect":                      func() { asks("/oauth2/introspect", "token="+machine) },
		"POST /oauth2/introspect, a token of a person": func() { asks("/oauth2/introspect", "token="+person) },
		"POST /oauth2/revoke":                          func() { form("/oauth2/revoke", "token="+revoked) },
		"A refusal": func() {
			r := s.Post("/auth/token", map[string]string{"client_id": "signature", "client_secret": "wrong", "audience": "a"})
			if r.Status != 401 {
				t.Errorf("status %d", r.Status)
			}
		},
	} {
		want := documented[title]
		delete(documented, title)
		if got := regions(t, do); !slices.Equal(got, want) {
			t.Errorf("%s\n  documented %q\n  seen       %q", title, want, got)
		}
	}
	for title := range documented {
		t.Errorf("documented and not tested: %s", title)
	}
}

// postForm sends forms of a client that proves itself by its secret.
func postForm(s *identitytest.Service, id, secret string) func(path, body string) identitytest.Response {
	proof := base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id) + ":" + url.QueryEscape(secret)))
	return func(path, body string) identitytest.Response {
		return s.Do("POST", path, body, "Content-Type", "application/x-www-form-urlencoded", "Authorization", "Basic "+proof)
	}
}

// steps reads the numbered lists of docs/data-flow.md, by their titles.
func steps(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/data-flow.md")
	if err != nil {
		t.Fatal(err)
	}
	step := regexp.MustCompile("(?m)^[0-9]+\\. `([^`]+)`")
	lists := map[string][]string{}
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		for _, m := range step.FindAllStringSubmatch(body, -1) {
			lists[title] = append(lists[title], m[1])
		}
	}
	if len(lists) == 0 {
		t.Fatal("docs/data-flow.md has no lists")
	}
	return lists
}

// regions runs do under the execution tracer and returns the regions that began, in
// order.
func regions(t *testing.T, do func()) []string {
	t.Helper()
	var recorded bytes.Buffer
	if err := trace.Start(&recorded); err != nil {
		t.Fatal(err)
	}
	do()
	trace.Stop()
	reader, err := exptrace.NewReader(&recorded)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for {
		event, err := reader.ReadEvent()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		if event.Kind() == exptrace.EventRegionBegin {
			names = append(names, event.Region().Type)
		}
	}
}
