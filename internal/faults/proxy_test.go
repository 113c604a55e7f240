package faults_test

import (
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

func TestProxyForwards(t *testing.T) {
	p := faults.StartProxy(t, startEcho(t, "a").addr)
	conn := dial(t, p)
	say(t, conn, "hello")
	hear(t, conn, "a:hello")
	if p.Connections() != 1 || p.Accepted() != 1 {
		t.Errorf("%d connections of %d, want 1 of 1", p.Connections(), p.Accepted())
	}
	conn.(*net.TCPConn).CloseWrite()
	if rest, err := io.ReadAll(conn); err != nil || len(rest) != 0 {
		t.Errorf("after the end: %q, %v", rest, err)
	}
	eventually(t, "the connection is gone", func() bool { return p.Connections() == 0 })
}

func TestProxyTarget(t *testing.T) {
	p := faults.StartProxy(t, startEcho(t, "a").addr)
	before := dial(t, p)
	say(t, before, "1")
	hear(t, before, "a:1")
	p.SetTarget(startEcho(t, "b").addr)
	after := dial(t, p)
	say(t, after, "2")
	hear(t, after, "b:2")
	say(t, before, "3")
	hear(t, before, "a:3")
	p.SetTarget("127.0.0.1:1") // where nobody listens
	dialEnd(t, p)
}

func TestProxyDelay(t *testing.T) {
	const delay = 60 * time.Millisecond
	p := faults.StartProxy(t, startEcho(t, "a").addr)
	conn := dial(t, p)
	p.Delay(delay)
	start := time.Now()
	say(t, conn, "x")
	hear(t, conn, "a:x")
	if took := time.Since(start); took < 2*delay {
		t.Errorf("there and back took %v, want at least %v", took, 2*delay)
	}
	p.Delay(time.Hour)
	say(t, conn, "y")
	hearNothing(t, conn)
	p.Cut() // a delay does not keep a cut waiting
	hearEnd(t, conn)
}

func TestProxyCut(t *testing.T) {
	server := startEcho(t, "a")
	p := faults.StartProxy(t, server.addr)
	one, two := dial(t, p), dial(t, p)
	for _, conn := range []net.Conn{one, two} {
		say(t, conn, "x")
		hear(t, conn, "a:x")
	}
	p.Cut()
	if p.Connections() != 0 {
		t.Errorf("%d connections after the cut", p.Connections())
	}
	hearEnd(t, one)
	hearEnd(t, two)
	eventually(t, "the server sees resets", func() bool { return server.reset.Load() == 2 })
	again := dial(t, p)
	say(t, again, "y")
	hear(t, again, "a:y")
}

func TestProxyRefuse(t *testing.T) {
	p := faults.StartProxy(t, startEcho(t, "a").addr)
	before := dial(t, p)
	say(t, before, "x")
	hear(t, before, "a:x")
	p.Refuse(true)
	dialEnd(t, p)
	say(t, before, "y")
	hear(t, before, "a:y")
	p.Refuse(false)
	after := dial(t, p)
	say(t, after, "z")
	hear(t, after, "a:z")
	if p.Accepted() != 3 {
		t.Errorf("%d accepted, want 3", p.Accepted())
	}
}

func TestProxyHang(t *testing.T) {
	server := startEcho(t, "a")
	p := faults.StartProxy(t, server.addr)
	before := dial(t, p)
	p.Hang(true)
	p.Hang(true)
	during := dial(t, p)
	say(t, before, "x")
	say(t, during, "y")
	hearNothing(t, before)
	hearNothing(t, during)
	if got := server.received.Load(); got != 0 {
		t.Errorf("%d bytes fell out of the black hole", got)
	}
	p.Hang(false)
	hear(t, before, "a:x")
	hear(t, during, "a:y")
	p.Hang(true)
	say(t, before, "z")
	p.Cut() // nor does a black hole
	hearEnd(t, before)
}

// TestProxyHangHoldsReplies holds what the server says as well.
func TestProxyHangHoldsReplies(t *testing.T) {
	server := startEcho(t, "a")
	p := faults.StartProxy(t, server.addr)
	conn := dial(t, p)
	p.Delay(30 * time.Millisecond)
	p.OnRequest(func([]byte) faults.Action { p.Hang(true); return faults.Pass }) // too late for the request
	say(t, conn, "x")
	eventually(t, "the server has it", func() bool { return server.received.Load() == 1 })
	hearNothing(t, conn)
	p.Hang(false)
	hear(t, conn, "a:x")
}

func TestProxyActions(t *testing.T) {
	match := func(chunk []byte) bool { return strings.HasPrefix(string(chunk), "commit") }
	t.Run("cut before", func(t *testing.T) {
		server := startEcho(t, "a")
		p := faults.StartProxy(t, server.addr)
		p.OnRequest(faults.Once(match, faults.CutBefore))
		conn := dial(t, p)
		say(t, conn, "other")
		hear(t, conn, "a:other")
		say(t, conn, "commit")
		hearEnd(t, conn)
		eventually(t, "the server sees the end", func() bool { return server.reset.Load() == 1 })
		if got := server.received.Load(); got != 5 {
			t.Errorf("the server received %d bytes, want the first 5", got)
		}
		conn = dial(t, p)
		say(t, conn, "commit")
		hear(t, conn, "a:commit") // once
	})
	t.Run("cut reply", func(t *testing.T) {
		server := startEcho(t, "a")
		p := faults.StartProxy(t, server.addr)
		p.OnRequest(faults.Always(match, faults.CutReply))
		for i := range 2 {
			conn := dial(t, p)
			say(t, conn, "commit")
			hearEnd(t, conn)
			if got, want := server.received.Load(), int64(6*(i+1)); got != want {
				t.Errorf("the server received %d bytes, want %d", got, want)
			}
		}
		p.OnRequest(nil)
		conn := dial(t, p)
		say(t, conn, "commit")
		hear(t, conn, "a:commit")
	})
	t.Run("every", func(t *testing.T) {
		hook := faults.Every(3, match, faults.CutReply)
		var got []int
		for i := range 8 {
			if hook([]byte("other")) != faults.Pass {
				t.Error("no match, and an action")
			}
			if hook([]byte("commit")) == faults.CutReply {
				got = append(got, i)
			}
		}
		if len(got) != 3 || got[0] != 0 || got[1] != 3 || got[2] != 6 {
			t.Errorf("acted on %v, want 0, 3, 6", got)
		}
	})
}

func TestProxyLeavesNothing(t *testing.T) {
	server := startEcho(t, "a")
	before := runtime.NumGoroutine()
	p := faults.StartProxy(t, server.addr)
	for range 20 {
		conn := dial(t, p)
		say(t, conn, "x")
		hear(t, conn, "a:x")
		p.Hang(true)
		say(t, conn, "y")
		p.Hang(false)
	}
	p.Hang(true)
	dial(t, p)
	if during := runtime.NumGoroutine(); during < before+40 {
		t.Fatalf("only %d goroutines more: the count sees nothing", during-before)
	}
	p.Close()
	p.Close()
	eventually(t, "the goroutines are gone", func() bool { return runtime.NumGoroutine() <= before })
	if _, err := net.Dial("tcp", p.Addr()); err == nil {
		t.Error("a closed proxy listens")
	}
}
