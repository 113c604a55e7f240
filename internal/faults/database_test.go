package faults_test

import (
	"database/sql"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	_ "github.com/jackc/pgx/v5/stdlib" // drivers, to look at databases from beside the service
	_ "modernc.org/sqlite"

	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/faults"
	"github.com/seed-60f9e3ad/identity/internal/seal"
)

// servers are those of all tests here. They are ours alone, whatever servers there are,
// because they get hurt; whoever hurts one mends it before the test ends.
var servers = map[dbserver.Kind]*dbserver.Shared{
	dbserver.PostgreSQL: {Kind: dbserver.PostgreSQL, Options: &dbserver.Options{}},
	dbserver.MariaDB:    {Kind: dbserver.MariaDB, Options: &dbserver.Options{}},
}

const (
	issuer = "https://id.example.com"
	// readySoon is how long a node that is started again may take until it serves: a
	// promise. readyEver is when a test gives up.
	readySoon, readyEver = 5 * time.Second, 30 * time.Second
)

// rounds is how many times in all a node is killed while it works; the other dice are
// thrown in proportion. The nightly run sets it to 200.
func rounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("IDENTITY_FAULT_ROUNDS")
	if text == "" {
		return 20
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("IDENTITY_FAULT_ROUNDS is %q, want a number of rounds", text)
	}
	return n
}

// nightly reports whether there is more time than in an ordinary run.
func nightly(t *testing.T) bool { return rounds(t) >= 100 }

// database is one that nodes of the service share. What is on a server is reached
// through a proxy, without TLS, so that the network can be hurt.
type database struct {
	*testing.T
	server *dbserver.Server // nil for SQLite
	proxy  *faults.Proxy    // nil for SQLite
	name   string           // of SQLite, the path
	// settings are the environment of its nodes.
	settings map[string]string
}

// onEach runs a test on SQLite, PostgreSQL and MariaDB.
func onEach(t *testing.T, test func(d *database)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(newDatabase(t, nil)) })
	onServers(t, test)
}

// onServers runs a test on PostgreSQL and MariaDB, as far as they are here.
func onServers(t *testing.T, test func(d *database)) {
	t.Helper()
	for _, kind := range []dbserver.Kind{dbserver.PostgreSQL, dbserver.MariaDB} {
		t.Run(string(kind), func(t *testing.T) {
			if dbserver.Here(t, kind) {
				test(newDatabase(t, servers[kind].Get(t)))
			}
		})
	}
}

// newDatabase makes an empty database; with no server, in SQLite.
func newDatabase(t *testing.T, server *dbserver.Server) *database {
	t.Helper()
	d := &database{T: t, server: server, settings: map[string]string{
		"ADDRESS_FAILURES_PER_MINUTE": "0", // all that the tests do comes from one address
		"ADMIN_USERNAME":              "admin", "ADMIN_PASSWORD": adminPassword, "JWT_ISSUER": issuer, "ENCRYPTION_KEY": seal.GenerateKey().Reveal(),
	}}
	if server == nil {
		d.name = filepath.Join(t.TempDir(), "identity.db")
		maps.Copy(d.settings, map[string]string{"DATABASE_PATH": d.name})
		return d
	}
	d.name = server.NewDatabase(t)
	d.proxy = faults.StartProxy(t, address(server))
	maps.Copy(d.settings, faults.Reach(server, d.name, d.proxy.Port()))
	return d
}

func address(s *dbserver.Server) string { return fmt.Sprintf("%s:%d", s.Host, s.Port) }

// another is a new, empty database of the same kind, for the same test.
func (d *database) another() *database { return newDatabase(d.T, d.server) }

// start starts a node with settings of its own beside those of all; "" takes one away.
func (d *database) start(own map[string]string) *faults.Process {
	d.Helper()
	env := maps.Clone(d.settings)
	maps.Copy(env, own)
	maps.DeleteFunc(env, func(_, value string) bool { return value == "" })
	return faults.Start(d.T, faults.Build(d.T), env)
}

// ready starts a node and waits until it serves.
func (d *database) ready() *faults.Process {
	d.Helper()
	p := d.start(nil)
	must(p.Ready(readyEver))(d.T)
	return p
}

// nodes starts several, one after another.
func (d *database) nodes(n int) []*faults.Process {
	d.Helper()
	list := make([]*faults.Process, n)
	for i := range list {
		list[i] = d.ready()
	}
	return list
}

// administrator is a client of a node that may do everything there.
func (d *database) administrator(p *faults.Process, ledger *faults.Ledger) *faults.Client {
	d.Helper()
	c := newClient(d.T, p.URL, ledger)
	if err := c.Authorize(d.Context(), "admin", d.settings["ADMIN_PASSWORD"]); err != nil {
		d.Fatal(err)
	}
	return c
}

// open connects to the database, past the proxy.
func (d *database) open() *sql.DB {
	d.Helper()
	driver, dsn := "sqlite", "file:"+d.name+"?_pragma=busy_timeout(5000)"
	switch {
	case d.server == nil:
	case d.server.Kind == dbserver.PostgreSQL:
		driver, dsn = "pgx", d.server.URL(d.name)+"?"+url.Values{"search_path": {d.name}, "sslmode": {"disable"}}.Encode()
	default:
		cfg := mysql.NewConfig()
		cfg.Net, cfg.Addr, cfg.User, cfg.Passwd, cfg.DBName = "tcp", address(d.server), d.server.Username, d.server.Password, d.name
		driver, dsn = "mysql", cfg.FormatDSN()
	}
	db := must(sql.Open(driver, dsn))(d.T)
	d.Cleanup(func() { db.Close() })
	return db
}

// exec runs a statement, whose placeholders are question marks.
func (d *database) exec(db *sql.DB, query string, args ...any) {
	d.Helper()
	must(db.ExecContext(d.Context(), d.rebind(query), args...))(d.T)
}

// one reads one value.
func one[T any](d *database, db *sql.DB, query string, args ...any) (value T) {
	d.Helper()
	if err := db.QueryRowContext(d.Context(), d.rebind(query), args...).Scan(&value); err != nil {
		d.Fatal(err)
	}
	return value
}

func (d *database) rebind(query string) string {
	if d.server == nil || d.server.Kind != dbserver.PostgreSQL {
		return query
	}
	parts := strings.Split(query, "?")
	for i := range parts[1:] {
		parts[i] += "$" + strconv.Itoa(i+1)
	}
	return strings.Join(parts, "")
}

// columns are those of every table that is there.
func (d *database) columns(db *sql.DB) map[string][]string {
	d.Helper()
	query := `SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid`
	if d.server != nil {
		schema := map[dbserver.Kind]string{dbserver.PostgreSQL: "current_schema()", dbserver.MariaDB: "DATABASE()"}[d.server.Kind]
		query = `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = ` + schema + ` ORDER BY table_name, ordinal_position`
	}
	rows := must(db.QueryContext(d.Context(), query))(d.T)
	defer rows.Close()
	of := map[string][]string{}
	for rows.Next() {
		var table, column string
		must(0, rows.Scan(&table, &column))(d.T)
		if table != "goose_db_version" {
			of[table] = append(of[table], column)
		}
	}
	must(0, rows.Err())(d.T)
	return of
}

// rows are those of the columns of tables, each as one text, so that databases can be
// compared.
func (d *database) rows(db *sql.DB, columns map[string][]string) map[string][]string {
	d.Helper()
	of := map[string][]string{}
	for table, names := range columns {
		d.each(db, table, names, func(values []any) {
			texts := make([]string, len(values))
			for i, v := range values {
				if bytes, ok := v.([]byte); ok {
					v = string(bytes)
				}
				texts[i] = fmt.Sprintf("%s=%q", names[i], fmt.Sprint(v))
			}
			of[table] = append(of[table], strings.Join(texts, " "))
		})
		slices.Sort(of[table])
	}
	return of
}

// each calls do with the values of every row of a table.
func (d *database) each(db *sql.DB, table string, columns []string, do func(values []any)) {
	d.Helper()
	rows := must(db.QueryContext(d.Context(), `SELECT `+strings.Join(columns, ", ")+` FROM `+table+` ORDER BY 1`))(d.T)
	defer rows.Close()
	for rows.Next() {
		values, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		must(0, rows.Scan(places...))(d.T)
		do(values)
	}
	must(0, rows.Err())(d.T)
}
