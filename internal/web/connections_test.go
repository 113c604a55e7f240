package web_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/web"
)

// gatehouse is a server with few connections, whose callers seem to come from where the
// test says.
type gatehouse struct {
	*testing.T
	*web.Connections
	addr string
	log  *buffer

	from    chan string   // the addresses that those who connect next seem to have
	busy    chan struct{} // gets an element for each request to /wait that has begun
	release chan struct{} // closed when these are to end
}

func newGatehouse(t *testing.T, c web.ConnectionsConfig) *gatehouse {
	t.Helper()
	g := &gatehouse{T: t, log: &buffer{}, from: make(chan string, 1), busy: make(chan struct{}, 100), release: make(chan struct{})}
	c.Logger = slog.New(slog.NewTextHandler(g.log, nil))
	var err error
	if g.Connections, err = web.NewConnections(c); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.addr = l.Addr().String()
	forever := web.Deadlines{Header: time.Hour, Request: time.Hour, Response: time.Hour, Idle: time.Hour}
	s := web.NewServer(web.ServerConfig{Logger: c.Logger, Connections: g.Connections, Deadlines: forever, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			g.busy <- struct{}{}
			<-g.release
		}
	})})
	go func() { _ = s.Serve(g.Listener(elsewhere{l, g})) }()
	t.Cleanup(func() { _ = s.Close() })
	return g
}

// elsewhere shows other addresses than those of the callers.
type elsewhere struct {
	net.Listener
	*gatehouse
}

func (l elsewhere) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	from := netip.AddrPortFrom(netip.MustParseAddr(<-l.from), 1)
	return traveller{c, net.TCPAddrFromAddrPort(from)}, nil
}

type traveller struct {
	net.Conn
	from net.Addr
}

func (t traveller) RemoteAddr() net.Addr { return t.from }

// caller is one connection.
type caller struct {
	*gatehouse
	net.Conn
	answers *bufio.Reader
}

// call connects, as from an address.
func (g *gatehouse) call(address string) *caller {
	g.Helper()
	g.from <- address
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		g.Fatal(err)
	}
	g.Cleanup(func() { _ = c.Close() })
	return &caller{g, c, bufio.NewReader(c)}
}

func (c *caller) send(text string) *caller {
	_, _ = io.WriteString(c.Conn, text) // whether it was taken, the answer says
	return c
}

// served reports whether a request is answered.
func (c *caller) served() bool {
	c.Helper()
	c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	r, err := http.ReadResponse(c.answers, nil)
	return err == nil && r.StatusCode == http.StatusOK
}

// wantClosed waits for the end of the connection, to which nobody has sent anything.
func (c *caller) wantClosed(what string) {
	c.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	if text, err := io.ReadAll(c.answers); len(text) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
		c.Errorf("%s: not closed, but %q, %v", what, text, err)
	}
}

// until waits for a state of the connections.
func (g *gatehouse) until(what string, state func(web.ConnectionStats) bool) {
	g.Helper()
	for deadline := time.Now().Add(time.Minute); !state(g.Stats()); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			g.Fatalf("%s: %+v", what, g.Stats())
		}
	}
}

// wait waits until there are so many connections, of which so many have no request.
func (g *gatehouse) wait(open, waiting int) {
	g.Helper()
	g.until(fmt.Sprintf("%d connections, %d without a request", open, waiting), func(s web.ConnectionStats) bool {
		return s.Open == open && s.Waiting == waiting
	})
}

// Connections that ask for nothing keep nobody out, whether they never did, did once or
// never come to an end: the one that has done so for longest makes room.
func TestWaitingConnectionsGiveWay(t *testing.T) {
	g := newGatehouse(t, web.ConnectionsConfig{Most: 3})
	silent := g.call("192.0.2.1")
	g.wait(1, 1)
	slow := g.call("192.0.2.2").send("GET / HTTP/1.1\r\nHost:")
	g.wait(2, 2)
	once := g.call("192.0.2.3")
	if !once.served() {
		t.Fatal("the third is not served")
	}
	g.wait(3, 3)
	for i, gone := range []*caller{silent, slow, once} {
		next := g.call(fmt.Sprintf("198.51.100.%d", i))
		if !next.served() {
			t.Errorf("newcomer %d is not served", i)
		}
		gone.wantClosed(fmt.Sprint("the former one ", i))
		g.wait(3, 3)
	}
	if s := g.Stats(); s.InAll != (web.LimitStats{Closed: 3}) || s.OfAddress != (web.LimitStats{}) || s.Limit != 3 {
		t.Errorf("%+v", s)
	}
}

// Thousands of connections leave room for the next one, and what they held.
func TestManyConnections(t *testing.T) {
	g := newGatehouse(t, web.ConnectionsConfig{Most: 20})
	for i := range 200 {
		g.call(fmt.Sprintf("192.0.2.%d", i))
	}
	if !g.call("198.51.100.1").served() {
		t.Error("the next one is not served")
	}
	if s := g.Stats(); s.Open > 20 || s.InAll.Refused != 0 {
		t.Errorf("%+v", s)
	}
}

// Where everybody is being served, nobody is cut off: the next one is, at once. This
// machine itself still gets in.
func TestBusyConnectionsStay(t *testing.T) {
	g := newGatehouse(t, web.ConnectionsConfig{Most: 2})
	var busy []*caller
	for i := range 2 {
		busy = append(busy, g.call(fmt.Sprintf("192.0.2.%d", i)).send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"))
		<-g.busy
	}
	g.wait(2, 0)
	g.call("198.51.100.1").wantClosed("one too many")
	for _, local := range []string{"127.0.0.1", "::1"} {
		if !g.call(local).served() {
			t.Errorf("%s is not served", local)
		}
	}
	close(g.release)
	for i, c := range busy {
		if r, err := http.ReadResponse(c.answers, nil); err != nil || r.StatusCode != 200 {
			t.Errorf("the busy one %d: %v", i, err)
		}
	}
	if s := g.Stats(); s.InAll.Refused != 1 {
		t.Errorf("%+v", s)
	}
}

// The machine's own reserve has an end.
func TestReserveIsBounded(t *testing.T) {
	g := newGatehouse(t, web.ConnectionsConfig{Most: 1})
	defer close(g.release)
	for range 17 {
		g.call("127.0.0.1").send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
		<-g.busy
	}
	g.wait(17, 0)
	g.call("127.0.0.1").wantClosed("one too many")
}

// A source has its share, and makes room for itself: others do not notice. An IPv6
// source is a /64.
func TestConnectionsOfASource(t *testing.T) {
	g := newGatehouse(t, web.ConnectionsConfig{Most: 100, PerSource: 2, Proxies: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}})
	other := g.call("2001:db8:0:1::1")
	first := g.call("2001:db8::1")
	g.wait(2, 2)
	second := g.call("2001:db8::ffff:2").send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
	<-g.busy
	g.wait(3, 2)
	third := g.call("2001:db8::3")
	first.wantClosed("the first of the source")
	third.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
	<-g.busy
	g.call("2001:db8::4").wantClosed("one too many of the source")
	if !other.served() {
		t.Error("another source is not served")
	}
	// Proxies and this machine stand for many.
	for _, many := range []string{"203.0.113.7", "127.0.0.1"} {
		for range 3 {
			if !g.call(many).served() {
				t.Errorf("%s is limited", many)
			}
		}
	}
	if s := g.Stats(); s.OfAddress != (web.LimitStats{Refused: 1, Closed: 1}) || s.InAll != (web.LimitStats{}) || s.Sources != 2 {
		t.Errorf("%+v", s)
	}
	close(g.release)
	for _, c := range []*caller{second, third, other} {
		_ = c.Close()
	}
	g.until("nothing is held of who is gone", func(s web.ConnectionStats) bool { return s.Sources == 0 && s.Open == 6 })
}

// Whoever has limits reached at will does not fill the log.
func TestLimitsAreSaidSeldom(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	g := newGatehouse(t, web.ConnectionsConfig{Most: 1, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}})
	said := func() int { return strings.Count(g.log.String(), "connections are at a limit") }
	for i := range 20 {
		g.call("192.0.2.1")
		g.until("each is seen", func(s web.ConnectionStats) bool { return s.InAll.Closed == uint64(i) })
	}
	if n := said(); n != 1 {
		t.Errorf("said %d times", n)
	}
	mu.Lock()
	now = now.Add(time.Second)
	mu.Unlock()
	g.call("192.0.2.1")
	g.until("the last is seen", func(s web.ConnectionStats) bool { return s.InAll.Closed == 20 })
	if log := g.log.String(); said() != 2 || !strings.Contains(log, "limit=all by=192.0.2.1 refused=0 closed_without_request=19") {
		t.Errorf("the log is %s", log)
	}
}

func TestNewConnectionsRefuses(t *testing.T) {
	good := web.ConnectionsConfig{Most: 1, Logger: slog.New(slog.DiscardHandler)}
	for name, spoil := range map[string]func(*web.ConnectionsConfig){
		"no logger":       func(c *web.ConnectionsConfig) { c.Logger = nil },
		"no room":         func(c *web.ConnectionsConfig) { c.Most = 0 },
		"negative share":  func(c *web.ConnectionsConfig) { c.PerSource = -1 },
		"a broken subnet": func(c *web.ConnectionsConfig) { c.Proxies = []netip.Prefix{{}} },
	} {
		c := good
		spoil(&c)
		if _, err := web.NewConnections(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := web.NewConnections(good); err != nil {
		t.Error(err)
	}
}
