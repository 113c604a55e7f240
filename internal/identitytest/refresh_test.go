package identitytest_test

import (
	"flag"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// onDatabases runs a test on a new database of each kind that is here.
func onDatabases(t *testing.T, test func(t *testing.T, database store.Config)) {
	t.Run("SQLite", func(t *testing.T) { test(t, store.Config{Path: filepath.Join(t.TempDir(), "identity.db")}) })
	onServers(t, test)
}

func onServers(t *testing.T, test func(t *testing.T, database store.Config)) {
	for _, s := range servers {
		t.Run(string(s.Kind), func(t *testing.T) {
			if s.Here(t) {
				server := s.Get(t)
				test(t, on(server, drivers[s.Kind], server.NewDatabase(t)))
			}
		})
	}
}

// servers end with the test binary.
var servers = []*dbserver.Shared{{Kind: dbserver.PostgreSQL}, {Kind: dbserver.MariaDB}}

var drivers = map[dbserver.Kind]store.Driver{dbserver.PostgreSQL: store.PostgreSQL, dbserver.MariaDB: store.MySQL}

// TestRefreshModel has two nodes do what users and administrators ask of them, in random
// order and at once, and compares what comes of it with the model.
func TestRefreshModel(t *testing.T) {
	onDatabases(t, func(t *testing.T, database store.Config) {
		enough := 40 // on SQLite: so many that nothing is left out
		setChecks(t, map[store.Driver]int{"": enough, store.PostgreSQL: 8, store.MySQL: 8}[database.Driver])
		w := newWorld(t, database)
		rapid.Check(t, func(rt *rapid.T) {
			w.begin()
			w.login(rt)
			rt.Repeat(map[string]func(*rapid.T){"": func(*rapid.T) {}, "next": func(rt *rapid.T) {
				drawOne(rt, "operation", operations...).do(w, rt)
			}})
			if !w.stored(w.sessions) {
				rt.Error("the database has another state than the model")
			}
		})
		t.Logf("%d refreshes, %d repeated, %d reuses, %d times at once", w.refreshed, w.repeated, w.reused, w.interleaved)
		if checks := flag.Lookup("rapid.checks").Value.String(); checks == strconv.Itoa(enough) && min(w.refreshed, w.repeated, w.reused, w.interleaved) == 0 {
			t.Error("a test of the model that leaves one of these out is none")
		}
	})
}

// operation is one thing that can happen; share is how often, of all of them.
type operation struct {
	name  string
	share int
	do    func(*world, *rapid.T)
}

// String names it where rapid tells what happened.
func (o operation) String() string { return o.name }

// operations has each as often as its share.
var operations = func() (all []operation) {
	for _, o := range []operation{
		{"refresh", 24, (*world).refresh},
		{"several at once", 18, (*world).together},
		{"log in", 14, (*world).login},
		{"move the clock", 10, (*world).move},
		{"configure", 4, (*world).reconfigure},
		{"use an access token", 4, (*world).useAccessToken},
		{"enable", 4, (*world).enable},
		{"log out", 2, (*world).logout},
		{"end", 2, (*world).endByAdministrator},
		{"end all", 2, (*world).endAll},
		{"disable", 2, (*world).disable},
		{"change the password", 2, (*world).changePassword},
		{"change the audiences", 2, (*world).changeAudiences},
		{"refresh with a forgery", 2, (*world).refreshForged},
		{"restart", 1, (*world).restart},
	} {
		all = append(all, slices.Repeat([]operation{o}, o.share)...)
	}
	return all
}()

// setChecks has rapid make so many checks, unless the command line says how many.
func setChecks(t *testing.T, checks int) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	if f.Value.String() != f.DefValue {
		return
	}
	if err := flag.Set(f.Name, strconv.Itoa(checks)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set(f.Name, f.DefValue) })
}
