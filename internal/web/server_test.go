package web_test

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/web"
)

func TestServerLimits(t *testing.T) {
	s := web.NewServer(web.ServerConfig{Handler: http.NotFoundHandler(), Logger: slog.New(slog.DiscardHandler)})
	if h2 := s.HTTP2; h2 == nil || h2.MaxConcurrentStreams != 100 || h2.MaxReceiveBufferPerStream != 64<<10 || h2.MaxReceiveBufferPerConnection != 256<<10 || h2.WriteByteTimeout != 30*time.Second {
		t.Errorf("HTTP/2: %+v", h2)
	}
	if s.ReadHeaderTimeout != 10*time.Second || s.ReadTimeout != 30*time.Second || s.WriteTimeout != 60*time.Second ||
		s.IdleTimeout != 120*time.Second || s.MaxHeaderBytes != 32<<10 || !s.DisableGeneralOptionsHandler || s.Addr != "" {
		t.Errorf("%+v", s)
	}
}

func TestServerRefusesLargeHeaders(t *testing.T) {
	k := newKit(t, web.Config{})
	k.Handle(http.MethodGet, "/x", ok)
	head := "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAccept-Language: " // the rest is one header
	if reply, _ := k.raw(t, head+strings.Repeat("a", 16<<10)+"\r\n\r\n"); !strings.HasPrefix(reply, "HTTP/1.1 200 ") {
		t.Errorf("16 KiB: %.50q", reply)
	}
	if reply, closed := k.raw(t, head+strings.Repeat("a", 64<<10)+"\r\n\r\n"); !strings.HasPrefix(reply, "HTTP/1.1 431 ") || !closed {
		t.Errorf("64 KiB: %.50q", reply)
	}
}

// What callers can provoke at will does not fill the log.
func TestServerErrorLogLevels(t *testing.T) {
	for line, want := range map[string]string{
		"http: TLS handshake error from 192.0.2.1:5: EOF\n":                      "level=DEBUG",
		"http2: server: error reading preface\n":                                 "level=DEBUG",
		"http: Accept error: too many open files; retrying in 1s\n":              "level=WARN",
		"http: panic serving 192.0.2.1:5: x\ngoroutine 1\n\nlevel=INFO forged\n": "level=WARN",
	} {
		var log buffer
		s := web.NewServer(web.ServerConfig{Handler: http.NotFoundHandler(), Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		if _, err := io.WriteString(s.ErrorLog.Writer(), line); err != nil {
			t.Fatal(err)
		}
		if got := log.String(); !strings.Contains(got, want) || strings.Count(got, "\n") != 1 {
			t.Errorf("%q: %s", line, got)
		}
	}
}
