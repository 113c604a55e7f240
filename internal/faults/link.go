package faults

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link is one connection through a proxy: a client's, and the one to the target.
type link struct {
	proxy  *Proxy
	client *net.TCPConn
	done   <-chan struct{}
	cancel func()

	mu     sync.Mutex
	closed bool
	server *net.TCPConn // nil while dialling

	// fatalReply is set once the server's next bytes are to be dropped, and the link
	// with them.
	fatalReply atomic.Bool
}

// errCut ends a link that an Action cuts.
var errCut = errors.New("cut")

// run forwards both ways until the link ends.
func (l *link) run(ctx context.Context, target string) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", target)
	if err != nil || !l.connected(conn.(*net.TCPConn)) {
		return
	}
	var replies sync.WaitGroup
	replies.Go(func() { l.forward(l.server, l.client, l.reply) })
	l.forward(l.client, l.server, l.request)
	replies.Wait()
}

// connected adds the connection to the target, and reports whether the link still is
// one.
func (l *link) connected(server *net.TCPConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		reset(server)
		return false
	}
	l.server = server
	return true
}

// close resets both connections. It may be called again.
func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	l.cancel()
	reset(l.client)
	if l.server != nil {
		reset(l.server)
	}
}

// forward copies chunks from one side to the other, each through handle. The end of what
// one side sends is passed on; anything else that ends it ends the link.
func (l *link) forward(from, to *net.TCPConn, handle func(chunk []byte) error) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if handleErr := handle(buffer[:n]); handleErr != nil {
				l.proxy.drop(l)
				return
			}
		}
		if errors.Is(err, io.EOF) && l.wait() == nil {
			_ = to.CloseWrite() // it fails where the other side has gone already
			return
		}
		if err != nil {
			l.proxy.drop(l)
			return
		}
	}
}

// request handles a chunk from the client.
func (l *link) request(chunk []byte) error {
	if err := l.wait(); err != nil {
		return err
	}
	action := Pass
	if hook := l.proxy.now().onRequest; hook != nil {
		action = hook(chunk)
	}
	switch action {
	case CutBefore:
		return errCut
	case CutReply:
		l.fatalReply.Store(true) // before the server can have begun to answer
	case Pass:
	}
	_, err := l.server.Write(chunk)
	return err
}

// reply handles a chunk from the server.
func (l *link) reply(chunk []byte) error {
	if l.fatalReply.Load() {
		return errCut
	}
	if err := l.wait(); err != nil {
		return err
	}
	_, err := l.client.Write(chunk)
	return err
}

// wait keeps a chunk back as the weather demands. It fails if the link ends meanwhile.
func (l *link) wait() error {
	if delay := l.proxy.now().delay; delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-l.done:
			return errCut
		}
	}
	for {
		held := l.proxy.now().held
		if held == nil {
			return nil
		}
		select {
		case <-held:
		case <-l.done:
			return errCut
		}
	}
}
