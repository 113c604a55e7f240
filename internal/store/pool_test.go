package store_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// The server is asked how many connections there are, while fifty want one.
func TestThePoolIsAsLargeAsConfigured(t *testing.T) {
	onServers(t, func(t *testing.T, p place) {
		check(t, p.migrated(t).Close())
		for _, c := range []struct{ size, overflow int }{{1, 0}, {1, 2}, {2, 0}, {10, 10}} {
			t.Run(fmt.Sprintf("%d and %d", c.size, c.overflow), func(t *testing.T) {
				eventually(t, 5*time.Second, "earlier connections are gone", func() bool { return p.connections(t) == 0 })
				db := p.open(t, pool(c.size, c.overflow), patience(20*time.Second))
				// Following is what takes the last of them.
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				follower := db.Follow(discard)
				go follower.Run(ctx)
				var clients sync.WaitGroup
				for i := range 50 {
					clients.Go(func() {
						for n := 0; ctx.Err() == nil; n++ {
							if err := db.RecordLogins(context.Background(), map[string]time.Time{fmt.Sprint(i, n): time.Now()}); err != nil {
								t.Error(err)
							}
						}
					})
				}
				most := 0
				for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); {
					most = max(most, p.connections(t))
				}
				cancel()
				clients.Wait()
				check(t, follower.Poll(t.Context())) // the end may have cut a poll off, and its connection
				if most != c.size+c.overflow {
					t.Errorf("there were up to %d connections, want %d", most, c.size+c.overflow)
				}
				eventually(t, 5*time.Second, fmt.Sprintf("%d connections stay", c.size), func() bool { return p.connections(t) == c.size })
				s := db.Stats()
				if s.Open != c.size || s.Idle != c.size || s.InUse != 0 || s.Limit != c.size+c.overflow || s.Waits == 0 || s.Polls == 0 {
					t.Errorf("the store counts %+v", s)
				}
				check(t, db.Close())
			})
		}
	})
}

// Following has a connection of its own where there is more than one: memory that nothing
// has changed stays, whatever the load.
func TestMemoryStaysUnderLoad(t *testing.T) {
	onServers(t, func(t *testing.T, p place) {
		check(t, p.migrated(t).Close())
		db := p.open(t, pool(1, 3), patience(20*time.Second))
		follower := db.Follow(discard)
		check(t, follower.Poll(t.Context()))
		var loads atomic.Int64
		cache := store.NewCache(follower, store.KindClient, 10, time.Hour, func(context.Context, string) (int, error) {
			loads.Add(1)
			return 1, nil
		})
		for range 20 {
			var together sync.WaitGroup
			for range 6 {
				together.Go(func() {
					if _, err := db.UserByName(t.Context(), "nobody"); identity.KindOf(err) != identity.NotFound {
						t.Error(err)
					}
				})
			}
			check(t, follower.Poll(t.Context()))
			together.Wait()
			_, err := cache.Get(t.Context(), "shop")
			check(t, err)
		}
		if n := loads.Load(); n != 1 {
			t.Errorf("what nothing has changed was loaded %d times", n)
		}
	})
}

func TestOneConnectionIsEnough(t *testing.T) {
	onServers(t, func(t *testing.T, p place) {
		db := p.open(t, pool(1, 0))
		ctx := t.Context()
		check(t, db.Exclusively(ctx, func() error {
			if _, err := db.Migrate(ctx); err != nil {
				return err
			}
			return db.Change(ctx, func(tx *store.DB) error { return tx.CreateUser(ctx, user("ann")) })
		}))
		if n := p.connections(t); n != 1 {
			t.Errorf("%d connections", n)
		}
		check(t, db.Exclusively(ctx, func() error { return nil })) // it was given back
		check(t, db.Follow(discard).Poll(ctx))
		check(t, db.Tx(ctx, func(tx *store.DB) error {
			_, err := tx.UserByName(ctx, "ann")
			return err
		}))
	})
}

func TestWhoWaitsTooLongForAConnectionIsToldSo(t *testing.T) {
	onServers(t, func(t *testing.T, p place) {
		db := p.migrated(t, pool(2, 1), patience(300*time.Millisecond))
		ctx := t.Context()
		release := make(chan struct{})
		var holding, held sync.WaitGroup
		for range 2 { // the third connection follows
			holding.Add(1)
			held.Go(func() {
				err := db.Tx(ctx, func(tx *store.DB) error {
					holding.Done()
					<-release
					_, err := tx.Revision(ctx)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		holding.Wait()
		for name, verb := range verbs(db) {
			begun := time.Now()
			wantUnavailable(t, verb(ctx))
			if took := time.Since(begun); took < 250*time.Millisecond || took > 5*time.Second {
				t.Errorf("%s waited for %v", name, took)
			}
		}
		check(t, db.Follow(discard).Poll(ctx)) // it has its own
		close(release)
		held.Wait()
		for name, verb := range verbs(db) {
			if err := verb(ctx); err != nil {
				t.Errorf("%s afterwards: %v", name, err)
			}
		}
	})
}

// verbs are one of each sort: a read, a write by itself, a write of several statements,
// a transaction.
func verbs(db *store.DB) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"UserByName": func(ctx context.Context) error {
			if _, err := db.UserByName(ctx, "nobody"); identity.KindOf(err) != identity.NotFound {
				return err
			}
			return nil
		},
		"SpendAssertion": func(ctx context.Context) error {
			_, err := db.SpendAssertion(ctx, sha256.Sum256([]byte(identity.NewID(time.Now()))), time.Now())
			return err
		},
		"PruneAssertions": func(ctx context.Context) error { _, err := db.PruneAssertions(ctx, 10); return err },
		"RecordLogins": func(ctx context.Context) error {
			return db.RecordLogins(ctx, map[string]time.Time{"nobody": time.Now()})
		},
		"Change": func(ctx context.Context) error {
			return db.Change(ctx, func(tx *store.DB) error { return tx.CreateUser(ctx, user(identity.NewID(time.Now()))) })
		},
	}
}

// A server that says nothing, which no error tells, ends no verb later than patience.
func TestASilentServerIsNotWaitedFor(t *testing.T) {
	onOwnServers(t, dbserver.Options{}, func(t *testing.T, p place) {
		const limit = 500 * time.Millisecond
		db := p.migrated(t, pool(3, 3), patience(limit))
		ctx := t.Context()
		together(20, func(int) { check(t, db.RecordLogins(ctx, map[string]time.Time{"nobody": time.Now()})) })
		runtime.GC()
		goroutines := runtime.NumGoroutine()
		for phase, pauseIn := range map[string]bool{"before": false, "within a transaction": true} {
			if pauseIn {
				for name, end := range map[string]error{"commit": nil, "roll back": errors.New("refused")} {
					begun := time.Now()
					err := db.Tx(ctx, func(*store.DB) error {
						p.Pause(t)
						begun = time.Now()
						return end
					})
					if took := time.Since(begun); took > 3*limit {
						t.Errorf("%s took %v", name, took)
					}
					if end == nil {
						wantUnavailable(t, err)
					} else if !errors.Is(err, end) {
						t.Errorf("%s: %v", name, err)
					}
					p.Resume(t)
				}
				continue
			}
			p.Pause(t)
			for name, verb := range verbs(db) {
				begun := time.Now()
				wantUnavailable(t, verb(ctx))
				if took := time.Since(begun); took > 3*limit {
					t.Errorf("paused %s, %s took %v", phase, name, took)
				}
			}
			p.Resume(t)
		}
		eventually(t, 10*time.Second, "everything works", func() bool {
			for _, verb := range verbs(db) {
				if verb(ctx) != nil {
					return false
				}
			}
			return true
		})
		eventually(t, 20*time.Second, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines })
		eventually(t, 10*time.Second, "no connection is left", func() bool { return p.connections(t) <= 3 })
	})
}

// Each of these reads and writes with statements that nobody has prepared yet, while all
// connections are taken: were one to need a second connection, all would wait for ever.
func TestTransactionsDoNotWaitForEachOthersConnections(t *testing.T) {
	onServers(t, func(t *testing.T, p place) {
		check(t, p.migrated(t).Close())
		db := p.open(t, pool(2, 1), patience(20*time.Second))
		ctx := t.Context()
		together(10, func(i int) {
			err := db.Tx(ctx, func(tx *store.DB) error {
				_, err := tx.UserByName(ctx, fmt.Sprint("user ", i))
				if identity.KindOf(err) != identity.NotFound {
					return fmt.Errorf("a user that is not there: %w", err)
				}
				first, err := tx.SpendAssertion(ctx, sha256.Sum256([]byte{byte(i)}), time.Now())
				if err != nil || !first {
					return fmt.Errorf("spend: %v %w", first, err)
				}
				if err := tx.RecordLogins(ctx, map[string]time.Time{"x": time.Now()}); err != nil {
					return err
				}
				return tx.Change(ctx, func(tx *store.DB) error { return tx.CreateUser(ctx, user(fmt.Sprint("user ", i))) })
			})
			if err != nil {
				t.Error(err)
			}
		})
		all, err := db.Users(ctx, store.UserFilter{Limit: 100})
		check(t, err)
		if len(all) != 10 {
			t.Errorf("%d users", len(all))
		}
	})
}
