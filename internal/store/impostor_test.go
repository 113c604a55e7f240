package store_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// impostor answers like a PostgreSQL without TLS that wants the password in clear, and
// returns its port and what it heard.
func impostor(t *testing.T) (port int, heard func() string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	var all bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
			for { // messages without a type: SSLRequest, and then the startup message
				header := make([]byte, 8)
				if _, err := io.ReadFull(conn, header); err != nil {
					break
				}
				_, _ = io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(header))-8)
				if binary.BigEndian.Uint32(header[4:]) == 80877103 {
					_, _ = conn.Write([]byte("N"))
					continue
				}
				_, _ = conn.Write([]byte{'R', 0, 0, 0, 8, 0, 0, 0, 3}) // AuthenticationCleartextPassword
				_, _ = io.Copy(&all, conn)
				break
			}
			conn.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port, func() string {
		l.Close()
		<-done
		return all.String()
	}
}

// Who answers in the place of the server is not given the password.
func TestAnImpostorIsNotToldThePassword(t *testing.T) {
	for _, mode := range []string{"disable", "allow", "prefer", "require"} {
		t.Run(mode, func(t *testing.T) {
			port, heard := impostor(t)
			_, err := store.Open(store.Config{Driver: store.PostgreSQL, Server: store.Server{
				Host: "127.0.0.1", Port: port, Username: "identity", Password: identity.NewSecret("the canary"), Schema: "identity",
				TLS: store.TLS{Mode: mode},
			}})
			if err == nil || !strings.Contains(err.Error(), "DATABASE_SSL_MODE") || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v", err)
			}
			if text := heard(); strings.Contains(text, "canary") {
				t.Errorf("it heard %q", text)
			}
		})
	}
}

// What is set for libpq says nothing to the service.
func TestVariablesOfLibpqSayNothing(t *testing.T) {
	onServers(t, func(t *testing.T, p place) {
		for name, value := range map[string]string{
			"PGHOST": "nowhere.invalid", "PGPORT": "abc", "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/nonexistent", "PGCONNECT_TIMEOUT": "x",
			"PGREQUIREAUTH": "none", "PGCHANNELBINDING": "require", "PGMINPROTOCOLVERSION": "3.2", "PGTARGETSESSIONATTRS": "standby", "PGOPTIONS": "-c search_path=nowhere", "PGPASSFILE": "/nonexistent",
		} {
			t.Setenv(name, value)
		}
		_, err := p.open(t).Migrate(t.Context())
		check(t, err)
	})
}

// A user who may not do what the service needs is found out at the start, and the message
// says where to look.
func TestPrivilegesThatLackAreNamed(t *testing.T) {
	onServers(t, func(t *testing.T, p place) {
		lacking := func(what string) {
			t.Helper()
			cfg := p.config()
			cfg.Server.Username, cfg.Server.Password = "test_limited", identity.NewSecret("x")
			db, err := store.Open(cfg)
			if err == nil {
				_, err = db.Migrate(t.Context())
				check(t, db.Close())
			}
			if err == nil || !strings.Contains(err.Error(), "DATABASE_") || !strings.Contains(err.Error(), "privileges") {
				t.Errorf("%s: %v", what, err)
			}
		}
		create, grant, drop := "CREATE USER test_limited PASSWORD 'x';", `GRANT USAGE ON SCHEMA "its ""schema""" TO test_limited; GRANT SELECT ON ALL TABLES IN SCHEMA "its ""schema""" TO test_limited;`,
			"DROP OWNED BY test_limited; DROP USER test_limited;"
		if p.Kind == dbserver.MariaDB {
			create = fmt.Sprintf("CREATE USER test_limited@'127.0.0.1' IDENTIFIED BY 'x'; GRANT SELECT ON %s.* TO test_limited@'127.0.0.1';", p.database)
			grant, drop = "", "DROP USER test_limited@'127.0.0.1';"
		}
		p.Admin(t, p.database, create)
		t.Cleanup(func() { p.Admin(t, p.database, drop) })
		lacking("a database that is empty")
		p.migrated(t)
		if grant != "" {
			p.Admin(t, p.database, grant)
		}
		lacking("a database that can only be read")
	})
}
