package main_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-60f9e3ad/identity/internal/dbserver"
)

// servers are the database servers that scripts can ask for, by what DATABASE_DRIVER
// calls them.
var servers = map[string]*dbserver.Shared{
	"postgresql": {Kind: dbserver.PostgreSQL},
	"mariadb":    {Kind: dbserver.MariaDB},
}

// here is the condition that a database server is on this machine; with own: before it,
// that one can be started that is like no other.
func here(t testing.TB) func(condition string) (bool, error) {
	return func(condition string) (bool, error) {
		driver, own := strings.CutPrefix(condition, "own:")
		server, ok := servers[driver]
		switch {
		case !ok:
			return false, os.ErrNotExist
		case own:
			return dbserver.Here(t, server.Kind), nil
		}
		return server.Here(t), nil
	}
}

// database DRIVER makes an empty database on a server and sets the variables that lead
// there.
func database(t testing.TB) func(ts *testscript.TestScript, neg bool, args []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 || servers[args[0]] == nil {
			ts.Fatalf("usage: database postgresql|mariadb")
		}
		server := servers[args[0]].Get(t)
		leadTo(ts, args[0], server, server.NewDatabase(t))
	}
}

// leadTo sets the variables that lead to a database on a server.
func leadTo(ts *testscript.TestScript, driver string, server *dbserver.Server, name string) {
	for variable, value := range map[string]string{
		"DATABASE_DRIVER": driver, "DATABASE_HOST": server.Host, "DATABASE_PORT": strconv.Itoa(server.Port),
		"DATABASE_USERNAME": server.Username, "DATABASE_PASSWORD": server.Password, "DATABASE_SCHEMA_NAME": name,
	} {
		ts.Setenv(variable, value)
	}
}

// secured DRIVER starts a server that takes nobody without TLS and a certificate, makes an
// empty database there, and sets the variables that lead there; OTHER_ROOT is a CA that it
// has nothing to do with. Its certificate is for its address, and for no name.
func secured(t testing.TB) func(ts *testscript.TestScript, neg bool, args []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 || servers[args[0]] == nil {
			ts.Fatalf("usage: secured postgresql|mariadb")
		}
		authority := dbserver.NewAuthority(t)
		tls := &dbserver.TLS{ClientCA: authority.RootFile, ClientCert: true}
		tls.Cert, tls.Key = authority.Server(t, "127.0.0.1")
		server := dbserver.Start(t, servers[args[0]].Kind, dbserver.Options{TLS: tls})
		leadTo(ts, args[0], server, server.NewDatabase(t))
		cert, key := authority.Client(t, "identity")
		for variable, value := range map[string]string{
			"DATABASE_SSL_MODE": "verify-full", "DATABASE_SSL_ROOT_CERT": authority.RootFile, "DATABASE_SSL_CERT": cert, "DATABASE_SSL_KEY": key,
			"OTHER_ROOT": dbserver.NewAuthority(t).RootFile,
		} {
			ts.Setenv(variable, value)
		}
	}
}

// restorable DRIVER starts a server with an empty database called identity, as the runbook
// has it, and sets the variables that lead there. The server's own programs come to it as
// its administrator.
func restorable(t testing.TB) func(ts *testscript.TestScript, neg bool, args []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 || servers[args[0]] == nil {
			ts.Fatalf("usage: restorable postgresql|mariadb")
		}
		kind := servers[args[0]].Kind
		server := dbserver.Start(t, kind, dbserver.Options{})
		leadTo(ts, args[0], server, "identity")
		ts.Setenv("PATH", ts.Getenv("PATH")+string(os.PathListSeparator)+dbserver.Programs(kind))
		if kind == dbserver.PostgreSQL {
			server.Admin(t, "", fmt.Sprintf("CREATE DATABASE identity OWNER %s;", server.Username))
			for variable, value := range map[string]string{
				"PGHOST": server.Host, "PGPORT": strconv.Itoa(server.Port), "PGUSER": server.Administrator, "PGPASSWORD": server.Password,
			} {
				ts.Setenv(variable, value)
			}
			return
		}
		for _, name := range []string{"identity", "restored"} { // the runbook's line takes an empty one
			server.Admin(t, "", fmt.Sprintf("CREATE DATABASE %s; GRANT ALL PRIVILEGES ON %[1]s.* TO '%s'@'%s';", name, server.Username, server.Host))
		}
		ts.Setenv("HOME", ts.Getenv("WORK"))
		ts.Check(os.WriteFile(ts.MkAbs(".my.cnf"), fmt.Appendf(nil, "[client]\nprotocol=tcp\nhost=%s\nport=%d\nuser=%s\npassword=%s\nloose-skip-ssl\n",
			server.Host, server.Port, server.Administrator, server.Password), 0o600))
	}
}

// reap FILE... has the processes whose ids are in the files ended with the script.
func reap(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: reap FILE...")
	}
	ts.Defer(func() {
		for _, file := range args {
			text, err := os.ReadFile(ts.MkAbs(file))
			if err != nil {
				continue // it was not started
			}
			if id, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && ours(id) {
				_ = syscall.Kill(id, syscall.SIGKILL)
			}
		}
	})
}

// ours reports whether the process is still the program: the id of one that has ended
// may be somebody else's by now.
func ours(id int) bool {
	command, err := os.ReadFile("/proc/" + strconv.Itoa(id) + "/cmdline")
	return err == nil && bytes.Contains(command, []byte("identity"))
}
