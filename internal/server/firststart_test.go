package server_test

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/server"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// counts are the rows of what a first start makes.
func (h *house) counts(in *server.Installation) (configurations, keys, users int) {
	h.Helper()
	_, err := in.DB.Configuration(h.Context())
	switch identity.KindOf(err) {
	case identity.NotFound:
	default:
		h.must(err)
		configurations = 1
	}
	stored, err := in.DB.SigningKeys(h.Context())
	h.must(err)
	list, err := in.DB.Users(h.Context(), store.UserFilter{Limit: 10})
	h.must(err)
	return configurations, len(stored), len(list)
}

func (h *house) wantCounts(what string, in *server.Installation, configurations, keys, users int) {
	h.Helper()
	if c, k, u := h.counts(in); c != configurations || k != keys || u != users {
		h.Errorf("%s: %d configurations, %d keys, %d users; want %d, %d, %d", what, c, k, u, configurations, keys, users)
	}
}

func TestFirstStart(t *testing.T) {
	h := newHouse(t)
	in := h.open()
	if err := in.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "identity migrate") {
		t.Errorf("an empty database is ready: %v", err)
	}
	h.must(in.Close())
	in = h.open()
	done, err := in.Prepare(t.Context(), first)
	h.must(err)
	if !done.First || len(done.Migrations) == 0 || done.AdminUsername != "admin" || !done.GeneratedPassword.Empty() {
		t.Errorf("done %+v", done)
	}
	h.wantCounts("first start", in, 1, 1, 1)
	h.must(in.Ready(t.Context()))
	users, err := in.DB.Users(t.Context(), store.UserFilter{Limit: 1})
	h.must(err)
	if u := users[0]; u.Username != "admin" || len(u.Permissions) != 1 || u.Permissions[0] != identity.PermissionAdmin || !u.Enabled {
		t.Errorf("the administrator is %+v", u)
	}
	h.must(in.Close())

	// Whatever a later start is given, it changes nothing.
	h.wantUnchanged("second start", func() {
		in := h.open()
		done, err := in.Prepare(t.Context(), server.FirstStart{
			Issuer: "https://evil.test", Algorithm: jose.RS256, AdminUsername: "other", AdminPassword: identity.NewSecret("x"),
		})
		h.must(err)
		if done.First || len(done.Migrations) != 0 || done.AdminUsername != "" || !done.GeneratedPassword.Empty() {
			t.Errorf("second start: done %+v", done)
		}
		h.must(in.Close())
	})
	if strings.Contains(h.log.String(), password) {
		t.Error("the log has the password")
	}
}

func TestGeneratedPassword(t *testing.T) {
	h := newHouse(t)
	in := h.open()
	without := first
	without.AdminPassword = identity.Secret{}
	done, err := in.Prepare(t.Context(), without)
	h.must(err)
	generated := done.GeneratedPassword.Reveal()
	if len(generated) < 20 { // 26 of base32: 128 bits
		t.Fatalf("the generated password has %d characters", len(generated))
	}
	users, err := in.DB.Users(t.Context(), store.UserFilter{Limit: 1})
	h.must(err)
	if ok, err := in.Pool.Verify(t.Context(), argon2.Party{}, users[0].PasswordHash, []byte(generated)); err != nil || !ok {
		t.Errorf("the generated password is not the administrator's: %v", err)
	}
	if strings.Contains(h.log.String(), generated) {
		t.Error("the log has the password")
	}
}

// A first start that is refused leaves nothing, and the next one begins anew.
func TestRefusedFirstStart(t *testing.T) {
	for name, spoil := range map[string]func(*server.FirstStart){
		"a common password": func(f *server.FirstStart) { f.AdminPassword = identity.NewSecret("password1") },
		"a short password":  func(f *server.FirstStart) { f.AdminPassword = identity.NewSecret("short") },
		"the name as password": func(f *server.FirstStart) {
			f.AdminUsername, f.AdminPassword = "administrator", identity.NewSecret("Administrator")
		},
		"a bad name":                func(f *server.FirstStart) { f.AdminUsername = "a b" },
		"no name":                   func(f *server.FirstStart) { f.AdminUsername = "" },
		"a bad issuer":              func(f *server.FirstStart) { f.Issuer = "a b" },
		"no issuer":                 func(f *server.FirstStart) { f.Issuer = "" },
		"an algorithm without keys": func(f *server.FirstStart) { f.Algorithm = "HS256" },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			in := h.open()
			bad := first
			spoil(&bad)
			done, err := in.Prepare(t.Context(), bad)
			if err == nil {
				t.Fatal("accepted")
			}
			if !bad.AdminPassword.Empty() && strings.Contains(err.Error()+h.log.String(), bad.AdminPassword.Reveal()) {
				t.Error("the password is shown")
			}
			if !done.GeneratedPassword.Empty() {
				t.Error("a password is given out for nobody")
			}
			h.wantCounts("refused", in, 0, 0, 0)
			done, err = in.Prepare(t.Context(), first)
			h.must(err)
			if !done.First {
				t.Error("the next start is not the first")
			}
			h.wantCounts("the next start", in, 1, 1, 1)
		})
	}
}

// Whoever has made users before needs no administrator made up for them.
func TestUsersBeforeFirstStart(t *testing.T) {
	h := newHouse(t)
	in := h.open()
	_, err := in.Migrate(t.Context())
	h.must(err)
	_, err = in.Admin.CreateUser(t.Context(), identity.LocalAdministrator("test"), admin.NewUser{
		Username: "alice", Password: identity.NewSecret(password), Permissions: []string{identity.PermissionAdmin},
	})
	h.must(err)
	done, err := in.Prepare(t.Context(), first)
	h.must(err)
	if !done.First || done.AdminUsername != "" {
		t.Errorf("done %+v", done)
	}
	h.wantCounts("with a user made before", in, 1, 1, 1)
}

func TestNewerSchemaIsRefused(t *testing.T) {
	h := prepared(t)
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: h.path}).String())
	h.must(err)
	_, err = db.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (4711, 1)`)
	h.must(err)
	h.must(db.Close())
	h.wantUnchanged("newer schema", func() {
		in := h.open()
		_, prepareErr := in.Prepare(t.Context(), first)
		_, migrateErr := in.Migrate(t.Context())
		for doing, err := range map[string]error{"Prepare": prepareErr, "Migrate": migrateErr, "Ready": in.Ready(t.Context())} {
			if err == nil || !strings.Contains(err.Error(), "4711") {
				t.Errorf("%s: %v", doing, err)
			}
		}
		h.must(in.Close())
	})
}
