package web_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/web"
)

// stream is a request over HTTP/2, as net/http hands it over: until its stream is closed,
// its context goes on.
func (k *kit) stream(t *testing.T, peer string) (status int, closed context.CancelFunc) {
	t.Helper()
	ctx, closed := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/x", nil)
	r.RemoteAddr, r.Proto, r.ProtoMajor, r.ProtoMinor = peer, "HTTP/2.0", 2, 0
	recorder := httptest.NewRecorder()
	defer func() {
		if recover() == http.ErrAbortHandler {
			status = 0
		}
	}()
	k.ServeHTTP(recorder, r)
	return recorder.Code, closed
}

// wantStreams waits until so many streams are open.
func (k *kit) wantStreams(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); k.Load().Streams != n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d streams are open, want %d", k.Load().Streams, n)
		}
	}
}

// Requests over HTTP/2 count until their streams are closed, also those that were
// answered and whose answers nobody takes; and an answer that says so counts as well.
func TestStreamsOfASource(t *testing.T) {
	k := newKit(t, web.Config{MaxStreams: 7, MaxStreamsPerSource: 2, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	k.Handle(http.MethodGet, "/x", ok)
	want := func(name, peer string, statuses ...int) (closed []context.CancelFunc) {
		t.Helper()
		for i, status := range statuses {
			got, end := k.stream(t, peer)
			if got != status {
				t.Errorf("%s: request %d: %d, want %d", name, i+1, got, status)
			}
			closed = append(closed, end)
		}
		return closed
	}
	greedy := want("a source", "[2001:db8::1]:5", 200, 200, 503)
	greedy = append(greedy, want("the same /64", "[2001:db8::2]:5", 503, 0)...)
	if refused := k.Load().Overloaded; refused != 3 {
		t.Errorf("%d refused, want 3", refused)
	}
	others := want("another", "192.0.2.1:5", 200)
	others = append(others, want("this machine", "127.0.0.1:5", 200)...)
	others = append(others, want("at the limit in all", "10.0.0.1:5", 503)...)
	for _, end := range greedy {
		end()
	}
	k.wantStreams(t, 3)
	want("a source", "[2001:db8::1]:5", 200, 200, 503)
	for _, end := range others {
		end()
	}
	k.wantStreams(t, 3)
	want("a proxy", "10.0.0.1:5", 200, 200, 200, 200, 503)
}

// Over HTTP/1 a connection has one request, and nothing more is counted.
func TestStreamsAreThoseOfHTTP2(t *testing.T) {
	k := newKit(t, web.Config{MaxStreams: 1})
	k.Handle(http.MethodGet, "/x", ok)
	for range 3 {
		if a := k.do(t, http.MethodGet, "/x", nil); a.StatusCode != http.StatusOK {
			t.Errorf("%d", a.StatusCode)
		}
	}
	k.wantStreams(t, 0)
	if _, err := web.New(web.Config{Logger: slog.New(slog.DiscardHandler), MaxStreams: -1}); err == nil {
		t.Error("a negative limit: no error")
	}
}
