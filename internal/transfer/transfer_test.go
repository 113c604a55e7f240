package transfer_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/transfer"
)

func written(t testing.TB, db *store.DB) []byte {
	t.Helper()
	var export bytes.Buffer
	_, err := transfer.Write(t.Context(), db, &export)
	must(t, err)
	return export.Bytes()
}

// into imports, and accepts what was imported.
func into(db *store.DB, export []byte) (transfer.Rows, error) {
	r, err := transfer.NewReader(bytes.NewReader(export))
	if err != nil {
		return nil, err
	}
	return r.Into(context.Background(), db, func(*store.DB, transfer.Rows) error { return nil })
}

var errEmpty = errors.New("it has no rows")

// wantUntouched wants a database without rows whose revision never moved.
func wantUntouched(t interface{ Fatalf(string, ...any) }, db *store.DB) {
	if err := db.Fill(context.Background(), func(*store.DB) error { return errEmpty }); !errors.Is(err, errEmpty) {
		t.Fatalf("the database is not empty: %v", err)
	}
	if revision, err := db.Revision(context.Background()); err != nil || revision != 0 {
		t.Fatalf("the revision is %d (%v), want 0", revision, err)
	}
}

// TestEveryColumnMoves fails when a migration adds a table or a column that
// store.StateTables does not know.
func TestEveryColumnMoves(t *testing.T) {
	var want []string
	for _, table := range store.StateTables() {
		for _, c := range table.Columns {
			want = append(want, table.Name+" "+c.Name+" "+map[store.ValueType]string{store.Integer: "integer", store.Text: "text", store.Blob: "blob"}[c.Type])
		}
	}
	slices.Sort(want)
	each(t, func(t *testing.T, cfg store.Config) {
		migrated(t, cfg)
		var has []string
		for _, column := range schema(t, cfg) {
			name, _, _ := strings.Cut(column, " ")
			if !slices.Contains([]string{"goose_db_version", "revision", "changes", "leases", "throttles", "audit_chain", "idempotency_keys"}, name) && !strings.HasPrefix(name, "sqlite_") {
				has = append(has, column)
			}
		}
		slices.Sort(has)
		if !slices.Equal(has, want) {
			t.Errorf("the schema has\n%s\nand what moves is\n%s", strings.Join(has, "\n"), strings.Join(want, "\n"))
		}
	})
}

// schema lists the columns of a database as "table column type".
func schema(t *testing.T, cfg store.Config) []string {
	if cfg.Driver == "" {
		db, err := sql.Open("sqlite", cfg.Path)
		must(t, err)
		defer db.Close()
		var list string
		must(t, db.QueryRow(`SELECT group_concat(m.name || ' ' || c.name || ' ' || lower(c.type), char(10)) FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'`).Scan(&list))
		return strings.Split(list, "\n")
	}
	server, where := postgres, "table_schema = '"+cfg.Server.Schema+"'"
	if cfg.Driver == store.MySQL {
		server = mariadb
	}
	// Text is VARBINARY in MySQL, so that it compares by its bytes; the names tell the
	// columns apart that are bytes.
	const kind = `CASE WHEN data_type IN ('smallint', 'bigint') THEN 'integer'
		WHEN data_type IN ('bytea', 'binary') OR column_name IN ('private_ciphertext', 'ciphertext', 'hash') THEN 'blob'
		WHEN data_type IN ('text', 'varbinary', 'mediumblob') THEN 'text' ELSE data_type END`
	query := `SELECT CONCAT(table_name, ' ', column_name, ' ', ` + kind + `) FROM information_schema.columns WHERE ` + where
	return strings.Split(server.Get(t).Exec(t, cfg.Server.Schema, query), "\n")
}

// TestAroundTheDatabases carries a hostile state from one kind of database to the next.
func TestAroundTheDatabases(t *testing.T) {
	first := migrated(t, sqlite(t))
	fill(t, first, hostile())
	want := written(t, first)
	for name, rows := range hostile() {
		if n := bytes.Count(want, []byte(`{"table":"`+name+`"`)); n != len(rows) || n == 0 {
			t.Errorf("%d rows of %s, want %d", n, name, len(rows))
		}
	}
	way := []store.Config{sqlite(t)}
	for _, server := range []*dbserver.Shared{postgres, mariadb} {
		if server.Here(t) {
			way = append(way, on(t, server))
		}
	}
	for _, cfg := range append(way, sqlite(t)) {
		db := migrated(t, cfg)
		rows, err := into(db, written(t, first))
		must(t, err)
		if rows["users"] != 3 || rows["audit_events"] != 2 {
			t.Errorf("%v were imported", rows)
		}
		if got := written(t, db); !bytes.Equal(got, want) {
			t.Fatalf("after %s the state is another:\n%s\nwant\n%s", cfg.Driver, got, want)
		}
		if revision, err := db.Revision(t.Context()); err != nil || revision == 0 {
			t.Errorf("the revision is %d (%v): nodes notice nothing", revision, err)
		}
		if end, err := db.AuditChain(t.Context()); err != nil || end.Number != 1 || len(end.Hash) != 32 {
			t.Errorf("the chain of the audit goes on from %+v (%v)", end, err)
		}
		undone := errors.New("undone")
		if err := db.Tx(t.Context(), func(tx *store.DB) error {
			err := tx.AppendEvent(t.Context(), identity.Event{ID: "new", At: now, Detail: []byte("{}")})
			return cmp.Or(err, undone)
		}); !errors.Is(err, undone) {
			t.Errorf("an event cannot be recorded: %v", err)
		}
		first = db
	}
}

// TestOneMoment writes while an export is read. What comes too late is left out whole,
// in tables that were not read yet too.
func TestOneMoment(t *testing.T) {
	each(t, func(t *testing.T, cfg store.Config) {
		db := migrated(t, cfg)
		state := hostile()
		user := state["users"][0]
		for _, id := range strings.Split("bcdefghijklmnop", "") { // so that a part is written before all is read
			other := slices.Clone(user)
			other[0], other[1] = id, "user "+id
			state["principals"] = append(state["principals"], []any{id, "user", int64(1)})
			state["users"] = append(state["users"], other)
		}
		fill(t, db, state)
		before := written(t, db)
		var export bytes.Buffer
		late := func(p []byte) (int, error) {
			if export.Len() == 0 {
				must(t, db.Change(t.Context(), func(tx *store.DB) error { return tx.DeleteClient(t.Context(), "a ") }))
			}
			return export.Write(p)
		}
		_, err := transfer.Write(t.Context(), db, writer(late))
		must(t, err)
		if !bytes.Equal(export.Bytes(), before) {
			t.Error("the export is not of one moment")
		}
		if bytes.Equal(written(t, db), before) {
			t.Error("nothing was written meanwhile: this test shows nothing")
		}
	})
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// TestNotIntoAnother leaves a database alone that has anything.
func TestNotIntoAnother(t *testing.T) {
	full := migrated(t, sqlite(t))
	fill(t, full, hostile())
	export := written(t, full)
	for _, table := range []string{"configuration", "principals", "signing_keys", "spent_assertions", "audit_events"} {
		db := migrated(t, sqlite(t))
		fill(t, db, map[string][][]any{table: hostile()[table]})
		before := written(t, db)
		if _, err := into(db, export); !errors.Is(err, store.ErrNotEmpty) {
			t.Errorf("into a database with %s: %v", table, err)
		}
		if !bytes.Equal(written(t, db), before) {
			t.Errorf("a database with %s was changed", table)
		}
	}
}

// TestWhoAcceptsLast: what finish refuses is not there.
func TestWhoAcceptsLast(t *testing.T) {
	full, db := migrated(t, sqlite(t)), migrated(t, sqlite(t))
	fill(t, full, hostile())
	r, err := transfer.NewReader(bytes.NewReader(written(t, full)))
	must(t, err)
	refused := errors.New("no")
	_, err = r.Into(t.Context(), db, func(tx *store.DB, rows transfer.Rows) error {
		if _, err := tx.Configuration(t.Context()); err != nil || rows["clients"] != 1 {
			t.Errorf("it sees %v, %v", rows, err)
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
	wantUntouched(t, db)
}

// checksummed ends lines with a last line that fits them, as somebody could who edits an
// export.
func checksummed(t testing.TB, lines []byte) []byte {
	rows := map[string]int{}
	for _, table := range store.StateTables() {
		rows[table.Name] = bytes.Count(lines, []byte(`{"table":"`+table.Name+`"`))
	}
	sum := sha256.Sum256(lines)
	last, err := json.Marshal(map[string]any{"rows": rows, "sha256": hex.EncodeToString(sum[:])})
	must(t, err)
	return append(append(slices.Clone(lines), last...), '\n')
}
