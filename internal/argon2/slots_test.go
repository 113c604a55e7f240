package argon2_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/argon2"
)

// idle asserts that nothing is held any more.
func idle(t *testing.T, pool *argon2.Pool) {
	t.Helper()
	if s := pool.Stats(); s.InUse != 0 || s.Waiting != 0 || s.MemoryKiB != 0 {
		t.Errorf("not idle: %+v", s)
	}
}

// occupy takes n slots and returns what releases them all.
func occupy(t *testing.T, pool *argon2.Pool, n int, kib uint32) (release func()) {
	t.Helper()
	var releases []func()
	for range n {
		r, err := pool.Occupy(t.Context(), someone, kib)
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, r)
	}
	return func() {
		for _, r := range releases {
			r()
		}
	}
}

// Whatever is asked for in parallel, no more than Slots and no more than the
// memory limit are held. The holders count themselves.
func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := newPool(t, argon2.Config{Params: small, Slots: 3, Queue: 1000, Wait: time.Hour})
		limit := pool.Stats().MemoryLimitKiB
		if limit != argon2.MaxMemory {
			t.Errorf("memory limit %d KiB", limit)
		}
		var held, heldKiB, peak, done atomic.Int64
		var wg sync.WaitGroup
		for i := range 400 {
			kib := []uint32{8, 64, 102400, argon2.MaxMemory}[i%4]
			wg.Go(func() {
				release, err := pool.Occupy(t.Context(), someone, kib)
				if err != nil {
					t.Error(err)
					return
				}
				n, m := held.Add(1), heldKiB.Add(int64(kib))
				if n > 3 || m > limit {
					t.Errorf("%d held with %d KiB", n, m)
				}
				if s := pool.Stats(); s.InUse > 3 || s.MemoryKiB > limit {
					t.Errorf("%+v", s)
				}
				if n > peak.Load() {
					peak.Store(n)
				}
				time.Sleep(time.Millisecond) // the others of this moment get their chance
				heldKiB.Add(-int64(kib))
				held.Add(-1)
				release()
				done.Add(1)
			})
		}
		wg.Wait()
		if done.Load() != 400 || peak.Load() < 2 {
			t.Errorf("%d of 400 ran, %d at once", done.Load(), peak.Load())
		}
		idle(t, pool)
	})
}

// The same with real hashes, watched from outside.
func TestHashesInParallel(t *testing.T) {
	pool := newPool(t, argon2.Config{Params: argon2.Params{Memory: 1024, Time: 1, Threads: 2}, Slots: 2, Queue: 100, Wait: time.Minute})
	stop, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			select {
			case <-stop:
				return
			default:
				if s := pool.Stats(); s.InUse > 2 || s.MemoryKiB > 2*1024 || s.Waiting > 100 {
					t.Errorf("%+v", s)
					return
				}
			}
		}
	}()
	var wg sync.WaitGroup
	for range 60 {
		wg.Go(func() {
			if _, err := pool.Hash(t.Context(), someone, []byte("password")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	close(stop)
	<-watched
	idle(t, pool)
}

// The largest allowed hash needs several slots and still gets them, while
// smaller ones keep coming.
func TestLargestHashIsNotStarved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := newPool(t, argon2.Config{Params: small, Slots: 4, Queue: 100, Wait: time.Minute})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for ctx.Err() == nil {
					if release, err := pool.Occupy(ctx, someone, 64); err == nil {
						time.Sleep(time.Millisecond)
						release()
					}
				}
			})
		}
		time.Sleep(10 * time.Millisecond)
		release, err := pool.Occupy(t.Context(), someone, argon2.MaxMemory)
		if err != nil {
			t.Error(err)
		} else {
			if s := pool.Stats(); s.InUse != 1 {
				t.Errorf("others run beside it: %+v", s)
			}
			release()
		}
		cancel()
		wg.Wait()
		idle(t, pool)
	})
}

func TestOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := newPool(t, argon2.Config{Params: small, Slots: 2, Queue: 3, Wait: time.Second})
		release := occupy(t, pool, 2, 64)

		// Three wait, and give up after a second.
		start := time.Now()
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if _, err := pool.Hash(t.Context(), someone, []byte("x")); !errors.Is(err, argon2.ErrOverloaded) || time.Since(start) != time.Second {
					t.Errorf("%v after %v", err, time.Since(start))
				}
			})
		}
		synctest.Wait()
		if s := pool.Stats(); s.InUse != 2 || s.Waiting != 3 || s.Overloaded != 0 {
			t.Errorf("%+v", s)
		}

		// One more is sent away at once.
		if ok, err := pool.Verify(t.Context(), someone, pool.Dummy(), []byte("x")); ok || !errors.Is(err, argon2.ErrOverloaded) || time.Since(start) != 0 {
			t.Errorf("%v, %v after %v", ok, err, time.Since(start))
		}
		wg.Wait()
		if s := pool.Stats(); s.Waiting != 0 || s.Overloaded != 4 {
			t.Errorf("%+v", s)
		}

		// The overload leaves nothing behind.
		release()
		idle(t, pool)
		occupy(t, pool, 2, 64)()
		if err := pool.Burn(t.Context(), someone); err != nil {
			t.Error(err)
		}
		idle(t, pool)
	})
}

func TestWaiterGetsTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := newPool(t, argon2.Config{Params: small, Slots: 1})
		release := occupy(t, pool, 1, 64)
		time.AfterFunc(2*time.Second, release) // within the default wait of 3 s
		if err := pool.Burn(t.Context(), someone); err != nil {
			t.Error(err)
		}
		idle(t, pool)
	})
}

func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := newPool(t, argon2.Config{Params: small, Slots: 1, Wait: time.Minute})

		// Ended before: no hash, even with a slot free.
		ended, end := context.WithCancel(t.Context())
		end()
		if _, err := pool.Hash(ended, someone, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}

		// Ended in the queue.
		release := occupy(t, pool, 1, 64)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := pool.Burn(short, someone); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, argon2.ErrOverloaded) {
			t.Errorf("got %v", err)
		}
		if s := pool.Stats(); s.Waiting != 0 || s.Overloaded != 0 {
			t.Errorf("%+v", s)
		}
		release()
		idle(t, pool)
	})
}

// Other work takes the same slots.
func TestDo(t *testing.T) {
	pool := newPool(t, argon2.Config{Params: small, Slots: 1, Wait: time.Millisecond})
	busy, done := make(chan struct{}), make(chan struct{})
	ended := make(chan error)
	go func() { ended <- pool.Do(t.Context(), someone, 8, func() { close(busy); <-done }) }()
	<-busy
	ran := false
	if err := pool.Do(t.Context(), someone, 8, func() { ran = true }); !errors.Is(err, argon2.ErrOverloaded) || ran {
		t.Errorf("a second one got %v and ran: %v", err, ran)
	}
	if _, err := pool.Hash(t.Context(), someone, nil); !errors.Is(err, argon2.ErrOverloaded) {
		t.Errorf("a hash got %v", err)
	}
	close(done)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := pool.Do(t.Context(), someone, argon2.MaxMemory, func() { ran = true }); err != nil || !ran {
		t.Errorf("the largest got %v", err)
	}
	if err := pool.Do(t.Context(), someone, argon2.MaxMemory+1, func() {}); !errors.Is(err, argon2.ErrTooLarge) {
		t.Errorf("too large got %v", err)
	}
}
