package transfer_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

var (
	postgres = &dbserver.Shared{Kind: dbserver.PostgreSQL}
	mariadb  = &dbserver.Shared{Kind: dbserver.MariaDB}
)

func TestMain(m *testing.M) { os.Exit(dbserver.Main(m)) }

// now is the time on all databases.
var now = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

// sqlite makes an empty database in a file.
func sqlite(t testing.TB) store.Config {
	return store.Config{Path: filepath.Join(t.TempDir(), "identity.db")}
}

// on makes an empty database on a server.
func on(t testing.TB, shared *dbserver.Shared) store.Config {
	s := shared.Get(t)
	cfg := store.Config{Driver: store.PostgreSQL, Server: store.Server{
		Host: s.Host, Port: s.Port, Username: s.Username, Password: identity.NewSecret(s.Password), Schema: s.NewDatabase(t),
	}}
	if s.Kind == dbserver.MariaDB {
		cfg.Driver = store.MySQL
	}
	return cfg
}

// each runs a test on every database that is here.
func each(t *testing.T, test func(t *testing.T, cfg store.Config)) {
	t.Run("SQLite", func(t *testing.T) { test(t, sqlite(t)) })
	for _, server := range []*dbserver.Shared{postgres, mariadb} {
		t.Run(string(server.Kind), func(t *testing.T) {
			if server.Here(t) {
				test(t, on(t, server))
			}
		})
	}
}

// migrated opens the database and makes its tables.
func migrated(t testing.TB, cfg store.Config) *store.DB {
	t.Helper()
	cfg.Now = func() time.Time { return now }
	db, err := store.Open(cfg)
	must(t, err)
	t.Cleanup(func() { db.Close() })
	_, err = db.Migrate(context.Background())
	must(t, err)
	return db
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// hostile is what databases and texts like to change, in every table.
func hostile() map[string][][]any {
	const emoji = "Zoë 👩🏽‍🚒 \\ \" ' ; -- \t\r\n\u2028 </script> \ue000 é é"
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	const far = int64(1)<<53 + 1 // a number that no float has
	permissions := `["` + strings.Repeat("orders:read:<&>🦊", 480) + `"]`
	return map[string][][]any{
		"configuration": {{int64(1), "https://id.example/ ", int64(900000), int64(100), int64(0), int64(60000), int64(0), far, far, int64(0)}},
		"principals": {
			{"a", "user", int64(1)}, {"A", "user", int64(2)}, {"a ", "client", int64(3)}, {"~gone", "client", int64(-1)}, {"", "user", int64(0)},
		},
		"users": {
			{"a", "ann", "$argon2id$v=19$m=8,t=1,p=1$AA$AA", int64(1), int64(0), int64(1), permissions, `["*"]`, `{"n":1.50,"t":"` + "🦊" + `"}`, int64(1), int64(1), int64(9), int64(1), int64(2), int64(0), far},
			{"A", "ann ", "", int64(0), int64(1), int64(0), "[]", "[]", "{}", int64(0), int64(0), int64(1), int64(0), int64(0), int64(5), int64(0)},
			{"", emoji, "x", int64(0), int64(0), int64(1), "null", "", "", int64(0), int64(0), int64(1), int64(0), int64(0), int64(0), int64(0)},
		},
		"clients":        {{"a ", emoji, int64(1), "secret+signature", int64(1), permissions, `["*"]`, int64(0), "RS256", "private_key_jwt", "", "token_endpoint", "https://keys.example/ ", "{}", int64(0), int64(3), int64(1), int64(2), int64(0)}},
		"client_secrets": {{"expired ", "a ", "hash", int64(1), emoji, int64(1), int64(2), int64(0)}, {"live", "a ", "hash", int64(0), "", int64(1), int64(0), int64(7)}},
		"client_keys":    {{"k", "a ", "kid", `{"kty":"EC"}`, "trailing   ", int64(1), int64(0)}},
		"roles":          {{"r", emoji, permissions, int64(1), int64(0), int64(1), int64(1), int64(1)}},
		"principal_roles": {
			{"a", "r"}, {"a ", "r"}, {"", "r"},
		},
		"audiences": {{"u", "orders", emoji, "", int64(0), "", "a ", int64(1), int64(1), int64(1)}},
		"signing_keys": {
			{"active", "ES256", "{}", "w", "gAAAA", every, int64(1), int64(1), int64(2), int64(0), int64(0), int64(0)},
			{"retired", "RS256", "{}", "", "", []byte{}, int64(0), int64(1), int64(2), int64(3), int64(4), far},
		},
		"sealed_secrets": {{"refresh", far, "w", "gAAAA", every, int64(1)}, {"refresh ", int64(1), "", "", []byte{}, int64(0)}},
		"sessions": {
			{"live", "a", emoji, far, int64(1), `["pwd"]`, int64(0), int64(100), int64(1), int64(0), far, int64(0), "", "2001:db8::1", emoji},
			{"live ", "a ", "", int64(0), int64(0), "[]", int64(100), int64(100), int64(1), int64(2), int64(3), int64(2), "reuse", "", "trailing   "},
		},
		"spent_assertions": {{every[224:], int64(1)}, {every[:32], far}},
		"revocations":      {{"all", every[:16], "r ", "", int64(1), far, int64(1), ""}, {"jti", every[240:], "r", emoji, far, int64(1), int64(0), "a "}},
		"audit_events": {
			{int64(2), "e2", int64(1), "user.created", "success", "cli", emoji, "2001:db8::1", "r", `{"after":{"a":1}}`, int64(1), every[:32]},
			{far, "e1", int64(0), "x", "x", "", "", "", "", permissions, int64(0), []byte{}},
		},
		"audit_statements": {{int64(1), "cut", "a.b.c", int64(1)}, {int64(1), "head", "d.e.f", far}},
	}
}

// fill puts rows into a database without any.
func fill(t testing.TB, db *store.DB, rows map[string][][]any) {
	t.Helper()
	must(t, db.Fill(context.Background(), func(tx *store.DB) error {
		for _, table := range store.StateTables() {
			for _, row := range rows[table.Name] {
				if err := tx.InsertRows(context.Background(), table, row); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}
