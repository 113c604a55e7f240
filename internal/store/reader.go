package store

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5/stdlib"
)

// OpenReader opens a PostgreSQL database of somebody else for reading: its transactions
// are read-only unless they say otherwise, names of tables need their schema, and a
// standby will do. Functions and operators are PostgreSQL's own, whatever others have made,
// and a table some of whose rows may not be seen is an error.
// Schema is not looked at. An error says which variable to look at, as that of Open does;
// the errors of its use are those of database/sql.
func OpenReader(ctx context.Context, s Server) (*sql.DB, error) {
	ways, err := waysTo(s, postgresPort, func(host string, port int, secured *tls.Config) (func(context.Context) (serverConn, error), error) {
		cfg, err := postgresConfig(s, host, port, secured)
		if err != nil {
			return nil, err
		}
		cfg.ValidateConnect = nil
		cfg.RuntimeParams["search_path"] = "pg_catalog"
		cfg.RuntimeParams["row_security"] = "off" // an error where it would hide rows
		cfg.RuntimeParams["default_transaction_read_only"] = "on"
		return postgresConnect(cfg), nil
	})
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(&connector{ways: ways, refused: postgresRefused, driver: stdlib.GetDefaultDriver(), era: new(atomic.Int64), patience: connectTimeout})
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(explain(fmt.Errorf("connecting to the database: %w", err), postgresHint), db.Close())
	}
	return db, nil
}
