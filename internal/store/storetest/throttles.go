package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

func userThrottle(name string) identity.Throttle { return identity.UserThrottle(name, name) }

// stored is an account as it is stored; the test fails if there is none.
func (h *harness) stored(db *store.DB, id string) identity.Throttle {
	h.t.Helper()
	t, err := db.Throttle(h.t.Context(), id)
	check(h.t, err)
	return t
}

// count counts an attempt that must be counted.
func (h *harness) count(db *store.DB, read identity.Throttle) identity.Throttle {
	h.t.Helper()
	next, _ := read.Begin(h.clock.Now())
	swapped, err := db.SwapThrottle(h.t.Context(), read, next)
	check(h.t, err)
	if !swapped {
		h.t.Fatalf("attempt %d was not counted", next.Attempts)
	}
	return next
}

func testThrottles(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	empty := userThrottle("alice")
	_, err := db.Throttle(ctx, empty.ID)
	wantKind(t, err, identity.NotFound)
	first := h.count(db, empty)
	if diff := cmp.Diff(first, h.stored(db, first.ID)); diff != "" {
		t.Errorf("stored otherwise (-want +got)\n%s", diff)
	}
	h.clock.Move(time.Millisecond)
	second := h.count(db, first)
	if diff := cmp.Diff(second, h.stored(db, first.ID)); diff != "" || second.Attempts != 2 {
		t.Errorf("stored otherwise (-want +got)\n%s", diff)
	}
	// What was read before is true no more.
	for _, read := range []identity.Throttle{empty, first} {
		next, _ := read.Begin(h.clock.Now())
		swapped, err := db.SwapThrottle(ctx, read, next)
		check(t, err)
		if swapped {
			t.Error("an attempt was counted from an account that has changed")
		}
	}
	// It is stored whatever becomes of what goes on around it, and reading a part that is
	// there does not miss it.
	list, err := db.Throttles(ctx, userThrottle("bob").ID, first.ID)
	check(t, err)
	if len(list) != 1 || list[0].Attempts != 2 {
		t.Errorf("read %+v", list)
	}
	for _, want := range []bool{true, false} {
		got, err := db.ForgetThrottle(ctx, first.ID)
		check(t, err)
		if got != want {
			t.Errorf("forgotten: %v, want %v", got, want)
		}
	}
	h.count(db, empty)
}

// testThrottlesParallel has fifty on two nodes begin an attempt until nothing is open any
// more: as many get through as there are.
func testThrottlesParallel(t *testing.T, h *harness) {
	nodes := []*store.DB{h.migrated(), h.node()}
	for round := range 3 {
		empty := userThrottle(fmt.Sprint("name-", round))
		begun, errs := make([]bool, 50), make([]error, 50)
		together(len(begun), func(i int) {
			db := nodes[i%2]
			for {
				read := empty
				list, err := db.Throttles(t.Context(), empty.ID)
				if err != nil {
					errs[i] = err
					return
				}
				if len(list) == 1 {
					read = list[0]
				}
				if !read.Open(h.clock.Now()) {
					return
				}
				next, _ := read.Begin(h.clock.Now())
				if begun[i], errs[i] = db.SwapThrottle(t.Context(), read, next); begun[i] || errs[i] != nil {
					return
				}
			}
		})
		n := 0
		for i := range begun {
			check(t, errs[i])
			if begun[i] {
				n++
			}
		}
		if n != identity.ThrottledFrom {
			t.Errorf("%d of 50 attempts began, want %d", n, identity.ThrottledFrom)
		}
	}
}

func testFamiliar(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	name := userThrottle("alice")
	from := func(i int) identity.Throttle { return name.From(fmt.Sprintf("192.0.2.%d", i)) }
	h.count(db, name)
	for i := range identity.MaxFamiliar {
		h.clock.Move(time.Second)
		check(t, db.KeepFamiliar(ctx, from(i).Proven(h.clock.Now())))
	}
	check(t, db.KeepFamiliar(ctx, userThrottle("bob").From("192.0.2.0").Proven(h.clock.Now())))
	h.clock.Move(time.Second)
	again := from(0).Proven(h.clock.Now())
	check(t, db.KeepFamiliar(ctx, again))
	if diff := cmp.Diff(again, h.stored(db, again.ID)); diff != "" {
		t.Errorf("stored otherwise (-want +got)\n%s", diff)
	}
	if next := h.count(db, again); next.ExpiresAt != again.ExpiresAt || next.Owner != name.ID {
		t.Errorf("an attempt made of it %+v", next)
	}
	h.clock.Move(time.Second)
	check(t, db.KeepFamiliar(ctx, from(identity.MaxFamiliar).Proven(h.clock.Now())))
	for i := range identity.MaxFamiliar + 1 {
		_, err := db.Throttle(ctx, from(i).ID)
		if gone := identity.KindOf(err) == identity.NotFound; gone != (i == 1) {
			t.Errorf("address %d is gone: %v; the least recent is 1", i, gone)
		}
	}
	h.stored(db, name.ID)
	h.stored(db, userThrottle("bob").From("192.0.2.0").ID)
}

func testThrottlePages(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	want := ""
	for i := range 7 {
		account := userThrottle(fmt.Sprint("name-", i))
		for range i + 1 {
			account = h.count(db, account)
		}
		if account.Attempts >= identity.ThrottledFrom {
			want = account.Name + " " + want
		}
	}
	tied := h.count(db, h.count(db, h.count(db, userThrottle("tied")))) // as many as name-2
	got, f := "", store.ThrottleFilter{Limit: 2}
	for {
		page, err := db.Throttled(ctx, f)
		check(t, err)
		got += names(page, func(t identity.Throttle) string { return t.Name })
		if len(page) < f.Limit {
			break
		}
		f.Before = page[len(page)-1]
	}
	first, last := want+"tied ", want[:len(want)-len("name-2 ")]+"tied name-2 "
	if want = first; tied.ID > userThrottle("name-2").ID {
		want = last
	}
	if got != want {
		t.Errorf("the pages are %q, want %q", got, want)
	}
	h.clock.Move(24 * time.Hour)
	page, err := db.Throttled(ctx, store.ThrottleFilter{Limit: 10})
	check(t, err)
	if len(page) != 0 {
		t.Errorf("%d are listed of the day before", len(page))
	}
}

func testPruneThrottles(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	attacked := userThrottle("attacked")
	for range 5 {
		attacked = h.count(db, attacked)
	}
	check(t, db.KeepFamiliar(ctx, attacked.From("192.0.2.1").Proven(h.clock.Now())))
	for i := range 10 { // a flood of names
		h.clock.Move(time.Second)
		h.count(db, userThrottle(fmt.Sprint("name-", i)))
	}
	limit := func(most, at int, want int64) {
		t.Helper()
		n, err := db.LimitThrottles(ctx, most, at)
		check(t, err)
		if n != want {
			t.Errorf("%d went, want %d", n, want)
		}
	}
	limit(11, 100, 0)
	limit(4, 3, 3)
	limit(4, 100, 4)
	h.stored(db, attacked.ID)
	for i := range 10 { // the least recent of those with as few attempts went
		_, err := db.Throttle(ctx, userThrottle(fmt.Sprint("name-", i)).ID)
		if gone := identity.KindOf(err) == identity.NotFound; gone != (i < 7) {
			t.Errorf("name %d is gone: %v", i, gone)
		}
	}
	prune := func(want int64) {
		t.Helper()
		n, err := db.PruneThrottles(ctx, 100)
		check(t, err)
		if n != want {
			t.Errorf("%d were pruned, want %d", n, want)
		}
	}
	prune(0)
	h.clock.Move(24*time.Hour - 10*time.Second)
	prune(1) // the attacked one, a day after the last attempt
	h.clock.Move(10 * time.Second)
	prune(3)
	h.stored(db, attacked.From("192.0.2.1").ID)
	h.clock.Move(29 * 24 * time.Hour)
	prune(1)
}
