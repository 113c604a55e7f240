package dbserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// sqlLimit ends SQL of this package and of Exec. It is longer than what waits for
// a standby should take.
const sqlLimit = time.Minute

// NewDatabase makes an empty database and drops it when the test ends, whoever is
// connected.
func (s *Server) NewDatabase(t testing.TB) string {
	t.Helper()
	database := "test_" + strings.ToLower(rand.Text()[:16])
	s.Admin(t, "", s.engine.create(s, database))
	t.Cleanup(func() {
		s.mu.Lock()
		down := s.dir != "" && (s.paused || !s.process.alive())
		s.mu.Unlock()
		if down {
			return // nobody will answer
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, err := s.query(ctx, s.Administrator, "", s.engine.drop(database)); err != nil {
			t.Logf("drop the database of the test: %v", err)
		}
	})
	return database
}

// Exec runs SQL as the user of the server and returns what it answers: a line for
// each row, tabs between columns, no headings. It stops at the first statement
// that fails, and ends the test.
func (s *Server) Exec(t testing.TB, database, sql string) string {
	t.Helper()
	return s.must(t, s.Username, database, sql)
}

// Admin is Exec as the administrator. An empty name of a database stands for the
// one where the server begins.
func (s *Server) Admin(t testing.TB, database, sql string) string {
	t.Helper()
	return s.must(t, s.Administrator, database, sql)
}

// Try is Exec that returns its error, for what is to fail, or to wait.
func (s *Server) Try(ctx context.Context, database, sql string) (string, error) {
	return s.query(ctx, s.Username, database, sql)
}

// must runs SQL that is to succeed.
func (s *Server) must(t testing.TB, user, database, sql string) string {
	t.Helper()
	out, err := s.limited(user, database, sql)
	if err != nil {
		t.Fatalf("%s in %s: %v\n%s", s.Kind, database, err, sql)
	}
	return out
}

// limited runs SQL within a limit of time.
func (s *Server) limited(user, database, sql string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), sqlLimit)
	defer cancel()
	return s.query(ctx, user, database, sql)
}

// query runs SQL with the command-line client.
func (s *Server) query(ctx context.Context, user, database, sql string) (string, error) {
	command, environment := s.engine.client(s, user, database)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // the package names its own programs
	cmd.Env = append(s.environment(), environment...)
	cmd.Stdin = strings.NewReader(sql)
	cmd.WaitDelay = time.Second
	var out, complaints strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", errors.Join(err, ctx.Err()), strings.TrimSpace(complaints.String()))
	}
	return strings.TrimRight(out.String(), "\n"), nil
}
