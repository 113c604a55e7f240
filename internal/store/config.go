package store

import (
	"errors"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// Driver names a kind of database.
type Driver string

// The databases that the service runs on.
const (
	SQLite     Driver = "sqlite"
	PostgreSQL Driver = "postgresql"
	MySQL      Driver = "mysql" // and MariaDB
)

// Config says which database to open.
type Config struct {
	// Driver is the kind of database; empty is SQLite.
	Driver Driver
	// Path is the SQLite file. It and its folder are made if they are missing,
	// readable by their owner only.
	Path string
	// Server is where a PostgreSQL, MySQL or MariaDB database is.
	Server Server
	// Now is the one clock of all nodes, for tests. If it is nil, that is the clock of
	// the database server, as far as it was learned at the last poll; for SQLite, of
	// this machine.
	Now func() time.Time
	// Machine is the clock of this machine, from which the database's is told by an
	// offset; nil is time.Now.
	Machine func() time.Time
}

// Server says where a database is on the network, and how to get to it.
type Server struct {
	// Host is a name, an address or a Unix socket (PostgreSQL: its folder); or several of
	// those, separated by commas, of which the first that can be written to is used. Each
	// may have a port of its own: "db1:5432,[2001:db8::1]:5433".
	Host     string
	Port     int // of hosts without their own; 0 is the driver's
	Username string
	Password identity.Secret
	// Database is PostgreSQL's database; empty is Schema. Schema is the schema in it,
	// or the database of MySQL and MariaDB.
	Database, Schema string
	// PoolSize connections are kept open once they were needed, and up to Overflow more
	// are made while they are. Both 0 are 10 and 10. From 2 on, one of the first is for
	// following the database only.
	PoolSize, Overflow int
	TLS                TLS
	// Patience is how long a statement may take, waiting for a connection included; 0
	// is 3 s. Beyond it the database counts as away.
	Patience time.Duration
}

// Open opens the database. It writes nothing: see Migrate. An error whose Kind is
// identity.Unavailable says that the server cannot be reached now; errors name the
// variable of the environment to look at.
func Open(cfg Config) (*DB, error) {
	if cfg.Machine == nil {
		cfg.Machine = time.Now
	}
	switch cfg.Driver {
	case SQLite, "":
		return openSQLite(cfg)
	case PostgreSQL:
		return openServer(cfg, postgresDialect(), postgresWays)
	case MySQL:
		return openServer(cfg, mysqlDialect(), mysqlWays)
	}
	return nil, errors.New("there is no such kind of database")
}
