package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
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
	names := []string{"straße", "strasse", "muller", "müller", "a", "A", "a ", "a\t", "😀", "😁", "%", "_"}
	for _, name := range names {
		client := h.client(name)
		client.Secrets, client.Keys = nil, nil
		h.change(db, func(tx *store.DB) error {
			return errorsOf(tx.CreateUser(ctx, h.user(name)), tx.CreateClient(ctx, client), tx.CreateRole(ctx, h.role(name)))
		})
	}
	for _, name := range names {
		u, err := db.UserByName(ctx, name)
		check(t, err)
		c, err := db.Client(ctx, name)
		check(t, err)
		if u.Username != name || c.ID != name {
			t.Errorf("looked for %q, found %q and %q", name, u.Username, c.ID)
		}
	}
}

// testLargest stores the largest that the service accepts. Nothing is cut off, and what
// cannot be kept is an error.
func testLargest(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	wide := strings.Repeat("\U0001F600", 255)
	u := h.user(strings.Repeat("u", 255))
	u.PasswordHash = strings.Repeat("h", 1500)
	u.Metadata = identity.Metadata(`{"a":"` + strings.Repeat("é", 2000) + `"}`)
	u.Permissions, u.Audiences = nil, nil
	for i := range 900 { // each as small as may be: the quotes and commas count too
		u.Permissions = append(u.Permissions, fmt.Sprintf("%03d", i))
		u.Audiences = append(u.Audiences, fmt.Sprintf(`"\\%02x`, i))
	}
	u.Permissions, u.Audiences = identity.SortedSet(u.Permissions), identity.SortedSet(u.Audiences)
	c := h.client(strings.Repeat("c", 128))
	c.Name, c.Secrets[0].Label, c.Keys[0].Label = wide, wide, wide
	c.Keys[0].JWK = `{"n":"` + strings.Repeat("x", 12_000) + `"}`
	r := h.role(wide)
	h.change(db, func(tx *store.DB) error {
		return errorsOf(tx.CreateUser(ctx, u), tx.CreateClient(ctx, c), tx.CreateRole(ctx, r))
	})
	gotUser, err := db.UserByName(ctx, u.Username)
	check(t, err)
	wantEqual(t, gotUser, u)
	gotClient, err := db.Client(ctx, c.ID)
	check(t, err)
	wantEqual(t, gotClient, c)
	gotRole, err := db.Role(ctx, r.ID)
	check(t, err)
	wantEqual(t, gotRole, r)

	huge := h.user("huge")
	huge.PasswordHash = strings.Repeat("h", 100_000)
	if db.Change(ctx, func(tx *store.DB) error { return tx.CreateUser(ctx, huge) }) == nil {
		got, err := db.UserByName(ctx, "huge")
		check(t, err)
		wantEqual(t, got.PasswordHash, huge.PasswordHash)
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
