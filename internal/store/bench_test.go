package store_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// benchmarked is how many users and clients there are while something is measured.
const benchmarked = 100

// BenchmarkOperations measures what requests ask of a database: alone, and from eight
// goroutines for each core, which share the pool of connections.
func BenchmarkOperations(b *testing.B) {
	for _, name := range []string{"SQLite", string(dbserver.PostgreSQL), string(dbserver.MariaDB)} {
		b.Run(name, func(b *testing.B) {
			cfg, here := benchPlace(b, name)
			if !here {
				return
			}
			db := benchDatabase(b, cfg)
			for _, o := range operations {
				b.Run(o.name+"/alone", func(b *testing.B) {
					for b.Loop() {
						benchCheck(b, o.do(b.Context(), db))
					}
				})
				b.Run(o.name+"/together", func(b *testing.B) {
					b.SetParallelism(8)
					b.RunParallel(func(pb *testing.PB) {
						for pb.Next() {
							if err := o.do(b.Context(), db); err != nil {
								b.Error(err)
								return
							}
						}
					})
				})
			}
		})
	}
}

// next chooses among users and clients.
var next atomic.Int64

func chosen() int { return int(next.Add(7) % benchmarked) }

var operations = []struct {
	name string
	do   func(ctx context.Context, db *store.DB) error
}{
	{"read-user", func(ctx context.Context, db *store.DB) error {
		_, err := db.UserByName(ctx, benchUser(chosen()).Username)
		return err
	}},
	{"read-client", func(ctx context.Context, db *store.DB) error {
		_, err := db.Client(ctx, benchClient(chosen()).ID)
		return err
	}},
	{"insert", func(ctx context.Context, db *store.DB) error {
		var digest [32]byte
		_, _ = rand.Read(digest[:]) // never fails
		_, err := db.SpendAssertion(ctx, digest, time.Now().Add(time.Hour))
		return err
	}},
	// A login from an address that is familiar counts the attempt, reads the user, counts it
	// no more, and stores the session.
	{"login", func(ctx context.Context, db *store.DB) error {
		now, username := time.Now(), benchUser(chosen()).Username
		account := identity.UserThrottle(username, username).From("192.0.2.1")
		found, err := db.Throttles(ctx, account.Owner, account.ID)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			next, _ := found[0].Begin(now)
			if _, err := db.SwapThrottle(ctx, found[0], next); err != nil { // somebody else may be faster
				return err
			}
		}
		user, err := db.UserByName(ctx, username)
		if err != nil {
			return err
		}
		if err := db.KeepFamiliar(ctx, account.Proven(now)); err != nil {
			return err
		}
		return db.BeginSession(ctx, identity.Session{
			ID: identity.NewID(now), UserID: user.ID, Audience: "orders", TokensFrom: user.TokensFrom, AMR: []string{"pwd"}, MaxRefreshes: 100,
			CreatedAt: now, ExpiresAt: now.Add(time.Hour), IP: "192.0.2.1", UserAgent: "a program",
		})
	}},
	{"administer", func(ctx context.Context, db *store.DB) error {
		return db.Change(ctx, func(tx *store.DB) error {
			now := time.Now()
			u := user(identity.NewID(now))
			if err := tx.CreateUser(ctx, u); err != nil {
				return err
			}
			return tx.AppendEvent(ctx, identity.Event{
				ID: identity.NewID(now), At: now, Name: "user.created", Outcome: identity.OutcomeSuccess, Actor: "admin", Target: u.ID, Detail: []byte("{}"),
			})
		})
	}},
}

func benchUser(i int) identity.User {
	u := user(fmt.Sprintf("user %d", i))
	u.ID = fmt.Sprintf("user-%d", i)
	return u
}

func benchClient(i int) identity.Client {
	now := time.Now()
	id := fmt.Sprintf("client-%d", i)
	return identity.Client{
		ID: id, Name: id, Enabled: true, Require: identity.ProofSecret, Audiences: []string{identity.AnyAudience}, CreatedAt: now, UpdatedAt: now,
		Secrets: []identity.ClientSecret{{ID: fmt.Sprintf("%08d", i), Hash: "hash", CreatedAt: now}},
	}
}

// benchPlace is an empty database of a kind.
func benchPlace(b *testing.B, name string) (cfg store.Config, here bool) {
	b.Helper()
	if name == "SQLite" {
		return store.Config{Path: filepath.Join(b.TempDir(), "identity.db")}, true
	}
	s := shared[dbserver.Kind(name)]
	if !s.Here(b) {
		return cfg, false
	}
	at := s.Get(b)
	return place{at, at.NewDatabase(b)}.config(), true
}

// benchDatabase has the users and clients.
func benchDatabase(b *testing.B, cfg store.Config) *store.DB {
	b.Helper()
	db, err := store.Open(cfg)
	benchCheck(b, err)
	b.Cleanup(func() { db.Close() })
	_, err = db.Migrate(b.Context())
	benchCheck(b, err)
	benchCheck(b, db.Change(b.Context(), func(tx *store.DB) error {
		for i := range benchmarked {
			if err := tx.CreateUser(b.Context(), benchUser(i)); err != nil {
				return err
			}
			if err := tx.CreateClient(b.Context(), benchClient(i)); err != nil {
				return err
			}
		}
		return nil
	}))
	return db
}

func benchCheck(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
