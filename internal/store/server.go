package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/seed-60f9e3ad/identity"
)

// connectionLife is how long a connection is used, so that after a failover by name or
// a new server behind a balancer all come to the right one.
const connectionLife = time.Hour

// openServer opens a database on a server. Of all connections one is kept for following
// the database and for the lock at the start, so that no load keeps a node from knowing
// what has changed. Where only one is to be kept it does everything.
func openServer(cfg Config, d dialect, connectors func(Server, *atomic.Int64) (*connector, error)) (*DB, error) {
	s := cfg.Server
	if s.PoolSize == 0 && s.Overflow == 0 {
		s.PoolSize, s.Overflow = 10, 10
	}
	if s.Host == "" || s.Username == "" || s.Schema == "" {
		return nil, errors.New("DATABASE_HOST, DATABASE_USERNAME, DATABASE_SCHEMA_NAME: they are required")
	}
	if s.PoolSize < 1 || s.Overflow < 0 {
		return nil, errors.New("DATABASE_CONNECTION_POOL_SIZE is at least 1, DATABASE_CONNECTION_MAX_OVERFLOW at least 0")
	}
	if s.Patience > 0 {
		d.patience = s.Patience
	}
	db := &DB{dialect: d, shared: &shared{schema: s.Schema}, fixed: cfg.Now, machine: cfg.Machine}
	c, err := connectors(s, &db.era)
	if err != nil {
		return nil, err
	}
	c.patience = d.patience
	if s.PoolSize+s.Overflow == 1 {
		db.writer = poolOf(sql.OpenDB(c), 1, 1)
		db.control = db.writer
	} else {
		db.writer = poolOf(sql.OpenDB(c), s.PoolSize+s.Overflow-1, s.PoolSize-1)
		db.control = poolOf(sql.OpenDB(c), 1, 1)
	}
	db.readers = db.writer
	if d.spend != "" {
		db.spendings = &group[*spending]{together: db.spendTogether}
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout+d.patience)
	defer cancel()
	if err := db.greet(ctx); err != nil {
		return nil, errors.Join(explain(err, d.hint), db.Close())
	}
	return db, nil
}

// greet sees whether the server answers, and what time it has.
func (db *DB) greet(ctx context.Context) error {
	var now, readOnly int64
	asked := db.machine()
	err := db.control.QueryRowContext(ctx, db.dialect.hello).Scan(&now, &readOnly)
	if err != nil {
		return db.failed("connecting to the database", err)
	}
	db.learnTime(asked, db.machine(), now)
	return nil
}

// poolOf is a set of connections, some of which stay open when they are idle.
func poolOf(db *sql.DB, most, idle int) *pool {
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(idle)
	db.SetConnMaxLifetime(connectionLife)
	return &pool{DB: db, idle: idle}
}

// shared is what all transactions of a DB have in common.
type shared struct {
	schema string
	// era is raised when connections made so far are to be used no more.
	era atomic.Int64
	// offset is how far the database's clock is ahead of this machine's, in
	// milliseconds.
	offset atomic.Int64
	stats  struct{ statements, polls atomic.Int64 }
}

// demoted has all connections made so far closed: the server they lead to is a primary
// no more. Those in use are closed when they are given back.
func (db *DB) demoted() {
	db.era.Add(1)
	for _, p := range db.pools() {
		p.dropIdle()
	}
}

// errReadOnly is within the errors of a database that can be read only.
var errReadOnly = errors.New("the database can be read only: it is not the primary, or no more")

// explain names the variables to look at when the server cannot be used. Only what may
// pass by itself stays Unavailable.
func explain(err error, hint func(error) (look string, passes bool)) error {
	cause := err
	if e, ok := errors.AsType[*identity.Error](err); ok && e.Err != nil {
		cause = e.Err
	}
	look, passes := hint(err)
	if look != "" && !passes {
		return fmt.Errorf("%s: %s", look, cause.Error()) // its Kind does not come along
	}
	if look == "" {
		look = "DATABASE_HOST, DATABASE_PORT (or DATABASE_DRIVER, if another kind of server answers there)"
	}
	if strings.HasSuffix(cause.Error(), "bad connection") || errors.Is(err, mysql.ErrInvalidConn) { // all that MySQL's driver says of a TLS alert
		look += " (or DATABASE_SSL_CERT: a server may end the connection of a client certificate that it does not know)"
	}
	return &identity.Error{Kind: identity.Unavailable, Message: look + ": " + cause.Error(), RetryAfter: time.Second}
}

const tooManyConnections = "DATABASE_CONNECTION_POOL_SIZE, DATABASE_CONNECTION_MAX_OVERFLOW: the server has as many connections as it takes; all nodes together must have fewer"

// hintAtTLS names the variables behind a failure that has to do with TLS.
func hintAtTLS(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "DATABASE_SSL_ROOT_CERT: the server's certificate does not come from a CA that is trusted here"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "DATABASE_HOST, DATABASE_SSL_MODE: the server's certificate is for another name, which verify-full refuses"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "DATABASE_SSL_ROOT_CERT: the server's certificate cannot be verified"
	}
	if alert, ok := errors.AsType[tls.AlertError](err); ok && (alert == 116 || alert == 42 || alert == 48) { // certificate_required, bad_certificate, unknown_ca (RFC 8446 section 6)
		return "DATABASE_SSL_CERT, DATABASE_SSL_KEY: the server wants a client certificate that it knows"
	}
	return ""
}
