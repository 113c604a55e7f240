package identitytest_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// database is one to drive, with the files that it writes.
type database struct {
	store.Config
	files func() map[string][]byte
}

func sqlite(t *testing.T) database {
	cfg := store.Config{Path: filepath.Join(t.TempDir(), "identity.db")}
	return database{cfg, func() map[string][]byte {
		files := map[string][]byte{}
		for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
			text, err := os.ReadFile(cfg.Path + suffix)
			if err == nil && len(text) > 0 {
				files["identity.db"+suffix] = text
			} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
		return files
	}}
}

var searched = map[string]*dbserver.Shared{"PostgreSQL": {Kind: dbserver.PostgreSQL}, "MariaDB": {Kind: dbserver.MariaDB}}

// searchServers runs a test on every kind of database server that is here.
func searchServers(t *testing.T, test func(t *testing.T, on database)) {
	t.Helper()
	for name, driver := range map[string]store.Driver{"PostgreSQL": store.PostgreSQL, "MariaDB": store.MySQL} {
		t.Run(name, func(t *testing.T) {
			if !searched[name].Here(t) {
				return
			}
			server := searched[name].Get(t)
			test(t, database{on(server, driver, server.NewDatabase(t)), func() map[string][]byte { return server.Files(t) }})
		})
	}
}

// What is sent is in no page of a database server either, nor in what it writes beside.
func TestSecretsStayOutOfServers(t *testing.T) {
	searchServers(t, func(t *testing.T, on database) {
		d := newDriver(t, slog.LevelDebug, on)
		d.drive(false)
		d.wantNothing()
	})
}
