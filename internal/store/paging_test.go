package store_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/store"
)

// many opens a database with this many users, of whom every tenth holds a role.
func many(t testing.TB, users int) (*store.DB, *sql.DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "identity.db")
	db, err := store.Open(store.Config{Path: path})
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	_, err = db.Migrate(t.Context())
	check(t, err)
	beside, err := sql.Open("sqlite", "file:"+path)
	check(t, err)
	t.Cleanup(func() { check(t, beside.Close()) })
	const count = `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?) `
	for _, statement := range []string{
		count + `INSERT INTO principals (id, kind, created_at) SELECT printf('id%07d', i), 'user', 0 FROM n`,
		count + `INSERT INTO users (id, username, password_hash, enabled, permissions, audiences, created_at, updated_at)
			SELECT printf('id%07d', i), printf('user%07d', i), '$argon2id$v=19$m=19456,t=2,p=1$c29tZSBzYWx0IGhlcmU$c29tZSB0YWcgaGVyZSBvZiAzMiBieXRlcyBsZW5ndGg', i % 2, '["a","b"]', '["*"]', 0, 0 FROM n`,
		`INSERT INTO roles (id, name, permissions, privileged, administers, version, created_at, updated_at) VALUES ('r', 'reader', '["c"]', 0, 0, 1, 0, 0)`,
		count + `INSERT INTO principal_roles (principal_id, role_id) SELECT printf('id%07d', i), 'r' FROM n WHERE i % 10 = 0`,
	} {
		var args []any
		if strings.Contains(statement, "?") {
			args = []any{users}
		}
		_, err := beside.ExecContext(t.Context(), statement, args...)
		check(t, err)
	}
	return db, beside
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A page of users is found by an index, wherever it begins and whatever is asked for:
// no query looks at all of them.
func TestUserPagesUseIndex(t *testing.T) {
	_, beside := many(t, 100)
	enabled := true
	for name, f := range map[string]store.UserFilter{
		"all":            {Limit: 50},
		"a later page":   {Limit: 50, After: "user0000050"},
		"by name":        {Limit: 50, Prefix: "user00"},
		"enabled":        {Limit: 50, Enabled: &enabled},
		"enabled, later": {Limit: 50, Enabled: &enabled, After: "user0000050", Prefix: "u"},
	} {
		query, args := store.UsersQueryForTest(f)
		text := plan(t, beside, query, args)
		if !strings.Contains(text, "SEARCH users USING INDEX") || strings.Contains(text, "SCAN users") || strings.Contains(text, "SCAN p") || strings.Contains(text, "SCAN r") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}

// plan returns how the query is carried out.
func plan(t *testing.T, db *sql.DB, query string, args []any) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	check(t, err)
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		check(t, rows.Scan(&id, &parent, &unused, &step))
		steps = append(steps, step)
	}
	check(t, rows.Err())
	return strings.Join(steps, "\n")
}

// BenchmarkUserPages reads the first and the last page of 200,000 users in turn. What
// matters is last/first.
func BenchmarkUserPages(b *testing.B) {
	db, _ := many(b, 200_000)
	read := func(after string) {
		page, err := db.Users(b.Context(), store.UserFilter{After: after, Limit: 50})
		check(b, err)
		if len(page) != 50 {
			b.Fatalf("%d users on the page", len(page))
		}
	}
	for name, after := range map[string]string{"first": "", "last": "user0199949"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				read(after)
			}
		})
	}
}
