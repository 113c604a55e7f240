package oauth_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// For whom a token is (RFC 8707 section 2), and to what it is limited (RFC 6749 section 3.3).
func TestTargetsAndScopes(t *testing.T) {
	s := identitytest.New(t)
	register(t, s, admin.NewAudience{Audience: "https://narrow.test", Name: "narrow", Permissions: []string{"a"}})
	register(t, s, admin.NewAudience{Audience: "https://other.test", Name: "other", Permissions: []string{"b", "a"}})
	clients := map[string]admin.NewClient{
		"any":     {Permissions: []string{"a", "b"}},
		"one":     {Permissions: []string{"a"}, Audiences: &[]string{"https://one.test"}},
		"two":     {Permissions: []string{"a", "b"}, Audiences: &[]string{"https://narrow.test", "https://other.test"}},
		"manager": {Permissions: []string{"identity:users:read", "a"}, Audiences: &[]string{"https://one.test"}},
		"nowhere": {Permissions: []string{"a"}, Audiences: &[]string{}},
	}
	secrets := map[string]string{}
	for id, n := range clients {
		n.ID = id
		_, secrets[id] = s.AddClient(n)
	}
	const issuer = identitytest.Issuer
	for _, c := range []struct {
		client, parameters string
		aud                any // nil for a refusal
		scope              string
		code               string
	}{
		{"any", "", issuer, "a b", ""},
		{"one", "", "https://one.test", "a", ""}, // RFC 9068 section 3: there is a default
		{"two", "", nil, "", "invalid_target"},
		{"manager", "", "https://one.test", "a identity:users:read", ""},
		{"manager", form("audience", issuer), issuer, "a identity:users:read", ""},
		{"manager", form("audience", issuer, "scope", "a"), issuer, "a", ""},
		{"nowhere", "", nil, "", "invalid_target"},
		{"nowhere", form("audience", "x"), nil, "", "invalid_target"},
		{"any", form("audience", "x"), "x", "a b", ""},
		{"any", form("resource", "https://x.test/"), "https://x.test/", "a b", ""},
		{"any", form("resource", "urn:x:y"), "urn:x:y", "a b", ""},
		{"any", form("resource", "https://x.test", "audience", "https://x.test"), "https://x.test", "a b", ""},
		{"any", form("audience", "x", "audience", "y", "resource", "https://z.test"), []any{"x", "y", "https://z.test"}, "a b", ""},
		{"one", form("audience", "https://one.test", "audience", "x"), nil, "", "invalid_target"},
		{"one", form("resource", "https://one.test/"), nil, "", "invalid_target"},
		// What one audience does not know, no token carries that is for it too.
		{"two", form("audience", "https://narrow.test", "audience", "https://other.test"), []any{"https://narrow.test", "https://other.test"}, "a", ""},
		{"two", form("audience", "https://other.test"), "https://other.test", "a b", ""},
		{"two", form("audience", "https://other.test", "scope", "b"), "https://other.test", "b", ""},
		{"two", form("audience", "https://narrow.test", "scope", "b"), nil, "", "invalid_scope"},
		{"two", form("audience", "https://narrow.test", "audience", "https://other.test", "scope", "b"), nil, "", "invalid_scope"},
		// Whoever gets a token for two could come here with it.
		{"any", form("audience", issuer, "audience", "x"), nil, "", "invalid_target"},
		{"any", form("audience", "x", "audience", issuer), nil, "", "invalid_target"},
		{"any", form("scope", "a"), issuer, "a", ""},
		{"any", form("scope", "b a b"), issuer, "a b", ""},
		{"any", form("scope", "a c"), nil, "", "invalid_scope"},
		{"any", form("scope", "A"), nil, "", "invalid_scope"},
		{"any", form("scope", "identity:admin"), nil, "", "invalid_scope"},
	} {
		t.Run(c.client+" "+c.parameters, func(t *testing.T) {
			r := postForm(s, standardPath, strings.TrimSuffix(grant()+"&"+c.parameters, "&"), basic(c.client, secrets[c.client])...)
			if c.aud == nil {
				wantOAuthError(t, r, 400, c.code)
				return
			}
			wantStatus(t, r, 200)
			_, claims := verifiedToken(t, s, s.Object(r)["access_token"])
			if diff := cmp.Diff(c.aud, claims["aud"]); diff != "" {
				t.Errorf("aud: %s", diff)
			}
			var permissions []string
			for _, p := range claims["permissions"].([]any) {
				permissions = append(permissions, p.(string))
			}
			// RFC 9068 section 2.2.3, and what the answer says is what the token says.
			if got := strings.Join(permissions, " "); got != c.scope || claims["scope"] != c.scope || s.Object(r)["scope"] != c.scope || !slices.IsSorted(permissions) {
				t.Errorf("permissions %q, scope %v, answered %v, want %q", got, claims["scope"], s.Object(r)["scope"], c.scope)
			}
		})
	}
}

// A token for this service that was limited to a scope is limited here too.
func TestScopeHoldsHere(t *testing.T) {
	s := identitytest.New(t)
	_, secret := s.AddClient(admin.NewClient{ID: "manager", Permissions: []string{"identity:users:read", "identity:clients:read"}})
	r := postForm(s, standardPath, grant("audience", s.Issuer, "scope", "identity:users:read"), basic("manager", secret)...)
	wantStatus(t, r, 200)
	bearer := "Bearer " + s.Object(r)["access_token"].(string)
	wantStatus(t, s.Get("/api/users", "Authorization", bearer), 200)
	wantStatus(t, s.Get("/api/clients", "Authorization", bearer), 403)
}

// Audiences with different algorithms cannot share a token; the shorter lifetime counts.
func TestTargetsTogether(t *testing.T) {
	s := identitytest.New(t)
	_, secret := s.AddClient(admin.NewClient{ID: "any"})
	register(t, s, admin.NewAudience{Audience: "short", Name: "short", Expiration: time.Minute})
	register(t, s, admin.NewAudience{Audience: "long", Name: "long", Expiration: time.Hour})
	register(t, s, admin.NewAudience{Audience: "rsa", Name: "rsa", Algorithm: "RS256"})
	for _, c := range []struct {
		audiences []string
		seconds   float64
	}{{[]string{"short", "long"}, 60}, {[]string{"long", "short"}, 60}, {[]string{"long", "x"}, 3600}, {[]string{"long"}, 3600}} {
		body := grant()
		for _, a := range c.audiences {
			body += "&" + form("audience", a)
		}
		r := postForm(s, standardPath, body, basic("any", secret)...)
		wantStatus(t, r, 200)
		if got := s.Object(r)["expires_in"]; got != c.seconds {
			t.Errorf("%v: expires_in is %v, want %v", c.audiences, got, c.seconds)
		}
	}
	wantOAuthError(t, postForm(s, standardPath, grant("audience", "rsa", "audience", "long"), basic("any", secret)...), 400, "invalid_target")
	wantOAuthError(t, postForm(s, standardPath, grant("audience", "long", "audience", "rsa"), basic("any", secret)...), 400, "invalid_target")
}
