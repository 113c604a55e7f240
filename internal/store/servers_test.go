package store_test

import (
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(dbserver.Main(m)) }

var shared = map[dbserver.Kind]*dbserver.Shared{
	dbserver.PostgreSQL: {Kind: dbserver.PostgreSQL},
	dbserver.MariaDB:    {Kind: dbserver.MariaDB},
}

func TestPostgreSQL(t *testing.T) { testServer(t, dbserver.PostgreSQL) }

// There is no MySQL among Debian's packages: TEST_MYSQL_DSN has this run on one.
func TestMariaDB(t *testing.T) { testServer(t, dbserver.MariaDB) }

func testServer(t *testing.T, kind dbserver.Kind) {
	if !shared[kind].Here(t) {
		return
	}
	server, schemas := shared[kind].Get(t), 0
	all := newPlace(t, server)
	storetest.Run(t, func(t *testing.T) storetest.Database {
		cfg := all.config()
		if schemas++; kind == dbserver.PostgreSQL { // a schema is made faster than a database
			cfg.Server.Schema += strconv.Itoa(schemas)
		} else {
			cfg = newPlace(t, server).config()
		}
		return func(now func() time.Time) (*store.DB, error) {
			cfg.Now = now
			return store.Open(cfg)
		}
	})
}

// onServers runs a test on the shared server of each kind that is here.
func onServers(t *testing.T, test func(t *testing.T, p place)) {
	for _, kind := range []dbserver.Kind{dbserver.PostgreSQL, dbserver.MariaDB} {
		t.Run(string(kind), func(t *testing.T) {
			if shared[kind].Here(t) {
				test(t, newPlace(t, shared[kind].Get(t)))
			}
		})
	}
}

// onOwnServers runs a test that disturbs its server on one of its own.
func onOwnServers(t *testing.T, o dbserver.Options, test func(t *testing.T, p place)) {
	for _, kind := range []dbserver.Kind{dbserver.PostgreSQL, dbserver.MariaDB} {
		t.Run(string(kind), func(t *testing.T) {
			if dbserver.Here(t, kind) {
				test(t, newPlace(t, dbserver.Start(t, kind, o)))
			}
		})
	}
}

// place is an empty database on a server.
type place struct {
	*dbserver.Server
	database string
}

func newPlace(t *testing.T, s *dbserver.Server) place {
	t.Helper()
	return place{s, s.NewDatabase(t)}
}

// config opens the place.
func (p place) config() store.Config {
	s := store.Server{Host: p.Host, Port: p.Port, Username: p.Username, Password: identity.NewSecret(p.Password), Schema: p.database}
	if p.Kind == dbserver.PostgreSQL {
		s.Database, s.Schema = p.database, `its "schema"`
		return store.Config{Driver: store.PostgreSQL, Server: s}
	}
	return store.Config{Driver: store.MySQL, Server: s}
}

// open opens the place, with what is different about the configuration.
func (p place) open(t *testing.T, differences ...func(*store.Config)) *store.DB {
	t.Helper()
	cfg := p.config()
	for _, differ := range differences {
		differ(&cfg)
	}
	db, err := store.Open(cfg)
	check(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

// migrated opens the place and makes the tables.
func (p place) migrated(t *testing.T, differences ...func(*store.Config)) *store.DB {
	t.Helper()
	db := p.open(t, differences...)
	_, err := db.Migrate(t.Context())
	check(t, err)
	return db
}

// connections asks the server how many connections the store has to the place.
func (p place) connections(t *testing.T) int {
	t.Helper()
	query := fmt.Sprintf("SELECT COUNT(*) FROM information_schema.processlist WHERE db = '%s';", p.database)
	if p.Kind == dbserver.PostgreSQL {
		query = fmt.Sprintf("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = '%s' AND application_name = 'identity';", p.database)
	}
	n, err := strconv.Atoi(p.Admin(t, "", query))
	check(t, err)
	return n
}

// endConnections has the server end them.
func (p place) endConnections(t *testing.T) {
	t.Helper()
	if p.Kind == dbserver.PostgreSQL {
		p.Admin(t, "", fmt.Sprintf("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s' AND application_name = 'identity';", p.database))
		return
	}
	p.Admin(t, "", fmt.Sprintf(`DELIMITER //
BEGIN NOT ATOMIC
	FOR r IN (SELECT id FROM information_schema.processlist WHERE db = '%s') DO
		KILL r.id;
	END FOR;
END//`, p.database))
}

func pool(size, overflow int) func(*store.Config) {
	return func(cfg *store.Config) { cfg.Server.PoolSize, cfg.Server.Overflow = size, overflow }
}

func patience(d time.Duration) func(*store.Config) {
	return func(cfg *store.Config) { cfg.Server.Patience = d }
}

// wantUnavailable asserts that an error says to come back later.
func wantUnavailable(t *testing.T, err error) {
	t.Helper()
	if e, ok := err.(*identity.Error); !ok || e.Kind != identity.Unavailable || e.RetryAfter <= 0 {
		t.Errorf("got %v, want Unavailable and when to try again", err)
	}
}

// eventually waits until something is so.
func eventually(t *testing.T, limit time.Duration, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v it is not so that %s", limit, what)
		}
	}
}

func user(name string) identity.User {
	now := time.Now()
	return identity.User{ID: identity.NewID(now), Username: name, PasswordHash: "hash", Enabled: true, Audiences: []string{identity.AnyAudience}, CreatedAt: now, UpdatedAt: now}
}

var discard = slog.New(slog.DiscardHandler)

// together runs fn n times at once.
func together(n int, fn func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { fn(i) })
	}
	all.Wait()
}
