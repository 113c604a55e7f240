package web

import (
	"bytes"
	"cmp"
	"context"
	"log"
	"log/slog"
	"net/http"
	"time"
)

// ServerConfig is what a server needs.
type ServerConfig struct {
	// Handler answers. Required.
	Handler http.Handler
	// Logger is told what net/http has to say of connections. Required.
	Logger *slog.Logger
	// Deadlines are those of a slow caller; zero ones are the defaults.
	Deadlines Deadlines
	// Connections learns which connections have a request; nil is nobody. The
	// listener has to be its own.
	Connections *Connections
}

// Deadlines are how long a caller may take. What has not come by then is not waited
// for: the connection is closed.
type Deadlines struct {
	Header   time.Duration // to send a request's header, and for a TLS handshake; default 10 s
	Request  time.Duration // to send the whole request; default 30 s
	Response time.Duration // from the header of the request on, to take the response; default 60 s
	Idle     time.Duration // until the next request; default 120 s
}

const (
	// streams is how many requests an HTTP/2 connection may have at once. net/http
	// begins no more than these, however fast they are reset (CVE-2023-44487), and
	// closes a connection on which four times as many are due.
	streams = 100
	// streamBuffer and connectionBuffer are what is read ahead of bodies that
	// nobody asked for yet.
	streamBuffer     = MaxBody
	connectionBuffer = 4 * MaxBody
)

// NewServer returns a server without an address, with limits that a slow or greedy
// caller runs into: the Deadlines, 32 KiB of header, and over HTTP/2 100 requests at
// once.
func NewServer(c ServerConfig) *http.Server {
	s := &http.Server{
		Handler:           c.Handler,
		ReadHeaderTimeout: cmp.Or(c.Deadlines.Header, 10*time.Second),
		ReadTimeout:       cmp.Or(c.Deadlines.Request, 30*time.Second),
		WriteTimeout:      cmp.Or(c.Deadlines.Response, 60*time.Second),
		IdleTimeout:       cmp.Or(c.Deadlines.Idle, 120*time.Second),
		MaxHeaderBytes:    32 << 10,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: streams, MaxReceiveBufferPerStream: streamBuffer, MaxReceiveBufferPerConnection: connectionBuffer,
			// A reader that takes nothing at all is not waited for as long as a slow one.
			WriteByteTimeout: cmp.Or(c.Deadlines.Request, 30*time.Second),
		},
		// net/http would answer "OPTIONS *" itself, without any of our headers.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(errorLog{c.Logger}, "", 0),
	}
	if c.Connections != nil {
		s.ConnState = c.Connections.follow
	}
	return s
}

// errorLog takes what net/http has to say of connections. Most of it is what
// any scanner can cause at will, such as failed TLS handshakes, and is only for
// debugging. What is wrong on this side is a warning: accepting fails at most
// once a second, after its backoff.
type errorLog struct{ logger *slog.Logger }

func (l errorLog) Write(line []byte) (int, error) {
	level := slog.LevelDebug
	for _, ours := range []string{"http: Accept error", "http: panic", "http: superfluous", "http: response"} {
		if bytes.HasPrefix(line, []byte(ours)) {
			level = slog.LevelWarn
		}
	}
	l.logger.Log(context.Background(), level, "http server", "reason", string(bytes.TrimSpace(line)))
	return len(line), nil
}
