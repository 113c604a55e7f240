package oauth_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// Who may have a token for what: people and machines by the same rule.
func TestAudiences(t *testing.T) {
	s := identitytest.New(t)
	const issuer = identitytest.Issuer
	for i, c := range []struct {
		audiences   []string
		permissions []string
		allowed     map[string]bool // what is asked for; "" is nothing
	}{
		{[]string{}, nil, map[string]bool{"": false, issuer: false, "a": false, "*": false}},
		{[]string{}, []string{"orders:read", "identityx", "identity.x"}, map[string]bool{"": false, issuer: false, "a": false}},
		{[]string{}, []string{"identity:users:read"}, map[string]bool{"": true, issuer: true, "a": false, issuer + "/": false}},
		{[]string{}, []string{"identity:admin"}, map[string]bool{"": true, issuer: true, "a": false}},
		{[]string{"a", "b"}, nil, map[string]bool{"": false, issuer: false, "a": true, "b": true, "c": false, "A": false, "a/": false, "ab": false, "*": false}},
		{[]string{"a"}, []string{"identity:users:read"}, map[string]bool{"": true, issuer: true, "a": true, "b": false}},
		{[]string{issuer}, nil, map[string]bool{"": true, issuer: true, "a": false}},
		{[]string{"*"}, nil, map[string]bool{"": true, issuer: true, "a": true, "https://any.test/x?y#z": true, "*": true}},
	} {
		name := fmt.Sprintf("principal-%d", i)
		addUser(t, s, name, c.audiences, c.permissions...)
		_, secret := s.AddClient(admin.NewClient{ID: "machine-" + name, Audiences: &c.audiences, Permissions: c.permissions})
		before := s.Tables("sessions")
		for audience, allowed := range c.allowed {
			login := []any{"username", name, "password", password}
			token := []any{"client_id", "machine-" + name, "client_secret", secret}
			if audience != "" {
				login = append(login, "audience", audience)
			}
			responses := map[string]identitytest.Response{}
			responses["user"] = s.Do("POST", "/auth/login", object(login...))
			if audience != "" { // which machines must name
				responses["machine"] = s.Do("POST", "/auth/token", object(append(token, "audience", audience)...))
			}
			for who, r := range responses {
				what := fmt.Sprintf("%s with %q and %q asks for %q", who, c.audiences, c.permissions, audience)
				if !allowed {
					wantProblem(t, r, "POST", 403, "invalid_audience", nil)
					s.WantNoCanary(canary, r)
					continue
				}
				if r.Status != 200 {
					t.Errorf("%s: status %d", what, r.Status)
					continue
				}
				want := audience
				if want == "" {
					want = issuer
				}
				if _, claims := verified(t, s, r); claims["aud"] != want || s.Object(r)["audience"] != want {
					t.Errorf("%s: aud is %v", what, claims["aud"])
				}
			}
		}
		if diff := cmp.Diff(before, s.Tables("sessions")); diff != "" {
			t.Errorf("logins and tokens for a secret stored something beside sessions: %s", diff)
		}
	}
}

// The rules of the audience come last: without proof nobody learns them.
func TestAudienceIsNoOracle(t *testing.T) {
	s := identitytest.New(t)
	addUser(t, s, "nowhere", []string{})
	addUser(t, s, "anywhere", []string{"*"})
	bodies := map[string]string{}
	for _, name := range []string{"nowhere", "anywhere", "nobody"} {
		for _, audience := range []string{"billing", identitytest.Issuer, "*"} {
			bodies[name+" "+audience] = object("username", name, "password", canary, "audience", audience)
		}
	}
	wantSameBytes(t, s, "/auth/login", bodies)
}

// The list is read at every grant, and the longest audience passes.
func TestAudienceChange(t *testing.T) {
	s := identitytest.New(t)
	user := addUser(t, s, "alice", []string{"a"})
	ask := func(audience string) identitytest.Response {
		return s.Do("POST", "/auth/login", object("username", "alice", "password", password, "audience", audience))
	}
	wantStatus(t, ask("a"), 200)
	longest := make([]byte, 255)
	for i := range longest {
		longest[i] = '!' + byte(i%94)
	}
	list, err := json.Marshal(identity.SortedSet([]string{string(longest)}))
	if err != nil {
		t.Fatal(err)
	}
	s.Change("user", user.ID, `UPDATE users SET audiences = ? WHERE id = ?`, string(list), user.ID)
	wantProblem(t, ask("a"), "POST", 403, "invalid_audience", nil)
	wantStatus(t, ask(string(longest)), 200)
}
