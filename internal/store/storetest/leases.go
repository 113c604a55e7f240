package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/store"
)

func testLeases(t *testing.T, h *harness) {
	db, other, ctx := h.migrated(), h.node(), t.Context()
	take := func(node *store.DB, holder string, want bool) {
		t.Helper()
		got, err := node.TakeLease(ctx, store.LeaseUpkeep, holder, time.Minute)
		check(t, err)
		if got != want {
			t.Errorf("%s has the lease: %v", holder, got)
		}
	}
	take(db, "a", true)
	take(other, "b", false)
	h.clock.Move(time.Minute - time.Millisecond)
	take(other, "b", false)
	take(db, "a", true) // from now on
	h.clock.Move(time.Minute - time.Millisecond)
	take(other, "b", false)
	h.clock.Move(time.Millisecond)
	take(other, "b", true)
	take(db, "a", false)
	check(t, db.LeaveLease(ctx, store.LeaseUpkeep, "a")) // it is not a's to leave
	take(db, "a", false)
	check(t, other.LeaveLease(ctx, store.LeaseUpkeep, "b"))
	take(db, "a", true)
	if got, err := db.TakeLease(ctx, "of nothing", "a", time.Minute); err != nil || got {
		t.Errorf("there is a lease of nothing: %v (%v)", got, err)
	}
}

// testLeasesParallel has twenty holders on two nodes want an expired lease at once.
func testLeasesParallel(t *testing.T, h *harness) {
	nodes := []*store.DB{h.migrated(), h.node()}
	for range 5 {
		has, errs := make([]bool, 20), make([]error, 20)
		together(len(has), func(i int) {
			has[i], errs[i] = nodes[i%2].TakeLease(t.Context(), store.LeaseUpkeep, fmt.Sprint("node ", i), time.Minute)
		})
		holders := 0
		for i := range has {
			check(t, errs[i])
			if has[i] {
				holders++
			}
		}
		if holders != 1 {
			t.Fatalf("%d have the lease", holders)
		}
		h.clock.Move(time.Minute)
	}
}
