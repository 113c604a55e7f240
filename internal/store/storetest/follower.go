package storetest

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// watched is a cache of user names by user id that counts its loads.
func watched(f *store.Follower, db *store.DB) (cache *store.Cache[string], loads *atomic.Int64) {
	loads = new(atomic.Int64)
	return store.NewCache(f, store.KindUser, 100, time.Hour, func(ctx context.Context, id string) (string, error) {
		loads.Add(1)
		u, err := db.UserByName(ctx, id)
		return u.ID, err
	}), loads
}

func testFollower(t *testing.T, h *harness) {
	mine, other, ctx := h.migrated(), h.node(), t.Context()
	f := mine.Follow(slog.New(slog.DiscardHandler))
	loads := 0
	cache := store.NewCache(f, store.KindUser, 100, time.Hour, func(context.Context, string) (int, error) {
		loads++
		return loads, nil
	})
	ann := h.user("ann")
	get := func(id string, want int) {
		t.Helper()
		got, err := cache.Get(ctx, id)
		check(t, err)
		if got != want {
			t.Fatalf("got load %d of %s, want %d", got, id, want)
		}
	}
	get(ann.ID, 1)
	get(ann.ID, 1) // from memory
	get("bystander", 2)
	check(t, other.Change(ctx, func(tx *store.DB) error { return tx.CreateUser(ctx, ann) }))
	get(ann.ID, 1) // another node's change is not known yet
	check(t, f.Poll(ctx))
	get(ann.ID, 3) // now it is
	get("bystander", 2)
}

// A node that cannot read its own change does not trust its memory.
func testFollowerChanged(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	f := db.Follow(slog.New(slog.DiscardHandler))
	loads := 0
	cache := store.NewCache(f, store.KindUser, 100, time.Hour, func(context.Context, string) (int, error) {
		loads++
		return loads, nil
	})
	ann := h.user("ann")
	get := func(want int) {
		t.Helper()
		got, err := cache.Get(ctx, ann.ID)
		check(t, err)
		if got != want {
			t.Fatalf("got load %d, want %d", got, want)
		}
	}
	get(1)
	h.change(db, func(tx *store.DB) error { return tx.CreateUser(ctx, ann) })
	gone, cancel := context.WithCancel(ctx)
	cancel()
	f.Changed(gone)
	get(2)
	h.change(db, func(tx *store.DB) error { return tx.DeleteUser(ctx, ann.ID) })
	f.Changed(ctx)
	get(3)
}

func testFollowerStartsOver(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	check(t, db.Change(ctx, func(tx *store.DB) error { return tx.CreateUser(ctx, h.user("ann")) }))
	check(t, db.PruneChanges(ctx))
	f := db.Follow(slog.New(slog.DiscardHandler))
	cache, loads := watched(f, db)
	for range 2 {
		_, err := cache.Get(ctx, "ann")
		check(t, err)
	}
	if loads.Load() != 1 {
		t.Fatalf("%d loads, want 1", loads.Load())
	}
	h.clock.Move(3 * time.Hour)
	check(t, db.PruneChanges(ctx))
	check(t, f.Poll(ctx)) // a hole in the changes is no error
}

func testCacheOvertaken(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	f := db.Follow(slog.New(slog.DiscardHandler))
	loads := 0
	ann := h.user("ann")
	cache := store.NewCache(f, store.KindUser, 100, time.Hour, func(context.Context, string) (int, error) {
		loads++
		if loads == 1 {
			// The change comes, and is applied, while the old value is on its
			// way into memory.
			check(t, db.Change(ctx, func(tx *store.DB) error { return tx.CreateUser(ctx, ann) }))
			check(t, f.Poll(ctx))
		}
		return loads, nil
	})
	for i, want := range []int{1, 2, 2} {
		got, err := cache.Get(ctx, ann.ID)
		check(t, err)
		if got != want {
			t.Fatalf("get %d: load %d, want %d", i+1, got, want)
		}
	}
}

func testFollowerAway(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	check(t, db.Change(ctx, func(tx *store.DB) error { return tx.CreateUser(ctx, h.user("ann")) }))
	node, err := h.open(h.clock.Now)
	check(t, err)
	f := node.Follow(slog.New(slog.DiscardHandler))
	cache, _ := watched(f, node)
	_, err = cache.Get(ctx, "ann")
	check(t, err)
	check(t, node.Close())
	time.Sleep(1100 * time.Millisecond) // memory is trusted for a second
	if _, err := cache.Get(ctx, "ann"); err == nil {
		t.Fatal("memory was trusted though the database could not be asked")
	} else if identity.KindOf(err) == identity.NotFound {
		t.Fatalf("a database that is away was read as an empty one: %v", err)
	}
}
