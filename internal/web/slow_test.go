package web_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/web"
)

// impatient serves h with deadlines that are over at once, and others that never are.
func impatient(t *testing.T, h http.Handler, d web.Deadlines) *kit {
	t.Helper()
	for _, unset := range []*time.Duration{&d.Header, &d.Request, &d.Response, &d.Idle} {
		if *unset == 0 {
			*unset = time.Hour
		}
	}
	s := web.NewServer(web.ServerConfig{Handler: h, Logger: slog.New(slog.DiscardHandler), Deadlines: d})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return &kit{url: "http://" + l.Addr().String(), addr: l.Addr().String()}
}

const soon = 30 * time.Millisecond

func TestServerCutsSlowHeaders(t *testing.T) {
	for name, text := range map[string]string{"a slow header": "GET / HTTP/1.1\r\nHost:", "nothing at all": ""} {
		k := impatient(t, http.NotFoundHandler(), web.Deadlines{Header: soon})
		if reply, closed := k.raw(t, text); !closed || strings.Contains(reply, " 200 ") {
			t.Errorf("%s: not cut: %q", name, reply)
		}
	}
}

// A body that does not come is answered, as far as it goes, and the connection closed.
func TestServerCutsSlowBodies(t *testing.T) {
	rt, err := web.New(web.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	rt.Handle(http.MethodPost, "/x", func(w http.ResponseWriter, r *http.Request) error {
		if _, err := web.ReadObject(r); err != nil {
			return err
		}
		return ok(w, r)
	})
	k := impatient(t, rt, web.Deadlines{Request: soon})
	reply, closed := k.raw(t, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	if !closed || !strings.HasPrefix(reply, "HTTP/1.1 400 ") || !strings.Contains(reply, `"code":"invalid_json"`) {
		t.Errorf("closed %v: %q", closed, reply)
	}
}

// Whoever asks for much and takes nothing does not keep the handler.
func TestServerCutsSlowReaders(t *testing.T) {
	ended := make(chan error, 1)
	k := impatient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		piece := bytes.Repeat([]byte("x"), 1<<20)
		for {
			if _, err := w.Write(piece); err != nil {
				ended <- err
				return
			}
		}
	}), web.Deadlines{Response: 10 * soon})
	conn, err := net.Dial("tcp", k.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the handler ended with %v", err)
	}
}

func TestServerClosesIdleConnections(t *testing.T) {
	k := impatient(t, http.NotFoundHandler(), web.Deadlines{Idle: soon})
	if reply, closed := k.raw(t, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); !closed || !strings.HasPrefix(reply, "HTTP/1.1 404 ") {
		t.Errorf("closed %v: %q", closed, reply)
	}
}
