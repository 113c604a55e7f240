package store

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

const postgresPort = 5432

// postgresState tells the time, and whether the server can be written to: it is neither
// a standby nor set read-only.
const postgresState = `CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT),
	CASE WHEN current_setting('transaction_read_only') = 'on' OR pg_is_in_recovery() THEN 1 ELSE 0 END`

func postgresDialect() dialect {
	return dialect{
		name: PostgreSQL, goose: goose.DialectPostgres, migrations: "postgres", numbered: true,
		ignoreTaken: ` ON CONFLICT DO NOTHING`,
		spend: `INSERT INTO spent_assertions (digest, expires_at) SELECT * FROM unnest(CAST(? AS BYTEA[]), CAST(? AS BIGINT[]))
			ON CONFLICT DO NOTHING RETURNING digest`,
		resumeAudit: `SELECT setval(pg_get_serial_sequence('audit_events', 'seq'), (SELECT COALESCE(MAX(seq), 0) + 1 FROM audit_events), false)`,
		tableCount:  `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = ?`,
		state:       `SELECT revision, ` + postgresState + ` FROM revision WHERE id = 1`,
		hello:       `SELECT ` + postgresState,
		patience:    3 * time.Second, transaction: 15 * time.Second,
		patient: `SELECT set_config('idle_in_transaction_session_timeout', '0', true), set_config('statement_timeout', '0', true)`,
		fault:   postgresFault, hint: postgresHint,
		// The lock belongs to the session: it ends with it.
		lock:   `SELECT CASE WHEN pg_try_advisory_lock(hashtextextended('identity ' || ?, 0)) THEN 1 ELSE 0 END`,
		unlock: `SELECT CASE WHEN pg_advisory_unlock(hashtextextended('identity ' || ?, 0)) THEN 1 ELSE 0 END`,
	}
}

// postgresWays prepares the ways to connect.
func postgresWays(s Server, era *atomic.Int64) (*connector, error) {
	ways, err := waysTo(s, postgresPort, func(host string, port int, secured *tls.Config) (func(context.Context) (serverConn, error), error) {
		cfg, err := postgresConfig(s, host, port, secured)
		if err != nil {
			return nil, err
		}
		return postgresConnect(cfg), nil
	})
	return &connector{ways: ways, refused: postgresRefused, driver: stdlib.GetDefaultDriver(), era: era}, err
}

func postgresConnect(cfg *pgx.ConnConfig) func(context.Context) (serverConn, error) {
	c := stdlib.GetConnector(*cfg)
	return func(ctx context.Context) (serverConn, error) {
		conn, err := c.Connect(ctx)
		if err != nil {
			return nil, err
		}
		return postgresConn{conn.(*stdlib.Conn)}, nil //nolint:forcetypeassert // what the driver makes
	}
}

// postgresConn implements serverConn.
type postgresConn struct{ *stdlib.Conn }

// IsValid implements driver.Validator.
func (c postgresConn) IsValid() bool { return !c.Conn.Conn().IsClosed() }

func (c postgresConn) begin(ctx context.Context, opts driver.TxOptions) (serverTx, error) {
	var o pgx.TxOptions
	if level := sql.IsolationLevel(opts.Isolation); level != sql.LevelDefault {
		o.IsoLevel = pgx.TxIsoLevel(strings.ToLower(level.String()))
	}
	if opts.ReadOnly {
		o.AccessMode = pgx.ReadOnly
	}
	if !c.IsValid() {
		return nil, driver.ErrBadConn
	}
	return c.Conn.Conn().BeginTx(ctx, o)
}

func postgresConfig(s Server, host string, port int, secured *tls.Config) (*pgx.ConnConfig, error) {
	// Everything is set here or below, so that the PG* variables of the environment say
	// nothing, but for PGSERVICE, whose file is read in any case.
	cfg, err := pgx.ParseConfig(`host=localhost port=5432 user=identity passfile='' connect_timeout=3 target_session_attrs=any
		sslmode=disable sslnegotiation=postgres sslrootcert='' sslcert='' sslkey='' require_auth='' channel_binding=prefer
		min_protocol_version=3.0 max_protocol_version=3.0`)
	if err != nil {
		return nil, fmt.Errorf("the PG* variables of the environment, which are not this service's: %w", err)
	}
	if !strings.HasPrefix(host, "/") && !verified(secured) {
		cfg.RequireAuth = "!password" // whoever answers could ask for it in clear
	}
	cfg.Host, cfg.Port = host, uint16(port) //nolint:gosec // a port
	cfg.User, cfg.Password = s.Username, s.Password.Reveal()
	cfg.Database = s.Database
	if cfg.Database == "" {
		cfg.Database = s.Schema
	}
	cfg.TLSConfig, cfg.Fallbacks = secured, nil
	cfg.ConnectTimeout = connectTimeout
	cfg.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	cfg.RuntimeParams = map[string]string{
		"application_name":              "identity",
		"search_path":                   quoteIdentifier(s.Schema),
		"TimeZone":                      "UTC",
		"default_transaction_isolation": "read committed",
		// A node that stops in the midst of a transaction does not hold up the others.
		"idle_in_transaction_session_timeout": "10s",
		"tcp_keepalives_idle":                 "10",
		"tcp_keepalives_interval":             "5",
		"tcp_keepalives_count":                "3",
	}
	return cfg, nil
}

// quoteIdentifier writes a name so that it is read as it stands.
func quoteIdentifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func postgresCode(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// postgresFault reads the SQLSTATE (PostgreSQL documentation, appendix A).
func postgresFault(err error) fault {
	code := postgresCode(err)
	switch {
	case errors.Is(err, pgx.ErrTxCommitRollback): // somebody went on after a statement had failed
		return faultOther
	case code == "":
		return connectionFault(err)
	case code == "23505": // unique_violation
		return faultTaken
	case code == "25006": // read_only_sql_transaction
		return faultReadOnly
	case code == "40001", code == "40P01": // serialization_failure, deadlock_detected
		return faultRetry
	case code == "42501", code == "55P03", code == "57014", code == "XX001", code == "XX002", code == "25P03": // insufficient_privilege, lock_not_available, query_canceled, data_corrupted, index_corrupted, idle_in_transaction_session_timeout
		return faultAway
	}
	switch code {
	case "57P01", "57P02": // admin_shutdown, crash_shutdown: what was said to this connection before it was closed
		return faultCut
	}
	switch code[:2] {
	case "08", "28", "3D", "53", "57", "58": // connection, authorisation, no such database, resources, operator intervention, system
		return faultAway
	}
	return faultOther
}

func postgresRefused(err error) (answered, tryOther bool) {
	code := postgresCode(err)
	if code != "" {
		// A wrong password would be wrong, and readable, without TLS too.
		return true, strings.HasPrefix(code, "28") && code != "28P01"
	}
	return false, !dialFailed(err)
}

func postgresHint(err error) (look string, passes bool) {
	switch postgresCode(err) {
	case "28P01":
		return "DATABASE_USERNAME, DATABASE_PASSWORD", false
	case "28000":
		return "DATABASE_SSL_MODE, DATABASE_SSL_CERT, DATABASE_USERNAME: the server's pg_hba.conf does not let this connection in", false
	case "3D000":
		return "DATABASE_NAME (not set, it is DATABASE_SCHEMA_NAME)", false
	case "42501":
		return "DATABASE_USERNAME: its privileges (docs/databases.md lists them)", false
	case "3F000":
		return "DATABASE_SCHEMA_NAME, DATABASE_USERNAME: the schema is not there, or may not be used", false
	case "53300":
		return tooManyConnections, true
	}
	if strings.Contains(err.Error(), "server refused TLS connection") {
		return "DATABASE_SSL_MODE: the server has no TLS", false
	}
	if strings.Contains(err.Error(), "require_auth") {
		return "DATABASE_SSL_MODE: the server asks for the password in clear, which is refused unless the server is verified (verify-ca, verify-full)", false
	}
	return hintAtTLS(err), false
}
