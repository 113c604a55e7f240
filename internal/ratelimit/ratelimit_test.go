package ratelimit_test

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/ratelimit"
)

var (
	start  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	policy = ratelimit.Policy{Burst: 3, Interval: 10 * time.Second}
)

func TestPolicy(t *testing.T) {
	var full time.Time
	look := func(after time.Duration, want ratelimit.State) {
		t.Helper()
		if got := policy.Look(full, start.Add(after)); got != want {
			t.Errorf("after %v: %+v, want %+v", after, got, want)
		}
	}
	look(0, ratelimit.State{Remaining: 3})
	full = policy.Take(full, start)
	look(0, ratelimit.State{Remaining: 2, Reset: 10 * time.Second})
	full = policy.Take(policy.Take(full, start), start)
	look(0, ratelimit.State{Reset: 30 * time.Second, RetryAfter: 10 * time.Second})
	look(4*time.Second, ratelimit.State{Reset: 26 * time.Second, RetryAfter: 6 * time.Second})
	look(10*time.Second, ratelimit.State{Remaining: 1, Reset: 20 * time.Second})
	look(time.Hour, ratelimit.State{Remaining: 3})
	// A clock that steps back a day is no reason to wait for a day.
	look(-24*time.Hour, ratelimit.State{Reset: 30 * time.Second, RetryAfter: 10 * time.Second})
	// What was replenished long ago is no credit.
	full = policy.Take(full, start.Add(time.Hour))
	look(time.Hour, ratelimit.State{Remaining: 2, Reset: 10 * time.Second})
}

// kit is a limiter with a clock that stands still.
type kit struct {
	*ratelimit.Limiter
	t   *testing.T
	now time.Time
}

func newKit(t *testing.T) *kit {
	k := &kit{t: t, now: start}
	k.Limiter = ratelimit.New(policy, func() time.Time { return k.now })
	return k
}

func (k *kit) take(address string) *ratelimit.Hold {
	k.t.Helper()
	hold, _, ok := k.Take(k.t.Context(), source(address))
	if !ok {
		k.t.Fatalf("%s is refused", address)
	}
	return hold
}

func (k *kit) refused(address string) {
	k.t.Helper()
	if _, state, ok := k.Take(k.t.Context(), source(address)); ok || state.RetryAfter <= 0 {
		k.t.Errorf("%s is not refused: %+v", address, state)
	}
}

func source(address string) netip.Prefix {
	a := netip.MustParseAddr(address)
	return netip.PrefixFrom(a, a.BitLen())
}

func TestFailuresAreCounted(t *testing.T) {
	k := newKit(t)
	for range 3 {
		k.take("192.0.2.1").End(true)
	}
	k.refused("192.0.2.1")
	k.take("192.0.2.2").End(true) // another source is not concerned
	k.now = k.now.Add(10 * time.Second)
	k.take("192.0.2.1").End(true)
	k.refused("192.0.2.1")
}

func TestSuccessesAreNot(t *testing.T) {
	k := newKit(t)
	for range 100 {
		if state := k.take("192.0.2.1").End(false); state.Remaining != 3 {
			t.Fatalf("a success has used something: %+v", state)
		}
	}
	if n := ratelimit.Known(k.Limiter); n != 0 {
		t.Errorf("%d sources are remembered of which nothing is to be", n)
	}
	hold := k.take("192.0.2.1")
	hold.End(false)
	hold.End(true) // an attempt ends once
	if state := k.Look(source("192.0.2.1")); state.Remaining != 3 {
		t.Errorf("an attempt was counted twice: %+v", state)
	}
}

// However many attempts are made at once, no more fail than there are units; and none
// that succeeds is refused.
func TestParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t)
		run := func(n int, failed bool) (admitted, most int) {
			var mu sync.Mutex
			var running int
			var group sync.WaitGroup
			for range n {
				group.Go(func() {
					hold, _, ok := k.Take(t.Context(), source("192.0.2.1"))
					if !ok {
						return
					}
					mu.Lock()
					admitted++
					running++
					most = max(most, running)
					mu.Unlock()
					time.Sleep(time.Millisecond)
					mu.Lock()
					running--
					mu.Unlock()
					hold.End(failed)
				})
			}
			group.Wait()
			return admitted, most
		}
		if admitted, most := run(200, false); admitted != 200 || most > 3 {
			t.Errorf("of 200 that succeed %d were admitted, %d at once", admitted, most)
		}
		if admitted, _ := run(200, true); admitted != 3 {
			t.Errorf("of 200 that fail %d were admitted, want 3", admitted)
		}
	})
}

func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t)
		for range 3 {
			k.take("192.0.2.1")
		}
		began := time.Now()
		k.refused("192.0.2.1")
		if waited := time.Since(began); waited != 5*time.Second {
			t.Errorf("it was waited for %v", waited)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		if _, _, ok := k.Take(ctx, source("192.0.2.1")); ok || time.Since(began) != time.Second {
			t.Errorf("admitted %v after %v", ok, time.Since(began))
		}
	})
}

// What is remembered is bounded, and a source that has used everything outlasts others
// that come to push it out.
func TestMemoryIsBounded(t *testing.T) {
	k := newKit(t)
	ratelimit.Cap(k.Limiter, 100)
	for range 3 {
		k.take("192.0.2.1").End(true)
	}
	address := netip.MustParseAddr("198.51.100.1")
	for range 10_000 {
		address = address.Next()
		k.take(address.String()).End(true)
	}
	if n := ratelimit.Known(k.Limiter); n != 100 {
		t.Errorf("%d sources are remembered, want 100", n)
	}
	k.refused("192.0.2.1")
	k.now = k.now.Add(30 * time.Second)
	k.Prune()
	if n := ratelimit.Known(k.Limiter); n != 0 {
		t.Errorf("%d sources are remembered though all are replenished", n)
	}
}

func TestNoLimit(t *testing.T) {
	l := ratelimit.New(ratelimit.Policy{}, func() time.Time { return start })
	for range 1000 {
		hold, _, ok := l.Take(t.Context(), source("192.0.2.1"))
		if !ok {
			t.Fatal("refused")
		}
		hold.End(true)
	}
	if n := ratelimit.Known(l); n != 0 {
		t.Errorf("%d sources are remembered", n)
	}
}
