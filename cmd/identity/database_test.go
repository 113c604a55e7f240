package main_test

import (
	"bytes"
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
		leadTo(t, ts, args[0], servers[args[0]].Get(t))
	}
}

// leadTo makes an empty database on a server and sets the variables that lead there.
func leadTo(t testing.TB, ts *testscript.TestScript, driver string, server *dbserver.Server) {
	for variable, value := range map[string]string{
		"DATABASE_DRIVER": driver, "DATABASE_HOST": server.Host, "DATABASE_PORT": strconv.Itoa(server.Port),
		"DATABASE_USERNAME": server.Username, "DATABASE_PASSWORD": server.Password, "DATABASE_SCHEMA_NAME": server.NewDatabase(t),
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
		leadTo(t, ts, args[0], dbserver.Start(t, servers[args[0]].Kind, dbserver.Options{TLS: tls}))
		cert, key := authority.Client(t, "identity")
		for variable, value := range map[string]string{
			"DATABASE_SSL_MODE": "verify-full", "DATABASE_SSL_ROOT_CERT": authority.RootFile, "DATABASE_SSL_CERT": cert, "DATABASE_SSL_KEY": key,
			"OTHER_ROOT": dbserver.NewAuthority(t).RootFile,
		} {
			ts.Setenv(variable, value)
		}
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
