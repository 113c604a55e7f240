package admin_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

func TestCreateUser(t *testing.T) {
	d := newDesk(t)
	user, err := d.admin.CreateUser(t.Context(), root, admin.NewUser{
		Username: "Ａlice", Password: identity.NewSecret("pass\u0065\u0301 word " + canary),
		Permissions: []string{"b", "a", "b"}, Audiences: &[]string{"y", "x", "x"},
	})
	d.must(err)
	if user.Username != "alice" || !user.Enabled || !slices.Equal(user.Permissions, []string{"a", "b"}) || !slices.Equal(user.Audiences, []string{"x", "y"}) {
		t.Errorf("made %+v", user)
	}
	if !user.CreatedAt.Equal(d.Clock.Now()) || user.ID == "" || !strings.HasPrefix(user.PasswordHash, "$argon2id$") || strings.Contains(user.PasswordHash, canary) {
		t.Errorf("id %q, made at %s", user.ID, user.CreatedAt)
	}
	// It logs in with every spelling of name and password that means the same.
	d.Login("ALICE", "pass\u00e9 word "+canary, "x")

	plain, err := d.admin.CreateUser(t.Context(), root, admin.NewUser{Username: "bob", Password: identity.NewSecret("a long password")})
	d.must(err)
	if !slices.Equal(plain.Audiences, []string{identity.AnyAudience}) || plain.Permissions == nil {
		t.Errorf("without lists: %+v", plain)
	}
	none, err := d.admin.CreateUser(t.Context(), root, admin.NewUser{
		Username: "carol", Password: identity.NewSecret("a long password"), Audiences: &[]string{},
	})
	d.must(err)
	if len(none.Audiences) != 0 {
		t.Errorf("an empty list of audiences became %v", none.Audiences)
	}
	users, err := d.admin.Users(t.Context(), root, store.UserFilter{Limit: 10})
	d.must(err)
	if len(users) != 4 {
		t.Errorf("%d users, want the administrator and three", len(users))
	}
	d.WantNoCanary(canary)
}

func TestUsernameTwins(t *testing.T) {
	d := newDesk(t)
	create := func(name string) error {
		_, err := d.admin.CreateUser(t.Context(), root, admin.NewUser{Username: name, Password: identity.NewSecret(canary + " long")})
		return err
	}
	d.must(create("jos\u00e9"))
	for _, twin := range []string{"jos\u00e9", "JOS\u00c9", "Jose\u0301", "\uff4aos\u00e9"} {
		d.wantUnchanged(twin, func() { d.wantKind(twin, create(twin), identity.Conflict) })
	}
	d.wantUnchanged("Admin", func() { d.wantKind("Admin", create("Admin"), identity.Conflict) })
	d.must(create("jose"))
}

func TestBadUsers(t *testing.T) {
	d := newDesk(t)
	const good = "a long password"
	long := strings.Repeat("a", 256)
	for _, tc := range []struct {
		name    string
		n       admin.NewUser
		members []string
	}{
		{"no name", admin.NewUser{Password: identity.NewSecret(good)}, []string{"username"}},
		{"a space", admin.NewUser{Username: "a b", Password: identity.NewSecret(good)}, []string{"username"}},
		{"a long name", admin.NewUser{Username: long, Password: identity.NewSecret(good)}, []string{"username"}},
		{"a control character", admin.NewUser{Username: "a\r\nb", Password: identity.NewSecret(good)}, []string{"username"}},
		{"no password", admin.NewUser{Username: "u"}, []string{"password"}},
		{"a short password", admin.NewUser{Username: "u", Password: identity.NewSecret("7 chars")}, []string{"password"}},
		{"a long password", admin.NewUser{Username: "u", Password: identity.NewSecret(strings.Repeat(canary, 100))}, []string{"password"}},
		{"a common password", admin.NewUser{Username: "u", Password: identity.NewSecret("Password1")}, []string{"password"}},
		{"the name as password", admin.NewUser{Username: canary, Password: identity.NewSecret(strings.ToUpper(canary))}, []string{"password"}},
		{"a bad permission", admin.NewUser{Username: "u", Password: identity.NewSecret(good), Permissions: []string{`a"b`}}, []string{"permissions"}},
		{"a bad audience", admin.NewUser{Username: "u", Password: identity.NewSecret(good), Audiences: &[]string{"a b"}}, []string{"audiences"}},
		{"any audience and one", admin.NewUser{Username: "u", Password: identity.NewSecret(good), Audiences: &[]string{"*", "a"}}, []string{"audiences"}},
		{
			"everything",
			admin.NewUser{Username: "", Password: identity.NewSecret("short"), Permissions: []string{""}, Audiences: &[]string{""}},
			[]string{"username", "password", "permissions", "audiences"},
		},
	} {
		d.wantUnchanged(tc.name, func() {
			_, err := d.admin.CreateUser(t.Context(), root, tc.n)
			d.wantFields(tc.name, err, tc.members...)
		})
	}
	d.WantNoCanary(canary)
}

func TestFiftyUsersOfOneName(t *testing.T) {
	d := newDesk(t)
	names := []string{"dave", "DAVE", "\uff44ave", "Dave", "davE"}
	got := together(50, func(i int) error {
		_, err := d.admin.CreateUser(t.Context(), root, admin.NewUser{
			Username: names[i%len(names)], Password: identity.NewSecret("a long password"),
		})
		return err
	})
	if got["ok"] != 1 || got["conflict"] != 49 {
		t.Errorf("outcomes %v", got)
	}
	users, err := d.admin.Users(t.Context(), root, store.UserFilter{Limit: 100})
	d.must(err)
	if len(users) != 2 {
		t.Errorf("%d users are stored, want the administrator and one", len(users))
	}
}

func TestListsGoOnAfterAName(t *testing.T) {
	d := newDesk(t)
	for _, name := range []string{"a", "b", "c"} {
		d.AddUser(name, "a long password")
		d.Clock.Move(time.Millisecond)
	}
	first, err := d.admin.Users(t.Context(), root, store.UserFilter{Limit: 2})
	d.must(err)
	rest, err := d.admin.Users(t.Context(), root, store.UserFilter{After: first[1].Username, Limit: 100})
	d.must(err)
	if len(first) != 2 || len(rest) != 2 || rest[0].Username <= first[1].Username || rest[1].Username != "c" {
		t.Errorf("pages of %d and %d users", len(first), len(rest))
	}
}
