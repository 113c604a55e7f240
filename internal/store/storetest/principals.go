package storetest

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

func testUsers(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	ann := h.user("ann")
	check(t, db.Change(ctx, func(tx *store.DB) error { return tx.CreateUser(ctx, ann) }))
	got, err := db.UserByName(ctx, "ann")
	check(t, err)
	ann.Permissions = []string{"a", "b"} // stored as a set
	if !reflect.DeepEqual(got, ann) {
		t.Fatalf("got %+v, want %+v", got, ann)
	}
	wantKind(t, db.Change(ctx, func(tx *store.DB) error { return tx.CreateUser(ctx, h.user("ann")) }), identity.Conflict)
	_, err = db.UserByName(ctx, "bob")
	wantKind(t, err, identity.NotFound)

	h.clock.Move(time.Millisecond) // so that the next id sorts after Ann's

	// Of many at once that want one name, one gets it.
	errs := make([]error, 10)
	together(len(errs), func(i int) {
		errs[i] = db.Change(ctx, func(tx *store.DB) error { return tx.CreateUser(ctx, h.user("cy")) })
	})
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if identity.KindOf(err) != identity.Conflict {
			t.Errorf("a loser got %v, want a conflict", err)
		}
	}
	if won != 1 {
		t.Fatalf("%d users got one name", won)
	}

	list, err := db.Users(ctx, store.UserFilter{Limit: 1})
	check(t, err)
	rest, err := db.Users(ctx, store.UserFilter{After: list[0].Username, Limit: 10})
	check(t, err)
	if got := names(append(list, rest...), func(u identity.User) string { return u.Username }); got != "ann cy " {
		t.Fatalf("pages hold %q", got)
	}
}

func testBinaryNames(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	// The service canonicalises before it stores. The database must not fold
	// once more: these are different names to it.
	for _, name := range []string{"straße", "strasse", "muller", "müller", "a", "A"} {
		check(t, db.Change(ctx, func(tx *store.DB) error { return tx.CreateUser(ctx, h.user(name)) }))
	}
	got, err := db.UserByName(ctx, "strasse")
	check(t, err)
	if got.Username != "strasse" {
		t.Fatalf("looked for strasse, found %q", got.Username)
	}
}

func testClients(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	want := h.client("billing")
	check(t, db.Change(ctx, func(tx *store.DB) error { return tx.CreateClient(ctx, want) }))
	got, err := db.Client(ctx, "billing")
	check(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
	_, err = db.Client(ctx, "Billing")
	wantKind(t, err, identity.NotFound)

	check(t, db.Change(ctx, func(tx *store.DB) error { return tx.CreateClient(ctx, h.client("alpha")) }))
	list, err := db.Clients(ctx, "", 10)
	check(t, err)
	if got := names(list, func(c identity.Client) string { return c.ID }); got != "alpha billing " {
		t.Fatalf("the list holds %q", got)
	}
	if !reflect.DeepEqual(list[1], want) {
		t.Fatalf("in the list: %+v", list[1])
	}

	// A client whose key cannot be stored is not stored by halves.
	half := h.client("half")
	half.Keys = append(half.Keys, half.Keys[0])
	wantKind(t, db.Change(ctx, func(tx *store.DB) error { return tx.CreateClient(ctx, half) }), identity.Conflict)
	_, err = db.Client(ctx, "half")
	wantKind(t, err, identity.NotFound)
}

func testNamespace(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	ann := h.user("ann")
	check(t, db.Change(ctx, func(tx *store.DB) error { return tx.CreateUser(ctx, ann) }))
	// A client that took a user's id would be that user to every audience.
	wantKind(t, db.Change(ctx, func(tx *store.DB) error { return tx.CreateClient(ctx, h.client(ann.ID)) }), identity.Conflict)
	check(t, db.Change(ctx, func(tx *store.DB) error { return tx.CreateClient(ctx, h.client("billing")) }))
	twin := h.user("bob")
	twin.ID = "billing"
	wantKind(t, db.Change(ctx, func(tx *store.DB) error { return tx.CreateUser(ctx, twin) }), identity.Conflict)
}

func testRehash(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	ann, client := h.user("ann"), h.client("c")
	check(t, db.Change(ctx, func(tx *store.DB) error {
		return errors.Join(tx.CreateUser(ctx, ann), tx.CreateClient(ctx, client))
	}))
	check(t, db.RehashPassword(ctx, ann.ID, "another hash", "too late"))
	check(t, db.RehashClientSecret(ctx, client.Secrets[0].ID, "another hash", "too late"))
	gotUser, err := db.UserByName(ctx, "ann")
	check(t, err)
	gotClient, err := db.Client(ctx, "c")
	check(t, err)
	if gotUser.PasswordHash != ann.PasswordHash || gotClient.Secrets[0].Hash != client.Secrets[0].Hash {
		t.Fatal("a rehash replaced a hash that was not the one proven")
	}
	check(t, db.RehashPassword(ctx, ann.ID, ann.PasswordHash, "new"))
	check(t, db.RehashClientSecret(ctx, client.Secrets[0].ID, client.Secrets[0].Hash, "new"))
	gotUser, err = db.UserByName(ctx, "ann")
	check(t, err)
	gotClient, err = db.Client(ctx, "c")
	check(t, err)
	if gotUser.PasswordHash != "new" || gotClient.Secrets[0].Hash != "new" {
		t.Fatal("the rehash was not stored")
	}
}
