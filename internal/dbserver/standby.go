package dbserver

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Standby starts a server that copies a PostgreSQL and follows it by streaming,
// and waits until it streams. It has the users, the password and the options of
// its primary, and lives as long as the test.
func (s *Server) Standby(t testing.TB) *Server {
	t.Helper()
	if s.Kind != PostgreSQL || s.dir == "" {
		t.Fatalf("%s: only a PostgreSQL of ours has standbys", s.Kind)
	}
	standby, err := start(s.Kind, s.options, func(_ engine, standby *Server) error {
		standby.Password = s.Password
		standby.name = "standby_" + filepath.Base(standby.dir)
		return standby.tool(nil, find(baseBackup), "-D", filepath.Join(standby.dir, "data"), "-R", "-X", "stream", "-c", "fast", "--no-sync",
			"-d", fmt.Sprintf("host=%s port=%d user=%s password=%s application_name=%s", s.dir, s.Port, standbyUser, s.Password, standby.name))
	})
	if err != nil {
		t.Fatalf("start a standby: %v", err)
	}
	t.Cleanup(func() {
		if err := standby.remove(); err != nil {
			t.Errorf("remove a standby: %v", err)
		}
	})
	// What SyncTo and SetReadOnly had set on the primary came with the data, and
	// would have the standby wait for itself once it is promoted.
	standby.Admin(t, "", "ALTER SYSTEM RESET synchronous_standby_names; ALTER SYSTEM RESET default_transaction_read_only; SELECT pg_reload_conf();")
	s.await(t, fmt.Sprintf("SELECT state FROM pg_stat_replication WHERE application_name = '%s';", standby.name), "streaming")
	return standby
}

// SyncTo makes every commit wait until the standby has it on disk, and returns when
// that is in force. With nil, commits wait for nobody any longer.
func (s *Server) SyncTo(t testing.TB, standby *Server) {
	t.Helper()
	if standby == nil {
		s.Admin(t, "", "ALTER SYSTEM RESET synchronous_standby_names; SELECT pg_reload_conf();")
		s.await(t, "SHOW synchronous_standby_names;", "")
		return
	}
	s.Admin(t, "", fmt.Sprintf("ALTER SYSTEM SET synchronous_commit = 'on'; ALTER SYSTEM SET synchronous_standby_names = '%s'; SELECT pg_reload_conf();", standby.name))
	s.await(t, fmt.Sprintf("SELECT sync_state FROM pg_stat_replication WHERE application_name = '%s';", standby.name), "sync")
}

// Promote makes a standby a primary and returns when it takes writes.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	if promoted := s.Admin(t, "", "SELECT pg_promote(true, 50);"); promoted != "t" {
		t.Fatalf("the standby was not promoted\n%s", s.Log())
	}
}

// SetReadOnly makes transactions of a PostgreSQL read-only or not, of connections
// that are open too, and returns when new ones are. A transaction may still say
// otherwise for itself.
func (s *Server) SetReadOnly(t testing.TB, readOnly bool) {
	t.Helper()
	wanted := "off"
	if readOnly {
		wanted = "on"
	}
	s.Admin(t, "", "ALTER SYSTEM SET default_transaction_read_only = "+wanted+"; SELECT pg_reload_conf();")
	s.await(t, "SHOW default_transaction_read_only;", wanted)
}

// await waits until a query of the administrator answers as wanted.
func (s *Server) await(t testing.TB, sql, wanted string) {
	t.Helper()
	err := poll(30*time.Second, 20*time.Millisecond, func() error {
		out, err := s.limited(s.Administrator, "", sql)
		if err == nil && strings.TrimSpace(out) != wanted {
			err = errors.New("it answers " + out)
		}
		return err
	})
	if err != nil {
		t.Fatalf("wait for %q of %s: %v\n%s", wanted, sql, err, s.Log())
	}
}
