package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// change runs one administrative change that must succeed.
func (h *harness) change(db *store.DB, fn func(tx *store.DB) error) {
	h.t.Helper()
	check(h.t, db.Change(h.t.Context(), fn))
}

// refuse runs one that must fail.
func (h *harness) refuse(db *store.DB, kind identity.Kind, fn func(tx *store.DB) error) {
	h.t.Helper()
	wantKind(h.t, db.Change(h.t.Context(), fn), kind)
}

func testUserChanges(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	ann, bob := h.user("ann"), h.user("bob")
	h.change(db, func(tx *store.DB) error { return tx.CreateUser(ctx, ann) })
	h.change(db, func(tx *store.DB) error { return tx.CreateUser(ctx, bob) })

	h.clock.Move(time.Minute)
	next := ann
	next.Username, next.Enabled, next.OneTime, next.HashImported = "anna", false, true, true
	next.PasswordHash, next.Metadata = "another hash", `{"a":1}`
	next.Permissions, next.Audiences = []string{"c"}, []string{}
	h.change(db, func(tx *store.DB) error { return tx.UpdateUser(ctx, next) })
	got, err := db.User(ctx, ann.ID)
	check(t, err)
	next.Version, next.UpdatedAt = 2, h.clock.Now()
	wantEqual(t, got, next)
	_, err = db.UserByName(ctx, "ann")
	wantKind(t, err, identity.NotFound)

	next.Username = "bob"
	h.refuse(db, identity.Conflict, func(tx *store.DB) error { return tx.UpdateUser(ctx, next) })
	h.refuse(db, identity.NotFound, func(tx *store.DB) error { return tx.UpdateUser(ctx, h.user("nobody")) })
	got, err = db.User(ctx, ann.ID)
	check(t, err)
	if got.Username != "anna" || got.Version != 2 {
		t.Errorf("a refused change left %+v", got)
	}

	h.change(db, func(tx *store.DB) error { return tx.DeleteUser(ctx, ann.ID) })
	_, err = db.User(ctx, ann.ID)
	wantKind(t, err, identity.NotFound)
	h.refuse(db, identity.NotFound, func(tx *store.DB) error { return tx.DeleteUser(ctx, ann.ID) })
	// The id is gone for good, the name is free again.
	h.refuse(db, identity.Conflict, func(tx *store.DB) error { return tx.CreateUser(ctx, ann) })
	h.change(db, func(tx *store.DB) error { return tx.CreateUser(ctx, h.user("ann")) })
}

func testUserPages(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	h.change(db, func(tx *store.DB) error { return tx.CreateRole(ctx, h.role("one")) })
	h.change(db, func(tx *store.DB) error { return tx.CreateRole(ctx, h.role("two")) })
	all := []string{"a", "a%", "a_b", "aab", "ab", "b", "zoë", "é", "é𝔸", "𝔸"}
	for i, name := range all {
		u := h.user(name)
		u.Enabled = i%2 == 0
		u.Roles.Names = [][]string{nil, {"two"}, {"one", "two"}}[i%3]
		h.change(db, func(tx *store.DB) error { return tx.CreateUser(ctx, u) })
	}
	walk := func(f store.UserFilter) (found []string) {
		t.Helper()
		for {
			page, err := db.Users(ctx, f)
			check(t, err)
			for _, u := range page {
				i := slices.Index(all, u.Username)
				wantEqual(t, u.Roles.Names, append([]string{}, [][]string{nil, {"two"}, {"one", "two"}}[i%3]...))
				found = append(found, u.Username)
			}
			if len(page) < f.Limit {
				return found
			}
			f.After = page[len(page)-1].Username
		}
	}
	yes, no := true, false
	for limit := 1; limit <= len(all)+1; limit++ {
		wantEqual(t, walk(store.UserFilter{Limit: limit}), all)
		wantEqual(t, walk(store.UserFilter{Limit: limit, Prefix: "a"}), all[:5])
		wantEqual(t, walk(store.UserFilter{Limit: limit, Prefix: "a%"}), []string{"a%"})
		wantEqual(t, walk(store.UserFilter{Limit: limit, Prefix: "a_"}), []string{"a_b"})
		wantEqual(t, walk(store.UserFilter{Limit: limit, Prefix: "é"}), []string{"é", "é𝔸"})
		wantEqual(t, walk(store.UserFilter{Limit: limit, Prefix: "é𝔸"}), []string{"é𝔸"})
		wantEqual(t, walk(store.UserFilter{Limit: limit, Prefix: "x"}), []string(nil))
		wantEqual(t, walk(store.UserFilter{Limit: limit, Enabled: &yes}), []string{"a", "a_b", "ab", "zoë", "é𝔸"})
		wantEqual(t, walk(store.UserFilter{Limit: limit, Enabled: &no, Prefix: "a"}), []string{"a%", "aab"})
	}
}

func testAdministrators(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	role := h.role("admins")
	role.Permissions = []string{identity.PermissionAdmin, "x"}
	near := h.role("near")
	near.Permissions = []string{"identity:administrator", "identity:users:write"}
	direct, byRole, disabled, almost := h.user("direct"), h.user("by-role"), h.user("disabled"), h.user("almost")
	direct.Permissions = []string{"a", identity.PermissionAdmin}
	byRole.Roles.Names, almost.Roles.Names = []string{"admins"}, []string{"near"}
	disabled.Permissions, disabled.Enabled, disabled.Roles.Names = []string{identity.PermissionAdmin}, false, []string{"admins"}
	almost.Permissions = []string{"identity:admin2", "x-identity:admin", "IDENTITY:ADMIN", "identity:users:read"}
	machine := h.client("machine")
	machine.Permissions = []string{identity.PermissionAdmin}
	want := func(user, except string, want bool) {
		t.Helper()
		another, err := db.AnotherAdministrator(ctx, user, except)
		check(t, err)
		if another != want {
			t.Errorf("beside user %q and role %q: %v, want %v", user, except, another, want)
		}
	}
	want("", "", false)
	h.change(db, func(tx *store.DB) error {
		check(t, tx.CreateRole(ctx, role))
		check(t, tx.CreateRole(ctx, near))
		check(t, tx.CreateUser(ctx, disabled))
		check(t, tx.CreateUser(ctx, almost))
		return tx.CreateClient(ctx, machine)
	})
	want("", "", false)
	h.change(db, func(tx *store.DB) error { return tx.CreateUser(ctx, byRole) })
	want("", "", true)
	want("", role.ID, false)
	want(byRole.ID, "", false)
	want("", near.ID, true)
	h.change(db, func(tx *store.DB) error { return tx.CreateUser(ctx, direct) })
	want("", role.ID, true)
	want(byRole.ID, "", true)
	want(direct.ID, role.ID, false)
	role.Permissions = []string{"x"}
	h.change(db, func(tx *store.DB) error { return tx.UpdateRole(ctx, role) })
	want(direct.ID, "", false)
}

func testUses(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	ann, robot := h.user("ann"), h.client("robot")
	h.change(db, func(tx *store.DB) error { return errorsOf(tx.CreateUser(ctx, ann), tx.CreateClient(ctx, robot)) })
	now := h.clock.Now()
	// More than are stored at once, most of whom are gone.
	at := map[string]time.Time{ann.ID: now.Add(time.Minute)}
	for i := range 1200 {
		at[fmt.Sprintf("gone %d", i)] = now
	}
	check(t, db.RecordLogins(ctx, at))
	check(t, db.RecordSecretUse(ctx, map[string]time.Time{robot.Secrets[0].ID: now.Add(time.Minute)}))
	check(t, db.RecordKeyUse(ctx, map[string]time.Time{robot.Keys[0].ID: now.Add(time.Minute)}))
	// Another node comes later with an earlier use.
	check(t, db.RecordLogins(ctx, map[string]time.Time{ann.ID: now}))
	check(t, db.RecordSecretUse(ctx, map[string]time.Time{robot.Secrets[0].ID: now}))
	check(t, db.RecordKeyUse(ctx, map[string]time.Time{robot.Keys[0].ID: now}))
	check(t, db.RecordLogins(ctx, nil))
	user, err := db.User(ctx, ann.ID)
	check(t, err)
	client, err := db.Client(ctx, robot.ID)
	check(t, err)
	for what, got := range map[string]time.Time{"login": user.LastLoginAt, "secret": client.Secrets[0].LastUsedAt, "key": client.Keys[0].LastUsedAt} {
		if !got.Equal(now.Add(time.Minute)) {
			t.Errorf("%s: last used at %v", what, got)
		}
	}
	if user.Version != 1 || client.Version != 1 {
		t.Error("a use counts as a change")
	}
	// A change keeps the times of use.
	h.change(db, func(tx *store.DB) error { return tx.UpdateUser(ctx, ann) })
	user, err = db.User(ctx, ann.ID)
	check(t, err)
	if !user.LastLoginAt.Equal(now.Add(time.Minute)) {
		t.Error("a change lost the time of the last login")
	}
}
