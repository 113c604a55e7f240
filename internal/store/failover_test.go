package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

func TestARestartedServerIsUsedAgain(t *testing.T) {
	onOwnServers(t, dbserver.Options{}, func(t *testing.T, p place) {
		db := p.migrated(t, pool(5, 5))
		works := func() bool {
			for _, verb := range verbs(db) {
				if verb(t.Context()) != nil {
					return false
				}
			}
			return true
		}
		together(10, func(int) { works() })
		p.Kill(t)
		for _, verb := range verbs(db) {
			wantUnavailable(t, verb(t.Context()))
		}
		p.Start(t)
		eventually(t, 5*time.Second, "everything works", works)
	})
}

// Nobody is refused for a connection from before a restart that nobody had used meanwhile:
// what has changed nothing yet is begun again on another one.
func TestNobodyPaysForARestart(t *testing.T) {
	onOwnServers(t, dbserver.Options{}, func(t *testing.T, p place) {
		const many = 20
		db := p.migrated(t, pool(many, many))
		ctx := t.Context()
		follower := db.Follow(discard)
		all := func() {
			t.Helper()
			check(t, follower.Poll(ctx))
			together(2*many, func(i int) {
				var err error
				if i%2 == 0 {
					_, err = db.Revision(ctx)
				} else {
					err = db.Tx(ctx, func(tx *store.DB) error { return tx.PruneChanges(ctx) })
				}
				if err != nil {
					t.Errorf("request %d: %v", i, err)
				}
			})
		}
		all()
		for range 3 {
			p.Kill(t)
			p.Start(t)
			all()
		}
	})
}

// What leads to a server that has become read-only is closed, and used again once it can
// be written to.
func TestAReadOnlyServerIsLeft(t *testing.T) {
	onOwnServers(t, dbserver.Options{}, func(t *testing.T, p place) {
		db := p.migrated(t, pool(4, 4))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		together(8, func(int) { check(t, db.PruneChanges(ctx)) })
		follower := db.Follow(discard)
		go follower.Run(ctx)
		p.setReadOnly(t, true)
		eventually(t, 3*time.Second, "no connection is left", func() bool { return p.connections(t) == 0 })
		for _, verb := range verbs(db) {
			wantUnavailable(t, verb(ctx))
		}
		wantUnavailable(t, follower.Poll(ctx))
		p.setReadOnly(t, false)
		eventually(t, 5*time.Second, "it is polled again", func() bool { return follower.Poll(ctx) == nil })
		for name, verb := range verbs(db) {
			if err := verb(ctx); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func (p place) setReadOnly(t *testing.T, readOnly bool) {
	t.Helper()
	if p.Kind == dbserver.PostgreSQL {
		p.SetReadOnly(t, readOnly)
		return
	}
	p.Admin(t, "", fmt.Sprintf("SET GLOBAL read_only = %v;", readOnly))
}

func TestTheFirstHostThatCanBeWrittenToIsUsed(t *testing.T) {
	if !dbserver.Here(t, dbserver.PostgreSQL) {
		return
	}
	primary := newPlace(t, dbserver.Start(t, dbserver.PostgreSQL, dbserver.Options{}))
	standby := primary.Standby(t)
	primary.migrated(t)
	db := primary.open(t, func(cfg *store.Config) {
		cfg.Server.Port = 1 // of a host that has none
		cfg.Server.Host = fmt.Sprintf("127.0.0.1, 127.0.0.1:%d, 127.0.0.1:%d", standby.Port, primary.Port)
	}, patience(5*time.Second))
	check(t, verbs(db)["Change"](t.Context()))
	primary.SyncTo(t, standby)
	check(t, verbs(db)["Change"](t.Context()))
	primary.Kill(t)
	standby.Promote(t)
	eventually(t, 5*time.Second, "the promoted standby is used", func() bool { return verbs(db)["Change"](t.Context()) == nil })
}

// After a failover to a standby that had not got the last change, another change has its
// number. A node that was connected before does not take one for the other.
func TestTheSameNumberMayBeAnotherChange(t *testing.T) {
	onServers(t, func(t *testing.T, p place) {
		db, ctx := p.migrated(t), t.Context()
		follower := db.Follow(discard)
		loads := 0
		cache := store.NewCache(follower, store.KindUser, 10, time.Hour, func(context.Context, string) (int, error) {
			loads++
			return loads, nil
		})
		ann := user("ann")
		change := func() {
			t.Helper()
			check(t, db.Change(ctx, func(tx *store.DB) error { return tx.CreateUser(ctx, ann) }))
		}
		change()
		check(t, follower.Poll(ctx))
		if got, err := cache.Get(ctx, ann.ID); got != 1 || err != nil {
			t.Fatal(got, err)
		}
		// What the standby has: the change is not there, and all connect anew.
		lost := "DELETE FROM changes; DELETE FROM users; DELETE FROM principals; UPDATE revision SET revision = revision - 1;"
		if p.Kind == dbserver.PostgreSQL {
			lost = `SET search_path = "its ""schema"""; ` + lost
		}
		p.Exec(t, p.database, lost)
		p.endConnections(t)
		eventually(t, 5*time.Second, "it is connected again", func() bool { _, err := db.Revision(ctx); return err == nil })
		change()
		eventually(t, 5*time.Second, "it is polled again", func() bool { return follower.Poll(ctx) == nil })
		if got, err := cache.Get(ctx, ann.ID); got != 2 || err != nil {
			t.Errorf("load %d is in memory (%v), want what came after the failover", got, err)
		}
	})
}

// A transaction that takes longer than one may is no mistake of the caller's.
func TestATransactionThatTakesTooLongIsUnavailable(t *testing.T) {
	onServers(t, func(t *testing.T, p place) {
		db, ctx := p.migrated(t), t.Context()
		store.LimitTransactionsForTest(db, 200*time.Millisecond)
		for name, last := range map[string]func(tx *store.DB) error{
			"a statement": func(tx *store.DB) error { _, err := tx.Revision(ctx); return err },
			"the commit":  func(*store.DB) error { return nil },
		} {
			err := db.Tx(ctx, func(tx *store.DB) error {
				if err := tx.PruneChanges(ctx); err != nil {
					return err
				}
				time.Sleep(400 * time.Millisecond) // longer than it may take
				return last(tx)
			})
			if err == nil {
				t.Fatalf("%s: no error", name)
			}
			wantUnavailable(t, err)
		}
	})
}
