package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

func testMigrate(t *testing.T, h *harness) {
	db := h.node()
	first, err := db.Migrate(t.Context())
	check(t, err)
	if len(first) == 0 {
		t.Fatal("an empty database was not migrated")
	}
	again, err := db.Migrate(t.Context())
	check(t, err)
	if len(again) != 0 {
		t.Fatalf("a second run took %d steps, want none", len(again))
	}
	has, needs, err := db.SchemaVersions(t.Context())
	check(t, err)
	if has != needs || has == 0 {
		t.Fatalf("schema version %d, want %d", has, needs)
	}
}

func testMigrateTogether(t *testing.T, h *harness) {
	const nodes = 5
	errs, steps := make([]error, nodes), make([]int, nodes)
	dbs := make([]*store.DB, nodes)
	for i := range dbs {
		dbs[i] = h.node()
	}
	together(nodes, func(i int) {
		errs[i] = dbs[i].Exclusively(t.Context(), func() error {
			taken, err := dbs[i].Migrate(t.Context())
			steps[i] = len(taken)
			return err
		})
	})
	check(t, errors.Join(errs...))
	migrated := 0
	for _, n := range steps {
		if n > 0 {
			migrated++
		}
	}
	if migrated != 1 {
		t.Fatalf("%d nodes migrated, want exactly one", migrated)
	}
}

func testTransactions(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	refused := errors.New("no")
	err := db.Change(ctx, func(tx *store.DB) error {
		check(t, tx.CreateUser(ctx, h.user("ann")))
		if _, err := tx.UserByName(ctx, "ann"); err != nil {
			t.Errorf("a transaction does not see its own write: %v", err)
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Fatalf("got %v, want the function's own error", err)
	}
	if _, err := db.UserByName(ctx, "ann"); identity.KindOf(err) != identity.NotFound {
		t.Fatalf("a rolled-back user is there: %v", err)
	}
	revision, err := db.Revision(ctx)
	check(t, err)
	if revision != 0 {
		t.Fatalf("a rolled-back change left revision %d", revision)
	}
}

func testChangesSerialise(t *testing.T, h *harness) {
	db, other, ctx := h.migrated(), h.node(), t.Context()
	check(t, db.Change(ctx, func(tx *store.DB) error {
		return tx.InsertConfiguration(ctx, identity.DefaultConfiguration("https://id.test"))
	}))
	// Each of these reads, then writes what it read plus one. Were two ever to
	// overlap, an increment would be lost.
	const each = 20
	errs := make([]error, 2*each)
	together(2*each, func(i int) {
		node := db
		if i%2 == 1 {
			node = other
		}
		errs[i] = node.Change(ctx, func(tx *store.DB) error {
			c, err := tx.Configuration(ctx)
			if err != nil {
				return err
			}
			c.MaxRefreshes++
			return tx.UpdateConfiguration(ctx, c)
		})
	})
	check(t, errors.Join(errs...))
	c, err := db.Configuration(ctx)
	check(t, err)
	if want := identity.DefaultConfiguration("").MaxRefreshes + 2*each; c.MaxRefreshes != want {
		t.Fatalf("%d after parallel increments, want %d", c.MaxRefreshes, want)
	}
	revision, err := other.Revision(ctx)
	check(t, err)
	if revision != 2*each+1 {
		t.Fatalf("revision %d, want %d", revision, 2*each+1)
	}
}

func testNeedsChange(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	h.change(db, func(tx *store.DB) error { return tx.PutSigningKey(ctx, h.key("there", h.clock.Now())) })
	for name, write := range map[string]func(tx *store.DB) error{
		"CreateUser":          func(tx *store.DB) error { return tx.CreateUser(ctx, h.user("ann")) },
		"CreateClient":        func(tx *store.DB) error { return tx.CreateClient(ctx, h.client("c")) },
		"InsertConfiguration": func(tx *store.DB) error { return tx.InsertConfiguration(ctx, identity.DefaultConfiguration("x")) },
		"PutSigningKey":       func(tx *store.DB) error { return tx.PutSigningKey(ctx, h.key("k", h.clock.Now())) },
		"ScheduleSigningKey":  func(tx *store.DB) error { return tx.ScheduleSigningKey(ctx, h.key("there", h.clock.Now())) },
		"DeleteSigningKey":    func(tx *store.DB) error { return tx.DeleteSigningKey(ctx, "there") },
	} {
		if err := db.Tx(ctx, write); err == nil {
			t.Errorf("%s worked outside Change: other nodes would not learn of it", name)
		}
	}
	if users, err := db.Users(ctx, store.UserFilter{Limit: 10}); err != nil || len(users) != 0 {
		t.Fatalf("a refused write left %d users (%v)", len(users), err)
	}
}

func testConfiguration(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	_, err := db.Configuration(ctx)
	wantKind(t, err, identity.NotFound)
	c := identity.DefaultConfiguration("https://id.test")
	insert := func(tx *store.DB) error { return tx.InsertConfiguration(ctx, c) }
	check(t, db.Change(ctx, insert))
	wantKind(t, db.Change(ctx, insert), identity.Conflict)
	c.MaxRefreshes, c.Issuer = 7, "other"
	c.Expiration, c.RefreshGrace, c.SessionMaxAge, c.KeyRotationInterval = time.Hour, 3*time.Second, 366*24*time.Hour, 1000*24*time.Hour
	check(t, db.Change(ctx, func(tx *store.DB) error { return tx.UpdateConfiguration(ctx, c) }))
	got, err := db.Configuration(ctx)
	check(t, err)
	c.Version, c.UpdatedAt = 2, h.clock.Now()
	if got != c {
		t.Fatalf("got %+v, want %+v", got, c)
	}
}
