package storetest

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

func (h *harness) role(name string) identity.Role {
	now := h.clock.Now()
	return identity.Role{ID: identity.NewID(now), Name: name, Permissions: []string{"of " + name, "x"}, Version: 1, CreatedAt: now, UpdatedAt: now}
}

func wantEqual(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(identity.Sealed{})); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
}

func errorsOf(errs ...error) error { return errors.Join(errs...) }

func testRoles(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	reader, writer := h.role("reader"), h.role("writer")
	h.change(db, func(tx *store.DB) error { return errorsOf(tx.CreateRole(ctx, reader), tx.CreateRole(ctx, writer)) })
	h.refuse(db, identity.Conflict, func(tx *store.DB) error { return tx.CreateRole(ctx, h.role("reader")) })
	got, err := db.Role(ctx, reader.ID)
	check(t, err)
	wantEqual(t, got, reader)
	list, err := db.Roles(ctx, "", 1)
	check(t, err)
	wantEqual(t, list, []identity.Role{reader})
	list, err = db.Roles(ctx, "reader", 10)
	check(t, err)
	wantEqual(t, list, []identity.Role{writer})

	// Who holds them holds what they give.
	ann, robot := h.user("ann"), h.client("robot")
	ann.Roles.Names, robot.Roles.Names = []string{"writer", "reader"}, []string{"reader"}
	h.change(db, func(tx *store.DB) error { return errorsOf(tx.CreateUser(ctx, ann), tx.CreateClient(ctx, robot)) })
	both := identity.Roles{Names: []string{"reader", "writer"}, Permissions: []string{"of reader", "of writer", "x"}}
	holds := func(user, client identity.Roles) {
		t.Helper()
		u, err := db.UserByName(ctx, "ann")
		check(t, err)
		wantEqual(t, u.Roles, user)
		c, err := db.Client(ctx, "robot")
		check(t, err)
		wantEqual(t, c.Roles, client)
		users, err := db.Users(ctx, store.UserFilter{Limit: 5})
		check(t, err)
		wantEqual(t, users[0].Roles, user)
		clients, err := db.Clients(ctx, "", 5)
		check(t, err)
		wantEqual(t, clients[0].Roles, client)
	}
	holds(both, identity.Roles{Names: []string{"reader"}, Permissions: []string{"of reader", "x"}})
	permissions, err := db.PermissionsOf(ctx, []string{"writer", "reader"})
	check(t, err)
	wantEqual(t, permissions, both.Permissions)
	_, err = db.PermissionsOf(ctx, []string{"reader", "Reader"})
	wantKind(t, err, identity.InvalidRequest)
	bob := h.user("bob")
	bob.Roles.Names = []string{"reader", "none"}
	h.refuse(db, identity.InvalidRequest, func(tx *store.DB) error { return tx.CreateUser(ctx, bob) })
	_, err = db.UserByName(ctx, "bob")
	wantKind(t, err, identity.NotFound)

	// A change of a role reaches who holds it, and its name is part of them.
	h.clock.Move(time.Minute)
	renamed := reader
	renamed.Name, renamed.Permissions = "lector", []string{"y"}
	h.change(db, func(tx *store.DB) error { return tx.UpdateRole(ctx, renamed) })
	got, err = db.Role(ctx, reader.ID)
	check(t, err)
	renamed.Version, renamed.UpdatedAt = 2, h.clock.Now()
	wantEqual(t, got, renamed)
	holds(identity.Roles{Names: []string{"lector", "writer"}, Permissions: []string{"of writer", "x", "y"}},
		identity.Roles{Names: []string{"lector"}, Permissions: []string{"y"}})
	versions := func(want int64) {
		t.Helper()
		u, err := db.UserByName(ctx, "ann")
		check(t, err)
		c, err := db.Client(ctx, "robot")
		check(t, err)
		if u.Version != want || c.Version != want {
			t.Errorf("versions %d and %d of the holders, want %d", u.Version, c.Version, want)
		}
	}
	versions(2)
	renamed.Name = "writer"
	h.refuse(db, identity.Conflict, func(tx *store.DB) error { return tx.UpdateRole(ctx, renamed) })
	versions(2)

	h.change(db, func(tx *store.DB) error { return tx.DeleteRole(ctx, reader.ID) })
	none := identity.Roles{Names: []string{}, Permissions: []string{}}
	holds(identity.Roles{Names: []string{"writer"}, Permissions: []string{"of writer", "x"}}, none)
	versions(3)
	_, err = db.Role(ctx, reader.ID)
	wantKind(t, err, identity.NotFound)
	h.refuse(db, identity.NotFound, func(tx *store.DB) error { return tx.UpdateRole(ctx, reader) })
	h.refuse(db, identity.NotFound, func(tx *store.DB) error { return tx.DeleteRole(ctx, reader.ID) })

	// Nobody holds a role for longer than they are there.
	h.change(db, func(tx *store.DB) error { return tx.DeleteUser(ctx, ann.ID) })
	h.change(db, func(tx *store.DB) error { return tx.DeleteRole(ctx, writer.ID) })
}

func testHeldWithRole(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	low, high, idle := h.role("low"), h.role("high"), h.role("idle")
	high.Permissions = []string{"identity:users:write", "z"}
	idle.Permissions = []string{"identity:roles:write"}
	ann, robot, bystander := h.user("ann"), h.client("robot"), h.user("bystander")
	ann.Roles.Names, ann.Permissions = []string{"low"}, []string{"identity:audit:read", "a"}
	robot.Roles.Names = []string{"low", "high"}
	bystander.Permissions, bystander.Roles.Names = []string{identity.PermissionAdmin}, []string{"idle"}
	h.change(db, func(tx *store.DB) error {
		return errorsOf(tx.CreateRole(ctx, low), tx.CreateRole(ctx, high), tx.CreateRole(ctx, idle),
			tx.CreateUser(ctx, ann), tx.CreateClient(ctx, robot), tx.CreateUser(ctx, bystander))
	})
	held := func(role string, want ...string) {
		t.Helper()
		got, err := db.HeldWithRole(ctx, role)
		check(t, err)
		wantEqual(t, got, want)
	}
	held(low.ID, "identity:audit:read", "identity:users:write")
	held(high.ID, "identity:users:write")
	held(idle.ID, identity.PermissionAdmin, "identity:roles:write")
	// A permission that goes away goes from here too.
	ann.Permissions = []string{"a"}
	h.change(db, func(tx *store.DB) error { return tx.UpdateUser(ctx, ann) })
	held(low.ID, "identity:users:write")
}

// What is in memory together with roles goes when a role changes.
func testCacheDropsOnRole(t *testing.T, h *harness) {
	db, other, ctx := h.migrated(), h.node(), t.Context()
	role, ann := h.role("reader"), h.user("ann")
	ann.Roles.Names = []string{"reader"}
	h.change(db, func(tx *store.DB) error { return errorsOf(tx.CreateRole(ctx, role), tx.CreateUser(ctx, ann)) })
	f := db.Follow(slog.New(slog.DiscardHandler))
	loads := 0
	users := store.NewCache(f, store.KindUser, 10, time.Hour, func(ctx context.Context, id string) (identity.User, error) {
		loads++
		return db.User(ctx, id)
	}).DropAllOn(store.KindRole)
	held := func(want int, permissions ...string) {
		t.Helper()
		for range 2 {
			u, err := users.Get(ctx, ann.ID)
			check(t, err)
			wantEqual(t, u.Roles.Permissions, permissions)
		}
		if loads != want {
			t.Errorf("%d loads, want %d", loads, want)
		}
	}
	held(1, "of reader", "x")
	role.Permissions = []string{"y"}
	check(t, other.Change(ctx, func(tx *store.DB) error { return tx.UpdateRole(ctx, role) }))
	check(t, f.Poll(ctx))
	held(2, "y")
	check(t, other.Change(ctx, func(tx *store.DB) error { return tx.CreateClient(ctx, h.client("robot")) }))
	check(t, f.Poll(ctx))
	held(2, "y")
}
