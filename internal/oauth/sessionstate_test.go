package oauth_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// twoNodes are two services on one database.
func twoNodes(t *testing.T) (here, there *identitytest.Service) {
	t.Helper()
	here = identitytest.New(t)
	configure(t, here, admin.ConfigurationUpdate{MaxRefreshes: ptr(identity.MaxMaxRefreshes)})
	return here, identitytest.New(t, identitytest.Options{Database: here.Database, EncryptionKey: here.EncryptionKey})
}

// Who the user is now decides, on the node that was told and on the other one, and
// nothing brings a session back.
func TestUserIsReadAtEveryRefresh(t *testing.T) {
	here, there := twoNodes(t)
	const another = "another long password"
	ops := here.Installation.Admin
	patch := func(p admin.UserPatch) func(identity.User) error {
		return func(u identity.User) error {
			_, err := ops.UpdateUser(t.Context(), local, u.ID, p, nil)
			return err
		}
	}
	for _, tc := range []struct {
		name   string
		change func(identity.User) error
		back   func(identity.User) error // nil: there is no way back
		by     string                    // empty: the row is gone
	}{
		{"disabled", patch(admin.UserPatch{Enabled: ptr(false)}), patch(admin.UserPatch{Enabled: ptr(true)}), identity.EndUserChanged},
		{"deleted", func(u identity.User) error { return ops.DeleteUser(t.Context(), local, u.ID, nil) }, nil, ""},
		{"password set by an administrator", patch(admin.UserPatch{Password: ptr(identity.NewSecret(another))}), patch(admin.UserPatch{Password: ptr(identity.NewSecret(password))}), identity.EndUserChanged},
		{"password set by the user", func(u identity.User) error {
			wantStatus(t, here.Do("POST", "/auth/password", object("username", u.Username, "password", password, "new_password", another)), 204)
			return nil
		}, nil, identity.EndUserChanged},
		{"password to be changed", patch(admin.UserPatch{OneTime: ptr(true)}), patch(admin.UserPatch{OneTime: ptr(false)}), identity.EndRefused},
		{"audience taken away", patch(admin.UserPatch{Audiences: &[]string{"other"}}), patch(admin.UserPatch{Audiences: &[]string{"*"}}), identity.EndRefused},
	} {
		t.Run(tc.name, func(t *testing.T) {
			user := addUser(t, here, "user-"+identity.NewID(here.Clock.Now()), []string{"*"})
			tokens := map[*identitytest.Service]string{here: "", there: ""}
			for s := range tokens {
				first := s.Session(user.Username, password, "orders")
				tokens[s] = s.Refresh(first)
			}
			if err := tc.change(user); err != nil {
				t.Fatal(err)
			}
			for s, token := range tokens {
				wantDead(t, s, token)
			}
			if tc.back != nil {
				if err := tc.back(user); err != nil {
					t.Fatal(err)
				}
			}
			for s, token := range tokens {
				wantDead(t, s, token)
				if tc.by != "" && endedBy(t, s, token) != tc.by {
					t.Errorf("the session was ended by %q, want %q", endedBy(t, s, token), tc.by)
				}
			}
			if tc.back != nil {
				here.Refresh(here.Session(user.Username, password, "orders")) // a new one is good
			}
		})
	}
}

// Disabled and enabled again between two refreshes is as good as disabled.
func TestEnabledAgainIsNotLoggedIn(t *testing.T) {
	s, alice := newSessions(t, admin.ConfigurationUpdate{})
	token := begin(t, s).RefreshToken
	for _, enabled := range []bool{false, true} {
		if _, err := s.Installation.Admin.UpdateUser(t.Context(), local, alice.ID, admin.UserPatch{Enabled: ptr(enabled)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	wantDead(t, s, token)
}

// A session whose user has got another password is over even if nobody ended it: one that
// was stored beside the change.
func TestSessionOfFormerPassword(t *testing.T) {
	s, alice := newSessions(t, admin.ConfigurationUpdate{})
	token := begin(t, s).RefreshToken
	s.Change("user", alice.ID, `UPDATE users SET tokens_from = tokens_from + 1 WHERE id = ?`, alice.ID)
	wantDead(t, s, token)
	if by := endedBy(t, s, token); by != identity.EndRefused {
		t.Errorf("the session was ended by %q", by)
	}
}

// What a user may, and what the register says of the audience, is that of the next token
// on both nodes.
func TestPermissionsAreReadAtEveryRefresh(t *testing.T) {
	here, there := twoNodes(t)
	ops := here.Installation.Admin
	role, err := ops.CreateRole(t.Context(), local, "writer", []string{"orders:write"})
	if err != nil {
		t.Fatal(err)
	}
	alice, err := ops.CreateUser(t.Context(), local, admin.NewUser{
		Username: "alice", Password: identity.NewSecret(password), Permissions: []string{"orders:read", "own"}, Roles: []string{"writer"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var policy identity.AudiencePolicy
	nodes := []*identitytest.Service{here, there}
	tokens := []string{begin(t, here).RefreshToken, begin(t, there).RefreshToken}
	for _, step := range []struct {
		name     string
		change   func() error
		want     []any
		lifetime int64
	}{
		{"nothing", func() error { return nil }, []any{"orders:read", "orders:write", "own"}, 900},
		{"a permission taken away", func() error {
			_, err := ops.UpdateUser(t.Context(), local, alice.ID, admin.UserPatch{Permissions: &[]string{"orders:read"}}, nil)
			return err
		}, []any{"orders:read", "orders:write"}, 900},
		{"another name", func() error {
			_, err := ops.UpdateUser(t.Context(), local, alice.ID, admin.UserPatch{Username: ptr("alicia")}, nil)
			return err
		}, []any{"orders:read", "orders:write"}, 900},
		{"a role changed", func() error {
			_, err := ops.UpdateRole(t.Context(), local, role.ID, admin.RolePatch{Permissions: &[]string{"orders:delete"}}, nil)
			return err
		}, []any{"orders:delete", "orders:read"}, 900},
		{"an audience registered", func() error {
			policy = register(t, here, admin.NewAudience{Audience: "orders", Permissions: []string{"orders:read"}, Expiration: time.Minute})
			return nil
		}, []any{"orders:read"}, 60},
		{"an audience taken out", func() error { return ops.DeleteAudience(t.Context(), local, policy.ID, nil) }, []any{"orders:delete", "orders:read"}, 900},
		{"another lifetime", func() error {
			configure(t, here, admin.ConfigurationUpdate{Expiration: ptr(1234 * time.Second)})
			return nil
		}, []any{"orders:delete", "orders:read"}, 1234},
	} {
		if err := step.change(); err != nil {
			t.Fatal(err)
		}
		since := time.Now()
		for i, s := range nodes {
			// What a node holds in memory it may use for a second after the change.
			for {
				begun := time.Now()
				r := use(s, refreshPath, tokens[i])
				a := answered(t, r)
				tokens[i] = a.RefreshToken
				_, claims := verified(t, s, r)
				diff := cmp.Diff(step.want, claims["permissions"])
				if diff == "" && a.ExpiresIn == step.lifetime {
					break
				}
				if i == 0 || begun.Sub(since) > time.Second {
					t.Fatalf("%s, node %d: a lifetime of %d s, and (-want +got)\n%s", step.name, i, a.ExpiresIn, diff)
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
	}
}
