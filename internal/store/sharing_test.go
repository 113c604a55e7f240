package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/store"
)

// The lock ends with the connection of its holder, and waiting for it with the context.
func TestTheLockEndsWithItsHolder(t *testing.T) {
	onServers(t, func(t *testing.T, p place) {
		holder, other := p.open(t), p.open(t)
		ctx := t.Context()
		check(t, holder.Exclusively(ctx, func() error {
			short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
			defer cancel()
			err := other.Exclusively(short, func() error { return errors.New("both have it") })
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("waiting for the lock ended with %v", err)
			}
			p.endConnections(t)
			eventually(t, 5*time.Second, "the lock is free", func() bool {
				return other.Exclusively(ctx, func() error { return nil }) == nil
			})
			return nil
		}))
	})
}

func TestTheTimeIsTheDatabases(t *testing.T) {
	onServers(t, func(t *testing.T, p place) {
		for _, wrong := range []time.Duration{90 * time.Second, -90 * time.Second, 0} {
			db := p.migrated(t, func(cfg *store.Config) {
				cfg.Machine = func() time.Time { return time.Now().Add(wrong) }
			})
			if off := time.Until(db.Now()); off < -time.Second || off > time.Second {
				t.Errorf("with a clock that is wrong by %v, the time is off by %v", wrong, off)
			}
			poll := func() {
				for range 20 {
					check(t, db.Follow(discard).Poll(t.Context()))
				}
			}
			poll() // an answer that was slow says little, and each quick one says more
			before := db.ClockOffset()
			poll()
			if moved := db.ClockOffset() - before; moved < -50*time.Millisecond || moved > 50*time.Millisecond {
				t.Errorf("the offset moved by %v", moved)
			}
		}
	})
}

// Two transactions that take the same rows in opposite order both succeed.
func TestASacrificedTransactionIsRunAgain(t *testing.T) {
	onServers(t, func(t *testing.T, p place) {
		db := p.migrated(t)
		ctx := t.Context()
		ann, bob := user("ann"), user("bob")
		check(t, db.Change(ctx, func(tx *store.DB) error {
			return errors.Join(tx.CreateUser(ctx, ann), tx.CreateUser(ctx, bob))
		}))
		var met sync.WaitGroup
		met.Add(2)
		runs := make([]int, 2)
		together(2, func(i int) {
			first, second := ann.ID, bob.ID
			if i == 1 {
				first, second = second, first
			}
			err := db.Tx(ctx, func(tx *store.DB) error {
				runs[i]++
				if err := tx.RecordLogins(ctx, map[string]time.Time{first: time.Now()}); err != nil {
					return err
				}
				if runs[i] == 1 {
					met.Done()
					met.Wait()
				}
				return tx.RecordLogins(ctx, map[string]time.Time{second: time.Now().Add(time.Hour)})
			})
			if err != nil {
				t.Error(err)
			}
		})
		if runs[0]+runs[1] < 3 {
			t.Errorf("they ran %v times: one should have been sacrificed", runs)
		}
	})
}

func TestHowManyStatementsAVerbNeeds(t *testing.T) {
	onServers(t, func(t *testing.T, p place) {
		db := p.migrated(t)
		for name, most := range map[string]int64{"UserByName": 1, "SpendAssertion": 1} {
			before := db.Stats().Statements
			check(t, verbs(db)[name](t.Context()))
			if n := db.Stats().Statements - before; n != most {
				t.Errorf("%s took %d statements, want %d", name, n, most)
			}
		}
	})
}
