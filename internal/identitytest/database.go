package identitytest

import (
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	_ "github.com/jackc/pgx/v5/stdlib" // drivers, to look at databases from beside the service
	_ "modernc.org/sqlite"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// kitDatabase names the variable that has every test of the service use another
// database than SQLite: postgresql or mariadb.
const kitDatabase = "IDENTITY_KIT_DATABASE"

// servers end with the test binary.
var servers = map[string]*dbserver.Shared{
	"postgresql": {Kind: dbserver.PostgreSQL},
	"mariadb":    {Kind: dbserver.MariaDB},
}

// newDatabase makes an empty database.
func (s *Service) newDatabase() store.Config {
	s.t.Helper()
	server := servers[os.Getenv(kitDatabase)]
	if server == nil {
		return store.Config{Path: filepath.Join(s.t.TempDir(), "identity.db")}
	}
	at := server.Get(s.t)
	cfg := store.Config{Driver: store.PostgreSQL, Server: store.Server{
		Host: at.Host, Port: at.Port, Username: at.Username, Password: identity.NewSecret(at.Password), Schema: at.NewDatabase(s.t), PoolSize: 4, Overflow: 4,
	}}
	if at.Kind == dbserver.MariaDB {
		cfg.Driver = store.MySQL
	}
	return cfg
}

// Beside opens a connection of its own to the service's database, as somebody has it who
// got hold of that. The test closes it.
func (s *Service) Beside() *sql.DB {
	s.t.Helper()
	return s.beside()
}

// beside opens a connection of its own to the service's database.
func (s *Service) beside() *sql.DB {
	s.t.Helper()
	at := s.Database.Server
	address := at.Host + ":" + strconv.Itoa(at.Port)
	driver, dsn := "sqlite", (&url.URL{Scheme: "file", Opaque: s.Database.Path, RawQuery: url.Values{
		"_pragma": {"busy_timeout(5000)"}, "_txlock": {"immediate"},
	}.Encode()}).String()
	switch s.Database.Driver {
	case store.PostgreSQL:
		driver, dsn = "pgx", (&url.URL{
			Scheme: "postgres", User: url.UserPassword(at.Username, at.Password.Reveal()), Host: address, Path: at.Schema,
			RawQuery: url.Values{"search_path": {at.Schema}, "sslmode": {"disable"}}.Encode(),
		}).String()
	case store.MySQL:
		cfg := mysql.NewConfig()
		cfg.Net, cfg.Addr, cfg.User, cfg.Passwd, cfg.DBName, cfg.ClientFoundRows = "tcp", address, at.Username, at.Password.Reveal(), at.Schema, true
		driver, dsn = "mysql", cfg.FormatDSN()
	}
	db, err := sql.Open(driver, dsn)
	s.must(err)
	return db
}

// rebind writes placeholders as the service's database reads them.
func (s *Service) rebind(query string) string {
	if s.Database.Driver != store.PostgreSQL {
		return query
	}
	parts := strings.Split(query, "?")
	for i := range parts[1:] {
		parts[i] += "$" + strconv.Itoa(i+1)
	}
	return strings.Join(parts, "")
}
