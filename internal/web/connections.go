package web

import (
	"container/list"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// loopbackReserve is how many connections from this machine itself are taken beyond
// the limit, so that a health check is not shut out by what it should report.
const loopbackReserve = 16

// ConnectionsConfig says how many connections there may be.
type ConnectionsConfig struct {
	// Most is the number in all, at least 1.
	Most int
	// PerSource is the number of one source (see SourceOf); 0 is no limit. Who is
	// on this machine, or in one of the Proxies, stands for many and has none.
	PerSource int
	Proxies   []netip.Prefix
	// Logger is told, once a second at most, that a limit was reached. Required.
	Logger *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Connections bounds the connections of a server. A connection that asks for nothing
// keeps nobody out: where a limit is reached, the one that has been without a request
// for longest is closed, of the source whose limit it is or of all. Only where each
// has a request that is being answered, the new one is closed, before anything was
// read of it. What is held of a source ends with its last connection.
type Connections struct {
	cfg     ConnectionsConfig
	proxies proxies

	mu      sync.Mutex
	open    int
	sources map[netip.Prefix]map[*connection]bool // those with a limit
	waiting list.List                             // connections without a request, the longest first
	order   uint64
	count   [2]LimitStats
	said    time.Time
	unsaid  LimitStats
}

// limit is one of the two limits, as metrics and log call it.
type limit int

const (
	inAll limit = iota
	ofAddress
)

func (l limit) String() string { return [...]string{"all", "address"}[l] }

// connection is one that is counted, until it is closed.
type connection struct {
	net.Conn
	of      *Connections
	source  netip.Prefix  // zero: without a limit
	waiting *list.Element // nil while it has a request
	since   uint64        // orders those that wait
	gone    bool
}

// NewConnections makes a Connections. It refuses a Config without Logger, without
// room for a connection, and with an invalid proxy network.
func NewConnections(c ConnectionsConfig) (*Connections, error) {
	if c.Logger == nil || c.Most < 1 || c.PerSource < 0 {
		return nil, errors.New("connections need a logger and limits")
	}
	proxies, err := newProxies(c.Proxies)
	if err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Connections{cfg: c, proxies: proxies, sources: map[netip.Prefix]map[*connection]bool{}}, nil
}

// Listener returns a listener whose connections are counted. TLS belongs on top of
// it: whoever is refused costs no handshake.
func (cs *Connections) Listener(l net.Listener) net.Listener { return &countedListener{l, cs} }

type countedListener struct {
	net.Listener
	of *Connections
}

// Accept returns the next connection that there is room for.
func (l *countedListener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c, out := l.of.admit(accepted)
		for _, closing := range out {
			_ = closing.Close()
		}
		if c != nil {
			return c, nil
		}
	}
}

// admit counts a connection, and returns what is to be closed for it: others that wait,
// or itself, and then it is nil.
func (cs *Connections) admit(accepted net.Conn) (c *connection, out []net.Conn) {
	peer, _ := parseHop(accepted.RemoteAddr().String())
	source, local := countedSource(peer, cs.proxies)
	c = &connection{Conn: accepted, of: cs}
	if cs.cfg.PerSource > 0 {
		c.source = source
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if of := cs.sources[c.source]; len(of) > 0 && len(of) >= cs.cfg.PerSource {
		longest := longestWaiting(of)
		if longest == nil {
			cs.reached(ofAddress, peer, LimitStats{Refused: 1})
			return nil, []net.Conn{accepted}
		}
		cs.forget(longest)
		cs.reached(ofAddress, peer, LimitStats{Closed: 1})
		out = append(out, longest.Conn)
	}
	if cs.open >= cs.cfg.Most {
		switch front := cs.waiting.Front(); {
		case front != nil:
			longest := front.Value.(*connection)
			cs.forget(longest)
			cs.reached(inAll, peer, LimitStats{Closed: 1})
			out = append(out, longest.Conn)
		case !local || cs.open >= cs.cfg.Most+loopbackReserve:
			cs.reached(inAll, peer, LimitStats{Refused: 1})
			return nil, append(out, accepted)
		}
	}
	cs.open++
	if c.source.IsValid() {
		if cs.sources[c.source] == nil {
			cs.sources[c.source] = map[*connection]bool{}
		}
		cs.sources[c.source][c] = true
	}
	cs.wait(c)
	return c, out
}

// wait puts a connection behind those that are without a request. The mutex is held.
func (cs *Connections) wait(c *connection) {
	cs.order++
	c.since = cs.order
	c.waiting = cs.waiting.PushBack(c)
}

// longestWaiting returns the one of a source that has waited for longest, or nil.
func longestWaiting(of map[*connection]bool) (longest *connection) {
	for c := range of {
		if c.waiting != nil && (longest == nil || c.since < longest.since) {
			longest = c
		}
	}
	return longest
}

// forget stops counting a connection. The mutex is held.
func (cs *Connections) forget(c *connection) {
	if c.gone {
		return
	}
	c.gone = true
	cs.open--
	if c.waiting != nil {
		cs.waiting.Remove(c.waiting)
	}
	if of := cs.sources[c.source]; of != nil {
		delete(of, c)
		if len(of) == 0 {
			delete(cs.sources, c.source)
		}
	}
}

// follow is an http.Server's ConnState: it learns which connections have a request.
// net/http calls a connection active when it has read a header, so that one whose
// header comes drop by drop counts as waiting.
func (cs *Connections) follow(of net.Conn, state http.ConnState) {
	if secured, ok := of.(*tls.Conn); ok {
		of = secured.NetConn()
	}
	c, ok := of.(*connection)
	if !ok {
		return
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	switch {
	case c.gone:
	case state == http.StateActive && c.waiting != nil:
		cs.waiting.Remove(c.waiting)
		c.waiting = nil
	case state == http.StateIdle && c.waiting == nil:
		cs.wait(c)
	}
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.of.mu.Lock()
	c.of.forget(c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite is for net/http, which ends a connection with it so that the other side
// reads the last answer.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
