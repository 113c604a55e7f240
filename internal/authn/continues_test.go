package authn_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/authn"
)

// A session goes on for its user as they are now, proven when and how they logged in.
func TestContinues(t *testing.T) {
	login := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	session := identity.Session{ID: "s", UserID: "u", CreatedAt: login, AMR: []string{"pwd", "otp"}}
	user := identity.User{
		ID: "u", Enabled: true, Permissions: []string{"a", "b"}, Roles: identity.Roles{Names: []string{"r"}, Permissions: []string{"b", "c"}},
		Audiences: []string{"orders"}, Version: 7, TokensFrom: login.Add(-time.Hour),
	}
	got, err := authn.Continues(user, session)
	if err != nil {
		t.Fatal(err)
	}
	want := identity.Principal{
		ID: "u", User: true, Permissions: []string{"a", "b", "c"}, Audiences: []string{"orders"}, AuthTime: login, AMR: []string{"pwd", "otp"},
		Version: 7, TokensFrom: user.TokensFrom, RevokedAt: user.TokensFrom,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for name, tc := range map[string]struct {
		change func(*identity.User)
		want   identity.Kind
	}{
		"disabled":             {func(u *identity.User) { u.Enabled = false }, identity.InvalidToken},
		"one-time":             {func(u *identity.User) { u.OneTime = true }, identity.PasswordChangeRequired},
		"one-time, disabled":   {func(u *identity.User) { u.OneTime, u.Enabled = true, false }, identity.InvalidToken},
		"without anything":     {func(u *identity.User) { *u = identity.User{} }, identity.InvalidToken},
		"no audience any more": {func(u *identity.User) { u.Audiences = nil }, identity.Internal}, // not refused: what it may is decided later
	} {
		u := user
		tc.change(&u)
		if p, err := authn.Continues(u, session); identity.KindOf(err) != tc.want || (err != nil) == (tc.want == identity.Internal) || err != nil && p.ID != "" {
			t.Errorf("%s: %v as %q, want %s", name, err, p.ID, tc.want)
		}
	}
}
