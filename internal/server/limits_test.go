package server_test

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/server"
)

// The limits of connections hold under TLS and HTTP/2 too: the one without a request
// gives way, and what an HTTP/2 connection may ask for at once is said to it.
func TestLimitsUnderTLS(t *testing.T) {
	s := newSite(t)
	r := s.serve(server.Config{TLSCertFile: s.cert, TLSKeyFile: s.key, Limits: server.Limits{Connections: 2}})
	dial := func() *tls.Conn {
		t.Helper()
		conn, err := tls.Dial("tcp", r.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		s.must(err)
		t.Cleanup(func() { _ = conn.Close() })
		s.must(conn.SetReadDeadline(time.Now().Add(time.Minute)))
		return conn
	}
	first := dial()
	_, err := io.WriteString(first, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00") // with empty settings
	s.must(err)
	// RFC 9113 section 6.5.2: 0x03 is SETTINGS_MAX_CONCURRENT_STREAMS.
	if settings := readSettings(t, first); settings[3] != 100 {
		t.Errorf("settings %v", settings)
	}
	for range 2 {
		client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		t.Cleanup(client.CloseIdleConnections)
		response, err := client.Get("https://" + r.addr + "/healthz")
		s.must(err)
		_ = response.Body.Close()
		if response.StatusCode != 200 || response.ProtoMajor != 2 {
			t.Errorf("%d over %s", response.StatusCode, response.Proto)
		}
	}
	if _, err := io.Copy(io.Discard, first); err != nil && !strings.Contains(err.Error(), "EOF") && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the connection without a request was not closed: %v", err)
	}
}

// An HTTP/2 connection has many requests at once. They have the limits of connections,
// until their streams are closed, which ends their contexts.
func TestStreamsHaveTheLimitsOfConnections(t *testing.T) {
	h := prepared(t)
	srv, err := server.New(server.Config{Installation: h.open(), Logger: slog.New(slog.DiscardHandler), Limits: server.Limits{Connections: 30, ConnectionsPerAddress: 20}})
	h.must(err)
	want := func(name, peer string, n, status int) {
		t.Helper()
		for range n {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil)
			r.Proto, r.ProtoMajor, r.ProtoMinor, r.RemoteAddr = "HTTP/2.0", 2, 0, peer
			recorder := httptest.NewRecorder()
			srv.Handler().ServeHTTP(recorder, r)
			if recorder.Code != status {
				t.Errorf("%s: %d, want %d", name, recorder.Code, status)
			}
		}
	}
	want("an address", "192.0.2.1:5", 20, http.StatusOK)
	want("beyond its limit", "192.0.2.1:6", 1, http.StatusServiceUnavailable)
	want("another", "192.0.2.2:5", 9, http.StatusOK)
	want("beyond the limit in all", "192.0.2.3:5", 1, http.StatusServiceUnavailable)
}

// readSettings reads the first frame of a server, which is SETTINGS.
func readSettings(t *testing.T, r io.Reader) map[uint16]uint32 {
	t.Helper()
	var header [9]byte
	if _, err := io.ReadFull(r, header[:]); err != nil || header[3] != 4 {
		t.Fatalf("%v, %v", header, err)
	}
	payload := make([]byte, int(header[0])<<16|int(header[1])<<8|int(header[2]))
	if _, err := io.ReadFull(r, payload); err != nil {
		t.Fatal(err)
	}
	settings := map[uint16]uint32{}
	for ; len(payload) >= 6; payload = payload[6:] {
		settings[binary.BigEndian.Uint16(payload)] = binary.BigEndian.Uint32(payload[2:])
	}
	return settings
}

// Requests beyond the limit are refused, but for those by which others see how it is.
func TestTooManyRequests(t *testing.T) {
	h := prepared(t)
	in := h.open()
	srv := h.serve(server.Config{Installation: in, Limits: server.Limits{Requests: 1}})
	// A login that waits for its hash is worked on.
	busy, done, end := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var held []chan struct{}
	for range in.Pool.Stats().Slots {
		began := make(chan struct{})
		held = append(held, began)
		go func() {
			_ = in.Pool.Do(t.Context(), argon2.Party{}, 8, func() { close(began); <-end })
			done <- struct{}{}
		}()
	}
	for _, began := range held {
		<-began
	}
	go func() {
		response, err := http.Post("http://"+srv.addr+"/auth/login", "application/json", strings.NewReader(`{"username":"a","password":"b"}`))
		if err != nil || response.StatusCode != 401 {
			t.Errorf("the login: %v", err)
		}
		close(busy)
	}()
	eventually(t, "the login waits", func() bool { return in.Pool.Stats().Waiting == 1 })
	for path, want := range map[string]int{"/auth/logout": 503, "/healthz": 200, "/readyz": 200, "/metrics": 200, "/.well-known/jwks.json": 200} {
		method := http.MethodGet
		if want == 503 {
			method = http.MethodPost
		}
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+srv.addr+path, http.NoBody)
		h.must(err)
		response, err := http.DefaultClient.Do(request)
		h.must(err)
		_ = response.Body.Close()
		if response.StatusCode != want || want == 503 && response.Header.Get("Retry-After") != "1" {
			t.Errorf("%s: %d, want %d", path, response.StatusCode, want)
		}
	}
	close(end)
	for range held {
		<-done
	}
	<-busy
}

// A port that is served has a limit, whoever listens.
func TestLimitsAreRefused(t *testing.T) {
	h := prepared(t)
	for name, limits := range map[string]server.Limits{
		"connections": {Connections: -1}, "of an address": {ConnectionsPerAddress: -1}, "requests": {Requests: -1},
	} {
		if _, err := server.New(server.Config{Installation: h.open(), Logger: h.logger(), Limits: limits}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
