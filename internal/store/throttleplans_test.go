package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Of many names, most of which somebody has invented, no verb looks at more than it is
// about.
func TestThrottlesUseIndexes(t *testing.T) {
	useIndexes(t, "throttles", manyThrottles, ofThrottles(t.Context()))
}

// useIndexes expects that no verb looks at more than it is about, on any database, of the
// many rows of a table that fill makes.
func useIndexes(t *testing.T, table string, fill func(t *testing.T, db *store.DB) (inner *sql.DB), verbs func(through *store.DB) map[string]func() error) {
	t.Run("SQLite", func(t *testing.T) {
		db, err := store.Open(store.Config{Path: filepath.Join(t.TempDir(), "identity.db")})
		check(t, err)
		t.Cleanup(func() { check(t, db.Close()) })
		_, err = db.Migrate(t.Context())
		check(t, err)
		inner := fill(t, db)
		wantNoScan(t, db, verbs, func(s statement) (string, bool) {
			work := plan(t, inner, s.text, s.args)
			return work, strings.Contains(work, "SCAN") || strings.Contains(work, "TEMP B-TREE") && !strings.Contains(s.text, "OFFSET")
		})
	})
	onServers(t, func(t *testing.T, p place) {
		db := p.migrated(t)
		inner := fill(t, db)
		analyse := "ANALYZE TABLE " + table
		if p.Kind == dbserver.PostgreSQL {
			analyse = "ANALYZE " + table
		}
		_, err := inner.ExecContext(t.Context(), analyse)
		check(t, err)
		wantNoScan(t, db, verbs, func(s statement) (string, bool) {
			if p.Kind == dbserver.PostgreSQL {
				return blocksRead(t, inner, s)
			}
			if strings.HasPrefix(s.text, "INSERT") {
				return "", false // a row that is there by now
			}
			return rowsRead(t, inner, s)
		})
	})
}

// manyThrottles has 20,000 names, one of a hundred with many attempts and one expired, and
// an address of each that is familiar.
func manyThrottles(t *testing.T, db *store.DB) (inner *sql.DB) {
	t.Helper()
	store.ThroughForTest(db, func(of *sql.DB) *sql.DB { inner = of; return of })
	const batch = 1000
	now := time.Now()
	for from := 0; from < 20_000; from += batch {
		var rows []string
		for i := from; i < from+batch; i++ {
			name := throttled(i)
			attempts, expires := 1, now.Add(time.Hour)
			switch i % 100 {
			case 7:
				expires = now.Add(-time.Hour)
			case 42:
				attempts = 3 + i/100
			}
			row := func(x identity.Throttle, attempts int, expires time.Time) {
				rows = append(rows, fmt.Sprintf("('%s', '%s', 'user', '%s', '%s', %d, %d, 0, %d, %d)",
					x.ID, x.Owner, x.Name, x.Source, attempts, now.UnixMilli(), now.UnixMilli(), expires.UnixMilli()))
			}
			row(name, attempts, expires)
			row(name.From("192.0.2.1"), 0, now.Add(time.Hour))
		}
		_, err := inner.ExecContext(t.Context(), `INSERT INTO throttles (id, owner, kind, name, source, attempts, began_at, next_at, updated_at, expires_at) VALUES `+strings.Join(rows, ", "))
		check(t, err)
	}
	return inner
}

func throttled(i int) identity.Throttle {
	name := fmt.Sprint("name-", i)
	return identity.UserThrottle(name, name)
}

// ofThrottles are the verbs but LimitThrottles, which counts.
func ofThrottles(ctx context.Context) func(through *store.DB) map[string]func() error {
	return func(through *store.DB) map[string]func() error {
		one, familiar := throttled(777), throttled(778).From("192.0.2.2")
		return map[string]func() error{
			"Throttles": func() error { _, err := through.Throttles(ctx, one.ID, familiar.ID); return err },
			"SwapThrottle": func() error {
				read := one
				read.BeganAt = time.Now()
				_, err := through.SwapThrottle(ctx, read, one)
				return err
			},
			"ForgetThrottle": func() error { _, err := through.ForgetThrottle(ctx, one.ID); return err },
			"KeepFamiliar":   func() error { return through.KeepFamiliar(ctx, familiar.Proven(time.Now())) },
			"Throttled":      func() error { _, err := through.Throttled(ctx, store.ThrottleFilter{Limit: 51}); return err },
			"Throttled, a later page": func() error {
				_, err := through.Throttled(ctx, store.ThrottleFilter{Before: identity.Throttle{ID: "x", Attempts: 100}, Limit: 51})
				return err
			},
			"PruneThrottles": func() error { _, err := through.PruneThrottles(ctx, pruned); return err },
		}
	}
}
