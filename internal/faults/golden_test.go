package faults_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/faults"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

var update = flag.Bool("update", false, "write the golden databases that are missing")

// golden is a database as a program with an older schema left it. There is one for each
// version of the schema, in testdata/golden/<version>.json, and it is never written
// again: it stands for what operators have. go test -update makes those that are missing.
type golden struct {
	EncryptionKey string
	// Administrator and User are passwords, of admin and ann; Secret is that of the
	// client shop.
	Administrator, User, Secret string
	// Refresh is a refresh token of ann's, from version 3 on.
	Refresh string `json:",omitempty"`
	// Tables are in the order in which they can be filled.
	Tables []goldenTable
}

type goldenTable struct {
	Name string
	// Columns are all that the table has in any kind of database; what one does not have
	// in this version is passed over.
	Columns []string
	// Rows have numbers and texts as such, and bytes as {"hex": "…"}.
	Rows [][]any
}

// goldenOrder has what refers to other rows after them.
var goldenOrder = []string{
	"revision", "changes", "configuration", "principals", "users", "clients", "client_secrets", "client_keys", "signing_keys", "spent_assertions",
	"roles", "principal_roles", "audiences", "audit_events", "sessions", "sealed_secrets", "leases", "throttles", "audit_chain", "audit_statements", "idempotency_keys", "revocations",
}

func goldenPath(version int64) string {
	return filepath.Join("testdata", "golden", fmt.Sprintf("%d.json", version))
}

// newestGolden is the last version that has a golden database.
func newestGolden(t *testing.T) (version int64) {
	t.Helper()
	for {
		if _, err := os.Stat(goldenPath(version + 1)); err != nil {
			break
		}
		version++
	}
	if version < 2 {
		t.Fatalf("the last golden database is that of version %d", version)
	}
	return version
}

func readGolden(t *testing.T, version int64) (g golden) {
	t.Helper()
	text := must(os.ReadFile(goldenPath(version)))(t)
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	must(0, decoder.Decode(&g))(t)
	return g
}

// migrator is what brings the schema to any version.
func (d *database) migrator() *goose.Provider {
	d.Helper()
	folder, dialect := "sqlite", goose.DialectSQLite3
	db := d.open()
	if d.server != nil {
		folder, dialect = "mysql", goose.DialectMySQL
		if d.server.Kind == dbserver.PostgreSQL {
			folder, dialect = "postgres", goose.DialectPostgres
			d.exec(db, `CREATE SCHEMA IF NOT EXISTS `+d.name)
		}
	}
	return must(goose.NewProvider(dialect, db, os.DirFS("../store/migrations/"+folder)))(d.T)
}

// fill makes an empty database what it was in a version, and returns that.
func (d *database) fill(version int64) golden {
	d.Helper()
	must(d.migrator().UpTo(d.Context(), version))(d.T)
	g := readGolden(d.T, version)
	db := d.open()
	has := d.columns(db)
	for _, table := range []string{"revision", "leases", "audit_chain"} { // migrations have put something in
		if len(has[table]) > 0 {
			d.exec(db, `DELETE FROM `+table)
		}
	}
	for _, table := range g.Tables {
		for _, row := range table.Rows {
			var columns, places []string
			var values []any
			for i, v := range row {
				if !slices.Contains(has[table.Name], table.Columns[i]) {
					continue
				}
				switch value := v.(type) {
				case json.Number:
					v = must(value.Int64())(d.T)
				case map[string]any:
					v = must(hex.DecodeString(value["hex"].(string)))(d.T)
				}
				columns, places, values = append(columns, table.Columns[i]), append(places, "?"), append(values, v)
			}
			d.exec(db, `INSERT INTO `+table.Name+` (`+strings.Join(columns, ", ")+`) VALUES (`+strings.Join(places, ", ")+`)`, values...)
		}
	}
	if d.server != nil && d.server.Kind == dbserver.PostgreSQL && len(has["audit_chain"]) > 0 { // the others count rows that have their number
		d.exec(db, `SELECT setval(pg_get_serial_sequence('audit_events', 'seq'), (SELECT MAX(seq) FROM audit_events))`)
	}
	d.settings["ENCRYPTION_KEY"], d.settings["ADMIN_PASSWORD"] = g.EncryptionKey, g.Administrator
	return g
}

// run runs a command of the program to its end.
func (d *database) run(own map[string]string, command ...string) (output string, err error) {
	d.Helper()
	return d.runIn(d.Context(), own, command...)
}

// runIn is run until the context ends: then it kills the program.
func (d *database) runIn(ctx context.Context, own map[string]string, command ...string) (output string, err error) {
	d.Helper()
	cmd := exec.CommandContext(ctx, faults.Build(d.T), command...)
	cmd.Dir = d.TempDir()
	env := maps.Clone(d.settings)
	maps.Copy(env, own)
	for name, value := range env {
		if value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestGolden brings the databases of earlier versions up to date: every row is what it
// was, and people and machines log in as before.
func TestGolden(t *testing.T) {
	needs := int64(0)
	versions := newDatabase(t, nil).migrator().ListSources()
	for _, source := range versions {
		needs = max(needs, source.Version)
		if *update {
			writeGolden(t, source.Version)
		}
	}
	onEach(t, func(first *database) {
		for version := int64(1); version <= needs; version++ {
			d := first.another()
			g := d.fill(version)
			db := d.open()
			columns := d.columns(db)
			before := d.rows(db, columns)
			if len(before["users"]) != 2 || len(before["spent_assertions"]) != 1 {
				d.Fatalf("version %d: this is no database to try a migration on: %v", version, before)
			}
			if out, err := d.run(nil, "migrate"); err != nil {
				d.Fatalf("version %d: %v\n%s", version, err, out)
			}
			after := d.rows(db, columns)
			for table, rows := range before {
				if added := len(after[table]) - len(rows); table == "leases" && added > 0 { // of jobs that there were not before
					after[table] = slices.DeleteFunc(after[table], func(row string) bool { return !slices.Contains(rows, row) })
				}
				if !reflect.DeepEqual(rows, after[table]) {
					d.Errorf("version %d: before the migration %s had\n%v\nand after it\n%v", version, table, rows, after[table])
				}
			}
			d.worksAs(g, d.ready())
			d.former(g)
		}
	})
}

// worksAs has those log in that a golden database knows.
func (d *database) worksAs(g golden, nodes ...*faults.Process) {
	d.Helper()
	for _, node := range nodes {
		c := d.administrator(node, newLedger(d.T))
		must(c.Login(d.Context(), "ann", g.User, "shop"))(d.T)
		must(c.Token(d.Context(), faults.Secret("shop", g.Secret), "shop"))(d.T)
		if g.Refresh != "" { // within the grace it may be used on each
			must(0, c.Write(d.Context(), "refresh", "ann", "POST", "/auth/refresh", api.RefreshRequest{RefreshToken: g.Refresh}, nil))(d.T)
		}
		state := must(c.ReadState(d.Context()))(d.T)
		if len(state.Users) != 2 || len(state.Clients) != 2 {
			d.Errorf("there are %d users and %d clients, want 2 and 2", len(state.Users), len(state.Clients))
		}
	}
}

// former runs the program of the release before beside this one, on the schema of this
// one: IDENTITY_FORMER_BINARY says where it is. Until there was a release there is none.
func (d *database) former(g golden) {
	d.Helper()
	binary := os.Getenv("IDENTITY_FORMER_BINARY")
	if binary == "" {
		d.Log("did not run: the release before, because IDENTITY_FORMER_BINARY does not say where it is")
		return
	}
	former := faults.Start(d.T, binary, d.settings)
	must(former.Ready(readyEver))(d.T)
	d.worksAs(g, former, d.ready())
}

// writeGolden writes the golden database of a version, if it is missing. Migrations only
// add: the tables that a version has are filled as the present program does.
func writeGolden(t *testing.T, version int64) {
	t.Helper()
	if _, err := os.Stat(goldenPath(version)); !errors.Is(err, fs.ErrNotExist) {
		return
	}
	empty := newDatabase(t, nil)
	must(empty.migrator().UpTo(t.Context(), version))(t)
	tables := empty.columns(empty.open())

	d := newDatabase(t, nil)
	node := d.ready()
	ctx := t.Context()
	c := d.administrator(node, newLedger(t))
	key := faults.NewKey(t, jose.EdDSA)
	must(c.CreateUser(ctx, api.CreateUserRequest{Username: "ann", Password: firstPassword}))(t)
	made := must(c.CreateClient(ctx, api.CreateClientRequest{ClientID: "shop", Name: "Shop"}))(t)
	must(c.CreateClient(ctx, api.CreateClientRequest{ClientID: "robot", Name: "Robot", PublicKey: key.Public()}))(t)
	must(c.Token(ctx, must(key.Assertion("robot", issuer))(t), "shop"))(t)
	must(0, c.Write(ctx, "role", "r", "POST", "/api/roles", api.CreateRoleRequest{Name: "reader", Permissions: api.List[string]{"shop:read"}}, nil))(t)
	must(0, c.Write(ctx, "audience", "a", "POST", "/api/audiences", map[string]any{"audience": "shop", "name": "Shop", "introspection_client": "shop"}, nil))(t)
	must(0, c.Write(ctx, "revocation", "v", "POST", "/api/revocations", map[string]any{"kind": "jti", "value": "v"}, nil))(t)
	session := must(c.Refresh(ctx, must(c.Login(ctx, "ann", firstPassword, "shop"))(t)))(t)
	must(0, node.Terminate())(t)

	g := golden{EncryptionKey: d.settings["ENCRYPTION_KEY"], Administrator: adminPassword, User: firstPassword, Secret: made.ClientSecret}
	if len(tables["sessions"]) > 0 {
		g.Refresh = session.RefreshToken
	}
	db := d.open()
	// They must not expire, or they would be forgotten.
	for _, table := range []string{"spent_assertions", "sessions", "throttles"} {
		d.exec(db, `UPDATE `+table+` SET expires_at = ?`, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
	}
	columns := d.columns(db)
	for _, name := range goldenOrder {
		names := columns[name]
		if len(tables[name]) == 0 {
			continue
		}
		table := goldenTable{Name: name, Columns: names}
		d.each(db, name, names, func(values []any) {
			for i, v := range values {
				if bytes, ok := v.([]byte); ok {
					values[i] = map[string]string{"hex": hex.EncodeToString(bytes)}
				}
			}
			table.Rows = append(table.Rows, values)
		})
		g.Tables = append(g.Tables, table)
	}
	must(0, os.MkdirAll(filepath.Dir(goldenPath(version)), 0o755))(t)
	must(0, os.WriteFile(goldenPath(version), append(must(json.MarshalIndent(g, "", "\t"))(t), '\n'), 0o644))(t)
}
