package store

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
)

const mysqlPort = 3306

const mysqlState = `CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED), CASE WHEN @@global.read_only IN ('0', 'OFF') THEN 0 ELSE 1 END`

func mysqlDialect() dialect {
	return dialect{
		name: MySQL, goose: goose.DialectMySQL, migrations: "mysql", prepared: true,
		tableCount: `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?`,
		state:      `SELECT revision, ` + mysqlState + ` FROM revision WHERE id = 1`,
		hello:      `SELECT ` + mysqlState,
		patience:   3 * time.Second, transaction: 15 * time.Second,
		patient:   `SET SESSION net_write_timeout = 86400 /*M!100300 , SESSION idle_transaction_timeout = 0 */`,
		impatient: `SET SESSION net_write_timeout = DEFAULT /*M!100300 , SESSION idle_transaction_timeout = 10 */`,
		fault:     mysqlFault, hint: mysqlHint,
		// Names of locks belong to the whole server, and have at most 64 characters.
		lock:   `SELECT COALESCE(GET_LOCK(CONCAT('identity ', SHA1(CONCAT(DATABASE(), ' ', ?))), 0), 0)`,
		unlock: `SELECT COALESCE(RELEASE_LOCK(CONCAT('identity ', SHA1(CONCAT(DATABASE(), ' ', ?)))), 0)`,
	}
}

// mysqlWays prepares the ways to connect.
func mysqlWays(s Server, era *atomic.Int64) (*connector, error) {
	ways, err := waysTo(s, mysqlPort, func(host string, port int, secured *tls.Config) (func(context.Context) (serverConn, error), error) {
		c, err := mysql.NewConnector(mysqlConfig(s, host, port, secured))
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) (serverConn, error) { return mysqlConnect(ctx, c) }, nil
	})
	return &connector{ways: ways, refused: mysqlRefused, driver: mysql.MySQLDriver{}, era: era}, err
}

func mysqlConfig(s Server, host string, port int, secured *tls.Config) *mysql.Config {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.DBName = s.Username, s.Password.Reveal(), s.Schema
	cfg.Net, cfg.Addr = "tcp", net.JoinHostPort(host, strconv.Itoa(port))
	if strings.HasPrefix(host, "/") {
		cfg.Net, cfg.Addr = "unix", host
	}
	cfg.TLS = secured
	cfg.Timeout = connectTimeout
	cfg.ClientFoundRows = true // rows affected are rows found, as elsewhere
	cfg.ParseTime = true
	cfg.Logger = &mysql.NopLogger{} // errors are returned, and logged by whoever gets them
	return cfg
}

// mysqlSession is set on every connection. Too long a value is an error, not a shorter
// value; a lock is waited for no longer than a statement may take; and on MariaDB a node
// that stops in the midst of a transaction does not hold up the others.
const mysqlSession = `SET SESSION sql_mode = 'TRADITIONAL,NO_ENGINE_SUBSTITUTION', SESSION time_zone = '+00:00',
	SESSION innodb_lock_wait_timeout = 3 /*M!100300 , SESSION idle_transaction_timeout = 10 */`

// mysqlConnect makes a connection that is set up and leads to a server that can be
// written to.
func mysqlConnect(ctx context.Context, c driver.Connector) (serverConn, error) {
	conn, err := c.Connect(ctx)
	if err != nil {
		return nil, err
	}
	session := mysqlConn{conn.(mysqlDriverConn)} //nolint:forcetypeassert // what the driver makes
	for _, set := range []string{mysqlSession, `SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED`} {
		if _, err := session.ExecContext(ctx, set, nil); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	readOnly, err := mysqlReadOnly(ctx, session)
	if err == nil && readOnly {
		err = errReadOnly
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return session, nil
}

// mysqlConn implements serverConn, and serverTx: the driver's own does not know when to
// stop waiting.
type mysqlConn struct{ mysqlDriverConn }

type mysqlDriverConn interface {
	driverConn
	driver.Validator
}

func (c mysqlConn) begin(ctx context.Context, opts driver.TxOptions) (serverTx, error) {
	_, err := c.BeginTx(ctx, opts)
	return c, err
}

// Commit implements serverTx.
func (c mysqlConn) Commit(ctx context.Context) error {
	_, err := c.ExecContext(ctx, `COMMIT`, nil)
	return err
}

// Rollback implements serverTx.
func (c mysqlConn) Rollback(ctx context.Context) error {
	_, err := c.ExecContext(ctx, `ROLLBACK`, nil)
	return err
}

func mysqlReadOnly(ctx context.Context, session driver.QueryerContext) (bool, error) {
	rows, err := session.QueryContext(ctx, `SELECT `+mysqlState, nil)
	if err != nil {
		return false, err
	}
	defer rows.Close() //nolint:errcheck // nothing more is read
	values := make([]driver.Value, 2)
	if err := rows.Next(values); err != nil {
		return false, err
	}
	switch v := values[1].(type) {
	case int64:
		return v != 0, nil
	case []byte:
		return string(v) != "0", nil
	}
	return true, nil
}

func mysqlNumber(err error) uint16 {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return e.Number
	}
	return 0
}

// mysqlFault reads the error number (MySQL documentation, "Server Error Message
// Reference", and MariaDB's).
func mysqlFault(err error) fault {
	switch mysqlNumber(err) {
	case 0:
		return connectionFault(err)
	case 1062, 1586: // ER_DUP_ENTRY, ER_DUP_ENTRY_WITH_KEY_NAME
		return faultTaken
	case 1290, 1792, 1836: // --read-only, read-only transaction, read-only mode
		return faultReadOnly
	case 1213: // deadlock
		return faultRetry
	case 1053, 1927, 4031: // shutting down, killed, disconnected for being idle
		return faultCut
	case 1021, 1028, 1030, 1037, 1038, 1040, 1041, 1044, 1045, 1047, 1049, 1077, 1079, 1114, 1129, 1130, 1135, 1180, 1203, 1205, 1206, 1226, 1317, 1461,
		1142, 1143, 1698, 1820, 1862, 1969, 3024, 3100, 3118, 3159:
		// Disk full, a member of a cluster that is not ready, a commit that failed, out of memory, too many connections, no access, no such database,
		// shut down, table full, host blocked, lock wait timeout, interrupted, took too
		// long, TLS required.
		return faultAway
	}
	return faultOther
}

func mysqlRefused(err error) (answered, tryOther bool) {
	switch mysqlNumber(err) {
	case 0:
		return false, !dialFailed(err)
	case 1045, 1698, 3159: // access denied, as to users who REQUIRE SSL; require_secure_transport
		return true, true
	}
	return true, false
}

func mysqlHint(err error) (look string, passes bool) {
	switch mysqlNumber(err) {
	case 1045, 1698, 1820, 1862, 3118:
		return "DATABASE_USERNAME, DATABASE_PASSWORD (or DATABASE_SSL_MODE and DATABASE_SSL_CERT, if this user must come with TLS or a certificate)", false
	case 1142, 1143:
		return "DATABASE_USERNAME: its privileges (docs/databases.md lists them)", false
	case 1044, 1049:
		return "DATABASE_SCHEMA_NAME: there must be a database of this name that the user may use", false
	case 3159:
		return "DATABASE_SSL_MODE: the server wants TLS", false
	case 1040, 1203, 1226:
		return tooManyConnections, true
	}
	if errors.Is(err, mysql.ErrCleartextPassword) {
		return "DATABASE_USERNAME: the server asks for the password in clear, which is refused", false
	}
	if errors.Is(err, mysql.ErrNoTLS) {
		return "DATABASE_SSL_MODE: the server has no TLS", false
	}
	return hintAtTLS(err), false
}
