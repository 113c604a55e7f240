package dbserver_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/dbserver"
)

func TestMain(m *testing.M) { os.Exit(dbserver.Main(m)) }

// each runs a test for each kind that is here.
func each(t *testing.T, test func(t *testing.T, kind dbserver.Kind)) {
	for _, kind := range []dbserver.Kind{dbserver.PostgreSQL, dbserver.MariaDB} {
		t.Run(string(kind), func(t *testing.T) {
			if dbserver.Here(t, kind) {
				test(t, kind)
			}
		})
	}
}

var shared = map[dbserver.Kind]*dbserver.Shared{
	dbserver.PostgreSQL: {Kind: dbserver.PostgreSQL},
	dbserver.MariaDB:    {Kind: dbserver.MariaDB},
}

// tcp runs a client of the one who tests, over TCP, with more arguments or, for
// PostgreSQL, more words of the connection string.
func tcp(t *testing.T, s *dbserver.Server, password, more string) (string, error) {
	t.Helper()
	var cmd *exec.Cmd
	if s.Kind == dbserver.PostgreSQL {
		cmd = exec.CommandContext(t.Context(), "psql", "-X", "-A", "-t", "-w", "-c", "SELECT 'in'",
			fmt.Sprintf("host=%s port=%d user=%s password=%s dbname=postgres %s", s.Host, s.Port, s.Username, password, more))
	} else {
		cmd = exec.CommandContext(t.Context(), "mariadb", append([]string{"--no-defaults", "--protocol=tcp", "-N", "-B", "-e", "SELECT 'in'",
			"-h", s.Host, "-P", fmt.Sprint(s.Port), "-u", s.Username, "--password=" + password}, strings.Fields(more)...)...)
	}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestDatabases(t *testing.T) {
	each(t, func(t *testing.T, kind dbserver.Kind) {
		s := shared[kind].Get(t)
		if shared[kind].Get(t) != s {
			t.Error("there are two shared servers")
		}
		var dropped string
		t.Run("one", func(t *testing.T) {
			dropped = s.NewDatabase(t)
			other := s.NewDatabase(t)
			s.Exec(t, dropped, "CREATE TABLE t (a INT, b VARCHAR(9)); INSERT INTO t VALUES (1, 'x'), (2, NULL);")
			if out := s.Exec(t, dropped, "SELECT a, a + 1, b FROM t WHERE a = 1;"); out != "1\t2\tx" {
				t.Errorf("Exec answers %q", out)
			}
			if _, err := s.Try(t.Context(), other, "SELECT a FROM t;"); err == nil {
				t.Error("the other database is not empty")
			}
		})
		if _, err := s.Try(t.Context(), dropped, "SELECT 1;"); err == nil {
			t.Error("the database is still there after its test")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		waiting := map[dbserver.Kind]string{dbserver.PostgreSQL: "SELECT pg_sleep(60);", dbserver.MariaDB: "SELECT SLEEP(60);"}[kind]
		if _, err := s.Try(ctx, s.NewDatabase(t), waiting); ctx.Err() == nil || err == nil {
			t.Errorf("Try did not end with its context: %v", err)
		}
	})
}

func TestPasswords(t *testing.T) {
	each(t, func(t *testing.T, kind dbserver.Kind) {
		s := shared[kind].Get(t)
		if out, err := tcp(t, s, s.Password, ""); err != nil || out != "in" {
			t.Errorf("with the password: %v, %s", err, out)
		}
		for _, user := range []string{s.Username, s.Administrator, "root", "nobody"} {
			for _, password := range []string{"", "wrong"} {
				other := &dbserver.Server{Kind: kind, Host: s.Host, Port: s.Port, Username: user}
				if out, err := tcp(t, other, password, ""); err == nil {
					t.Errorf("%q is let in with the password %q: %s", user, password, out)
				}
			}
		}
		if _, err := s.Try(t.Context(), "", "CREATE USER another;"); err == nil {
			t.Error("the user of the server may do what the administrator may")
		}
	})
}

func TestFaults(t *testing.T) {
	each(t, func(t *testing.T, kind dbserver.Kind) {
		t.Parallel()
		begun := time.Now()
		s := dbserver.Start(t, kind, dbserver.Options{Settings: map[string]string{"max_connections": "37"}})
		t.Logf("it took %v to start", time.Since(begun))
		db, port := s.NewDatabase(t), s.Port
		if out := s.Admin(t, "", map[dbserver.Kind]string{dbserver.PostgreSQL: "SHOW max_connections;", dbserver.MariaDB: "SELECT @@max_connections;"}[kind]); out != "37" {
			t.Errorf("the setting is %q", out)
		}
		s.Exec(t, db, "CREATE TABLE t (a INT);")
		for i, down := range []func(testing.TB){s.Kill, s.Stop, s.StopImmediate} {
			s.Exec(t, db, fmt.Sprintf("INSERT INTO t VALUES (%d);", i))
			down(t)
			down(t)
			s.Pause(t)
			s.Resume(t)
			if _, err := s.Try(t.Context(), db, "SELECT 1;"); err == nil {
				t.Error("the server is not down")
			}
			begun := time.Now()
			s.Start(t)
			t.Logf("it took %v to start again", time.Since(begun))
			s.Start(t)
			if out := s.Exec(t, db, "SELECT COUNT(*) FROM t;"); out != fmt.Sprint(i+1) || s.Port != port {
				t.Errorf("after start %d there are %s rows, on port %d instead of %d", i, out, s.Port, port)
			}
		}

		s.Pause(t)
		s.Pause(t)
		answered := make(chan error, 1)
		go func() {
			_, err := s.Try(context.WithoutCancel(t.Context()), db, "INSERT INTO t VALUES (9);")
			answered <- err
		}()
		select {
		case err := <-answered:
			t.Errorf("a paused server answers: %v", err)
		case <-time.After(300 * time.Millisecond):
		}
		s.Resume(t)
		s.Resume(t)
		if err := <-answered; err != nil {
			t.Errorf("a server that goes on does not answer: %v", err)
		}
		s.Pause(t)
		s.Kill(t)
		s.Start(t)
		if out := s.Exec(t, db, "SELECT COUNT(*) FROM t;"); out != "4" {
			t.Errorf("after Pause and Kill there are %s rows", out)
		}
		s.Pause(t) // and the end of the test copes
	})
}

// TestExisting stands one of our servers in for one that was there before.
func TestExisting(t *testing.T) {
	each(t, func(t *testing.T, kind dbserver.Kind) {
		s := shared[kind].Get(t)
		u, err := url.Parse(s.URL(""))
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(s.Administrator, s.Password)
		t.Setenv(dbserver.Existing[kind], u.String())
		existing := dbserver.Shared{Kind: kind}
		if !existing.Here(t) {
			return
		}
		other := existing.Get(t)
		if other.Port != s.Port {
			t.Fatalf("another server, on port %d", other.Port)
		}
		db := other.NewDatabase(t)
		if out := other.Exec(t, db, "SELECT 1;"); out != "1" {
			t.Errorf("Exec answers %q", out)
		}
	})
}
