package dbserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// Kind is a brand of database servers.
type Kind string

// The kinds there are.
const (
	PostgreSQL Kind = "PostgreSQL"
	MariaDB    Kind = "MariaDB"
)

// Required is the environment variable that makes missing servers, and what tests on
// them need besides, an error: a CI sets it to "require", so that it cannot pass by
// running nothing.
const Required = "IDENTITY_DATABASES"

// Here reports whether the programs of a kind are on this machine. Where they are
// not, it says so in the log of the test, or fails it where the environment
// requires them.
func Here(t testing.TB, kind Kind) bool {
	t.Helper()
	for _, names := range programs[kind] {
		if find(names) == "" {
			return missing(t, kind)
		}
	}
	return true
}

// missing tells that a kind is not here.
func missing(t testing.TB, kind Kind) bool {
	t.Helper()
	return DidNotRun(t, string(kind)+" is not here")
}

// DidNotRun tells what part of a test is left out and why, or fails the test where the
// environment requires all of it. It reports false, for whoever is asked whether to go on.
func DidNotRun(t testing.TB, why string) bool {
	t.Helper()
	if os.Getenv(Required) == "require" {
		t.Fatalf("%s, and %s=require demands it", why, Required)
	}
	t.Logf("did not run: %s", why)
	return false
}

// program is what one program is called: the first name that is found counts.
type program []string

var (
	initdb     = program{"initdb"}
	postgres   = program{"postgres"}
	baseBackup = program{"pg_basebackup"}
	psql       = program{"psql"}

	installDB = program{"mariadb-install-db", "mysql_install_db"}
	mariadbd  = program{"mariadbd", "mysqld"}
	mariadb   = program{"mariadb", "mysql"}
)

// programs lists what a kind needs; the last is its client.
var programs = map[Kind][]program{
	PostgreSQL: {initdb, postgres, baseBackup, psql},
	MariaDB:    {installDB, mariadbd, mariadb},
}

// Programs is the folder of the programs that a server of a kind comes with, beside those
// that this package runs; empty where they are not here.
func Programs(kind Kind) string {
	needed := programs[kind]
	client := find(needed[len(needed)-1])
	if client == "" {
		return ""
	}
	return filepath.Dir(client)
}

// find returns the path of a program, or "". Debian keeps the programs of each
// PostgreSQL outside of PATH; the psql that is in PATH there is a wrapper that
// costs ten times as much.
func find(names program) string {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is sound
	slices.SortFunc(folders, func(a, b string) int { return version(b) - version(a) })
	folders = append(folders, "/usr/sbin")
	for _, name := range names {
		for _, folder := range folders {
			path := filepath.Join(folder, name)
			if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
				return path
			}
		}
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// version reads the version of PostgreSQL from the name of its folder.
func version(folder string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder))) // what is no number comes last
	return n
}
