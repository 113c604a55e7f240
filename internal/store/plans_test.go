package store_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Of many sessions, most of which live, no verb looks at more than it is about. A database
// that was never analysed is one too: nobody does that on SQLite.
func TestSessionsUseIndexes(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		db, err := store.Open(store.Config{Path: filepath.Join(t.TempDir(), "identity.db")})
		check(t, err)
		t.Cleanup(func() { check(t, db.Close()) })
		_, err = db.Migrate(t.Context())
		check(t, err)
		inner := manySessions(t, db, "")
		for _, analysed := range []string{"SELECT 1", "ANALYZE"} {
			_, err := inner.ExecContext(t.Context(), analysed)
			check(t, err)
			wantNoScan(t, db, ofSessions(t.Context()), func(s statement) (work string, looksAtAll bool) {
				work = plan(t, inner, s.text, s.args)
				all := strings.Contains(s.text, "ORDER BY id DESC") // in the order of the key, as far as the page
				return work, strings.Contains(work, "SCAN s") && !all || strings.Contains(work, "(expires_at>?)") || strings.Contains(work, "TEMP B-TREE FOR ORDER BY") && all
			})
		}
	})
	onServers(t, func(t *testing.T, p place) {
		db := p.migrated(t)
		analyse := "ANALYZE TABLE sessions"
		if p.Kind == dbserver.PostgreSQL {
			analyse = "ANALYZE sessions"
		}
		inner := manySessions(t, db, analyse)
		wantNoScan(t, db, ofSessions(t.Context()), func(s statement) (string, bool) {
			if p.Kind == dbserver.PostgreSQL {
				return blocksRead(t, inner, s)
			}
			return rowsRead(t, inner, s)
		})
	})
}

const (
	sessions = 100_000
	owners   = 10_000
	// most is what a verb may read, of more than that in the table, in rows or in blocks:
	// for a batch of those that are pruned, and of what lies beside them.
	pruned = 50
	most   = 20 * pruned
)

// manySessions fills the database, and returns its connections.
func manySessions(t *testing.T, db *store.DB, analyse string) (inner *sql.DB) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	check(t, db.Fill(ctx, func(tx *store.DB) error {
		rows := map[string]int{"configuration": 1, "principals": owners, "users": owners, "sessions": sessions}
		for _, table := range store.StateTables() {
			if err := fillTable(ctx, tx, table, rows[table.Name], now); err != nil {
				return err
			}
		}
		return nil
	}))
	store.ThroughForTest(db, func(of *sql.DB) *sql.DB { inner = of; return of })
	if analyse != "" {
		_, err := inner.ExecContext(ctx, analyse)
		check(t, err)
	}
	return inner
}

func fillTable(ctx context.Context, tx *store.DB, table store.Table, rows int, now time.Time) error {
	const batch = 1000
	for from := 0; from < rows; from += batch {
		var args []any
		for i := from; i < min(rows, from+batch); i++ {
			for _, c := range table.Columns {
				args = append(args, cell(table.Name, c, i, now))
			}
		}
		if err := tx.InsertRows(ctx, table, args); err != nil {
			return err
		}
	}
	return nil
}

func sessionID(i int) string { return fmt.Sprintf("%012x-7000", i) }
func ownerID(i int) string   { return fmt.Sprintf("owner-%05d", i) }

// cell is the value of a column in the i-th row of a table. Of a hundred sessions one has
// expired, and one was ended.
func cell(table string, c store.Column, i int, now time.Time) any {
	switch table + "." + c.Name {
	case "configuration.id":
		return int64(1)
	case "principals.id", "users.id", "users.username":
		return ownerID(i)
	case "principals.kind":
		return "user"
	case "sessions.id":
		return sessionID(i)
	case "sessions.user_id":
		return ownerID(i % owners)
	case "sessions.maximum":
		return int64(100)
	case "sessions.expires_at":
		if i%100 == 7 {
			return now.Add(-time.Hour).UnixMilli()
		}
		return now.Add(time.Hour + time.Duration(i)*time.Millisecond).UnixMilli()
	case "sessions.ended_at":
		if i%100 == 42 {
			return now.Add(-time.Hour).UnixMilli()
		}
	}
	switch {
	case c.Type == store.Integer:
		return int64(0)
	case c.Type == store.Blob:
		return []byte{}
	case c.Name == "permissions" || c.Name == "audiences" || c.Name == "proofs":
		return "[]"
	}
	return ""
}

// wantNoScan runs the verbs, and has every statement of theirs looked at.
func wantNoScan(t *testing.T, db *store.DB, verbs func(through *store.DB) map[string]func() error, look func(statement) (work string, looksAtAll bool)) {
	t.Helper()
	r := &recorder{}
	through := store.ThroughForTest(db, func(inner *sql.DB) *sql.DB {
		r.inner = inner
		return sql.OpenDB(r)
	})
	for name, verb := range verbs(through) {
		r.sent = nil
		check(t, verb())
		if len(r.sent) == 0 {
			t.Errorf("%s sent nothing", name)
		}
		for _, s := range r.sent {
			if work, all := look(s); all {
				t.Errorf("%s looks at too much: %s\n%s", name, s.text, work)
			}
		}
	}
}

// ofSessions are the verbs of sessions.
func ofSessions(ctx context.Context) func(through *store.DB) map[string]func() error {
	return func(through *store.DB) map[string]func() error {
		id, owner := sessionID(777), ownerID(777)
		return map[string]func() error{
			"Standing": func() error { _, err := through.Standing(ctx, id); return err },
			"Session":  func() error { _, err := through.Session(ctx, sessionID(778)); return err },
			"UseRefresh": func() error {
				_, err := through.UseRefresh(ctx, store.RefreshUse{SessionID: id, At: time.Now()})
				return err
			},
			"EndSession": func() error { _, err := through.EndSession(ctx, id, identity.EndLogout); return err },
			"Sessions": func() error {
				_, err := through.Sessions(ctx, store.SessionFilter{Limit: 51})
				return err
			},
			"Sessions, a later page": func() error {
				_, err := through.Sessions(ctx, store.SessionFilter{Before: sessionID(50_000), Limit: 51})
				return err
			},
			"Sessions of a user": func() error {
				_, err := through.Sessions(ctx, store.SessionFilter{UserID: owner, Limit: 51})
				return err
			},
			"Sessions of a user, a later page": func() error {
				_, err := through.Sessions(ctx, store.SessionFilter{UserID: owner, Before: sessionID(50_000), Limit: 51})
				return err
			},
			"EndSessionsOf": func() error { _, err := through.EndSessionsOf(ctx, owner, identity.EndLogout); return err },
			"PruneSessions": func() error { _, err := through.PruneSessions(ctx, pruned); return err },
		}
	}
}

// blocksRead has PostgreSQL carry the statement out, without effect, and count the blocks
// that it looks at.
func blocksRead(t *testing.T, db *sql.DB, s statement) (string, bool) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	check(t, err)
	defer tx.Rollback()
	var text string
	check(t, tx.QueryRowContext(t.Context(), "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+s.text, s.args...).Scan(&text))
	var explained []struct {
		Plan struct {
			Hit  int `json:"Shared Hit Blocks"`
			Read int `json:"Shared Read Blocks"`
		}
	}
	check(t, json.Unmarshal([]byte(text), &explained))
	return text, explained[0].Plan.Hit+explained[0].Plan.Read > most
}

// rowsRead has MariaDB carry the statement out, without effect, and count the rows and
// entries that it reads.
func rowsRead(t *testing.T, db *sql.DB, s statement) (string, bool) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	check(t, err)
	defer tx.Rollback()
	read := func() (n int) {
		check(t, tx.QueryRowContext(t.Context(), `SELECT SUM(variable_value) FROM information_schema.session_status WHERE variable_name LIKE 'HANDLER\_READ\_%'`).Scan(&n))
		return n
	}
	before := read()
	if strings.HasPrefix(s.text, "SELECT") {
		_, _, err = ask(t.Context(), tx, s.text, s.args)
	} else {
		_, err = tx.ExecContext(t.Context(), s.text, s.args...)
	}
	check(t, err)
	n := read() - before // and those of the question itself
	return fmt.Sprintf("%d rows and entries", n), n > most
}
