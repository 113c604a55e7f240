package store

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// way is one way to connect to one host.
type way struct {
	entry   string // of Server.Host
	connect func(ctx context.Context) (serverConn, error)
}

// waysTo combines the hosts with the ways that the TLS mode allows. port is that of
// hosts which come without one.
func waysTo(s Server, port int, dial func(host string, port int, secured *tls.Config) (func(context.Context) (serverConn, error), error)) ([]way, error) {
	if s.Port != 0 {
		port = s.Port
	}
	modes, err := s.TLS.ways()
	if err != nil {
		return nil, err
	}
	var list []way
	for entry := range strings.SplitSeq(s.Host, ",") {
		host, port, err := splitHost(strings.TrimSpace(entry), port)
		if err != nil {
			return nil, err
		}
		for _, mode := range modes {
			if socket := strings.HasPrefix(host, "/"); socket && mode != nil {
				if len(modes) > 1 {
					continue // libpq: SSL does not apply to a Unix socket
				}
				return nil, errors.New("DATABASE_SSL_MODE: a Unix socket has no TLS")
			}
			if mode != nil {
				mode = mode.Clone()
				mode.ServerName = host
			}
			connect, err := dial(host, port, mode)
			if err != nil {
				return nil, err
			}
			list = append(list, way{entry, connect})
		}
	}
	return list, nil
}

// splitHost takes the port from the end of a host that has one.
func splitHost(entry string, port int) (string, int, error) {
	bare := strings.Count(entry, ":") > 1 && !strings.HasPrefix(entry, "[") // an IPv6 address
	if entry == "" {
		return "", 0, errors.New("DATABASE_HOST: there is an empty name among the hosts")
	}
	if bare || strings.HasPrefix(entry, "/") || !strings.Contains(entry, ":") {
		return entry, port, nil
	}
	if inner, ok := strings.CutSuffix(strings.TrimPrefix(entry, "["), "]"); ok {
		return inner, port, nil
	}
	host, digits, err := net.SplitHostPort(entry)
	if err != nil {
		return "", 0, errors.New("DATABASE_HOST: there is a host that cannot be read")
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return "", 0, errors.New("DATABASE_HOST: the port of a host is no number from 1 to 65535")
	}
	return host, int(n), nil
}

// connector makes connections. Those that it made before the database was found to be
// read-only are used no more: they may lead to a former primary.
type connector struct {
	ways []way
	// refused reports whether the server itself answered, and refused; and whether
	// that is a reason to try the host's other way, with or without TLS.
	refused func(error) (answered, tryOther bool)
	driver  driver.Driver
	era     *atomic.Int64
	// patience is how long beginning and ending a transaction may take.
	patience time.Duration
	made     atomic.Int64
}

// connectTimeout is how long all attempts for one connection may take.
const connectTimeout = 3 * time.Second

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return c.driver }

// Connect implements driver.Connector. Of several failures it returns the first that is
// a server's answer, else those of all hosts.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	born := c.era.Load()
	var telling, last, all error
	for i, w := range c.ways {
		if i > 0 && c.ways[i-1].entry == w.entry {
			if _, other := c.refused(last); !other {
				continue
			}
		}
		conn, err := c.try(ctx, w, len(c.ways)-i)
		if err == nil {
			return &connection{conn, c.made.Add(1), born, c.era, c.patience}, nil
		}
		last = err
		if all == nil {
			all = err
		} else {
			all = fmt.Errorf("%w; %w", all, err)
		}
		if answered, _ := c.refused(err); answered && telling == nil {
			telling = err
		}
	}
	if telling != nil {
		return nil, telling
	}
	return nil, all
}

// try leaves time for the ways that are left.
func (c *connector) try(ctx context.Context, w way, left int) (serverConn, error) {
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	return w.connect(ctx)
}

// serverConn is a connection to a database server.
type serverConn interface {
	driverConn
	// begin begins a transaction; ctx is for that only.
	begin(ctx context.Context, opts driver.TxOptions) (serverTx, error)
}

// driverConn is what the drivers of database servers make.
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
}

// serverTx is a transaction whose end can be waited for in bounded time.
type serverTx interface {
	Commit(ctx context.Context) error
	Rollback(ctx context.Context) error
}

// connection is a connection with the era in which it was made.
type connection struct {
	serverConn
	// number tells it from others that the same connector made.
	number   int64
	born     int64
	era      *atomic.Int64
	patience time.Duration
}

// BeginTx implements driver.ConnBeginTx. database/sql gives the end of a transaction no
// context, and the drivers have no limit or that of the beginning: a server that is
// silent then would hold the caller for ever.
func (c *connection) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	tx, err := c.begin(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &boundedTx{tx, c.patience}, nil
}

// boundedTx implements driver.Tx.
type boundedTx struct {
	tx       serverTx
	patience time.Duration
}

// Commit implements driver.Tx.
func (b *boundedTx) Commit() error {
	ctx, cancel := context.WithTimeout(context.Background(), b.patience)
	defer cancel()
	return b.tx.Commit(ctx)
}

// Rollback implements driver.Tx. A connection that may still be in the transaction is not
// used again.
func (b *boundedTx) Rollback() error {
	ctx, cancel := context.WithTimeout(context.Background(), b.patience)
	defer cancel()
	if b.tx.Rollback(ctx) != nil {
		return driver.ErrBadConn
	}
	return nil
}

// ResetSession implements driver.SessionResetter: it is called before each use but the
// first.
func (c *connection) ResetSession(ctx context.Context) error {
	if c.born != c.era.Load() {
		return driver.ErrBadConn
	}
	return c.serverConn.ResetSession(ctx)
}

// IsValid implements driver.Validator: it is called after each use.
func (c *connection) IsValid() bool {
	if v, ok := c.serverConn.(driver.Validator); ok && !v.IsValid() {
		return false
	}
	return c.born == c.era.Load()
}

// connectionFault is what an error means that the server did not send: what breaks
// between it and here is no mistake of a statement.
func connectionFault(err error) fault {
	if errors.Is(err, context.Canceled) || errors.Is(err, sql.ErrTxDone) {
		return faultOther
	}
	if errors.Is(err, context.DeadlineExceeded) || dialFailed(err) {
		return faultAway
	}
	return faultCut
}

// dialFailed reports whether the host was not reached at all.
func dialFailed(err error) bool {
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return true
	}
	_, unknown := errors.AsType[*net.DNSError](err)
	return unknown
}
