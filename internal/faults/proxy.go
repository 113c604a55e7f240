package faults

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy is a TCP proxy on the loopback interface in front of one address. Every fault
// may be set at any time, from any goroutine, and holds for present and later
// connections until it is set otherwise.
type Proxy struct {
	listener net.Listener
	running  sync.WaitGroup

	mu       sync.Mutex
	links    map[*link]struct{}
	accepted int
	closed   bool
	weather
}

// weather is what happens to bytes at present.
type weather struct {
	target string
	delay  time.Duration
	refuse bool
	// held is closed when a black hole ends; nil where there is none.
	held      chan struct{}
	onRequest func([]byte) Action
}

// StartProxy starts a proxy in front of target, a host and port, that lives as long as
// the test.
func StartProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: l, links: map[*link]struct{}{}, weather: weather{target: target}}
	p.running.Go(p.accept)
	t.Cleanup(p.Close)
	return p
}

// Addr is the address to connect to instead of the target's.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Port is the port of Addr.
func (p *Proxy) Port() string {
	_, port, _ := net.SplitHostPort(p.Addr())
	return port
}

// SetTarget sends later connections to another address, as a failover does. Present ones
// stay where they are until they are cut.
func (p *Proxy) SetTarget(addr string) { p.set(func(w *weather) { w.target = addr }) }

// Delay keeps every chunk back for d, in each direction. 0 ends it, for chunks that
// come after.
func (p *Proxy) Delay(d time.Duration) { p.set(func(w *weather) { w.delay = d }) }

// Refuse closes new connections at once while it is on.
func (p *Proxy) Refuse(on bool) { p.set(func(w *weather) { w.refuse = on }) }

// OnRequest calls hook with every chunk that a client sends, before it is forwarded, and
// does what it answers; nil ends it. The hook is called from many goroutines and must
// not keep or change the bytes. A chunk is what one read returned: for a database client
// that waits for its answers, one message or several, from the beginning.
func (p *Proxy) OnRequest(hook func(clientBytes []byte) Action) {
	p.set(func(w *weather) { w.onRequest = hook })
}

// Hang makes a black hole while it is on: connections are accepted and stay open, and
// nothing that is sent arrives, in either direction, not even that the other side has
// closed. Turned off, it forwards what was held. What the proxy has not read waits in
// the kernel's buffers, so a sender notices nothing until these are full.
func (p *Proxy) Hang(on bool) {
	p.set(func(w *weather) {
		switch {
		case on && w.held == nil:
			w.held = make(chan struct{})
		case !on && w.held != nil:
			close(w.held)
			w.held = nil
		}
	})
}

// Cut resets all present connections, on both sides. When it returns they are closed.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		p.remove(l)
	}
}

// Connections is the number of connections that are open now.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Accepted is the number of connections that there ever were, refused ones included.
func (p *Proxy) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Close closes everything and waits until it is gone.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	_ = p.listener.Close() // it fails the second time
	p.Cut()
	p.running.Wait()
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.admit(conn.(*net.TCPConn))
	}
}

// admit takes a connection in, or refuses it.
func (p *Proxy) admit(conn *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.accepted++
	if p.closed || p.refuse {
		reset(conn)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &link{proxy: p, client: conn, done: ctx.Done(), cancel: cancel}
	p.links[l] = struct{}{}
	target := p.target
	p.running.Go(func() {
		defer p.drop(l)
		l.run(ctx, target)
	})
}

// drop closes a link, unless that has happened.
func (p *Proxy) drop(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(l)
}

// remove closes a link; the mutex is held.
func (p *Proxy) remove(l *link) {
	delete(p.links, l)
	l.close()
}

func (p *Proxy) set(change func(*weather)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.weather)
}

// now is the weather of this moment.
func (p *Proxy) now() weather {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.weather
}

// reset closes a connection with RST instead of FIN.
func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0) // it fails only on a closed connection
	_ = conn.Close()      // the other side may have closed it
}
