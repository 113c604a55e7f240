package server

import (
	"cmp"
	"context"
	"fmt"

	"github.com/seed-60f9e3ad/identity/internal/web"
)

// Limits are what a Server takes at once.
type Limits struct {
	// Connections to the public port in all, and those of one address (of IPv6: of
	// one /64).
	Connections, ConnectionsPerAddress int
	// Requests that are worked on; zero is 200, and as many as may hash or wait for
	// it.
	Requests int
}

// The limits where nobody says.
const (
	DefaultConnections           = 8192
	DefaultConnectionsPerAddress = 256
)

const (
	// otherRequests is how many requests are worked on that do not hash. Most take
	// less than a millisecond; more than these only wait for the database.
	otherRequests = 200

	// opsConnections is what the operators' port takes.
	opsConnections = 64
	// filesPerDatabaseConnection is how many files one takes at most: SQLite has
	// the database, its journal and its index open.
	filesPerDatabaseConnection = 4
	// otherFiles is what everything else takes: the operators' port, what this
	// machine has beyond the limit, the log, certificates, and some to spare.
	otherFiles = opsConnections + 128
	// leastConnections is how many are worth starting for.
	leastConnections = 16
)

// limit decides the limits, and makes what holds those of connections. There are never
// more of them than files can be open, so that accepting one does not fail and the
// database still gets its own.
func (s *Server) limit(cfg Config) (err error) {
	s.limits = cfg.Limits
	s.limits.Connections = cmp.Or(s.limits.Connections, DefaultConnections)
	s.limits.ConnectionsPerAddress = cmp.Or(s.limits.ConnectionsPerAddress, DefaultConnectionsPerAddress)
	pool := s.in.Pool.Stats()
	s.limits.Requests = cmp.Or(s.limits.Requests, otherRequests+pool.Slots+pool.Queue)
	if files, known := openFiles(); known {
		room := connectionsFor(files, s.in.DB.Stats().Limit)
		if room < leastConnections {
			return fmt.Errorf("no more than %d files may be open, too few for connections: raise the limit (ulimit -n, LimitNOFILE) to %d", files, files+leastConnections-room)
		}
		if cfg.Limits.Connections > room {
			s.logger.WarnContext(context.Background(), "MAX_CONNECTIONS is more than the limit of open files has room for (ulimit -n, LimitNOFILE)", "open_files", files, "connections", room)
		}
		s.limits.Connections = min(s.limits.Connections, room)
	}
	s.connections, err = web.NewConnections(web.ConnectionsConfig{
		Most: s.limits.Connections, PerSource: s.limits.ConnectionsPerAddress, Proxies: cfg.TrustedProxies, Logger: s.logger,
	})
	if err != nil {
		return err
	}
	s.opsConnections, err = web.NewConnections(web.ConnectionsConfig{Most: opsConnections, Logger: s.logger})
	return err
}

// connectionsFor returns how many connections there may be beside everything else that
// takes files, or less than none.
func connectionsFor(files, database int) int {
	return files - database*filesPerDatabaseConnection - otherFiles
}
