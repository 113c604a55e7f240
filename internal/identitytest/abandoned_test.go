package identitytest_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// abandoned is how many things of each kind nobody comes back to: 100,000 in the nightly
// run.
func abandoned() int {
	if rounds, err := strconv.Atoi(os.Getenv("IDENTITY_FAULT_ROUNDS")); err == nil && rounds >= 100 {
		return 100_000
	}
	return 300
}

// TestAbandoned fills the database with spent assertions, sessions and names that somebody
// guessed at. Requests cost as many statements as before, there are never more names than
// the cap, and when their time has come all of them go.
func TestAbandoned(t *testing.T) {
	s := identitytest.New(t)
	db, ctx := s.Installation.DB, t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	requests := toCount(t, s)
	costs := func() map[string]int64 {
		of := map[string]int64{}
		for _, r := range requests {
			of[r.name] = least(t, s, func() int64 { return db.Stats().Statements }, r)
		}
		return of
	}
	before := costs()
	user := s.AddUser("alice", goodPassword)
	now, n, most := s.Clock.Now(), abandoned(), 100_000
	for i := 0; i < n; i += 1000 {
		must(db.Tx(ctx, func(tx *store.DB) error {
			for k := i; k < min(i+1000, n); k++ {
				if _, err := tx.SpendAssertion(ctx, sha256.Sum256(fmt.Append(nil, k)), now.Add(time.Hour)); err != nil {
					return err
				}
				if err := tx.BeginSession(ctx, identity.Session{
					ID: identity.NewID(now), UserID: user.ID, Audience: "a", Epoch: now.UnixMilli(), TokensFrom: user.TokensFrom, AMR: []string{"pwd"},
					MaxRefreshes: 1, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
				}); err != nil {
					return err
				}
				guess := identity.UserThrottle("", fmt.Sprint("somebody-", k))
				next := guess
				next.Attempts, next.BeganAt, next.NextAt, next.UpdatedAt, next.ExpiresAt = 1, now, now, now, now.Add(24*time.Hour)
				if _, err := tx.SwapThrottle(ctx, guess, next); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	for _, table := range []string{"spent_assertions", "sessions", "throttles"} {
		if found := s.Rows(table); found < n {
			t.Fatalf("%s has %d rows of %d", table, found, n)
		}
	}
	for name, cost := range costs() {
		if cost != before[name] {
			t.Errorf("%s costs %d statements, and %d before", name, cost, before[name])
		}
	}
	s.Upkeep(ctx)
	if found := s.Rows("throttles"); found > most {
		t.Errorf("there are %d names, more than %d", found, most)
	}
	s.Clock.Move(32 * 24 * time.Hour)
	s.Upkeep(ctx)
	for _, table := range []string{"spent_assertions", "sessions", "throttles"} {
		if found := s.Rows(table); found != 0 {
			t.Errorf("%d rows of %s are left", found, table)
		}
	}
}
