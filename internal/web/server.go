package web

import (
	"bytes"
	"context"
	"log"
	"log/slog"
	"net/http"
	"time"
)

// NewServer returns a server for h without an address, with limits that a slow
// or greedy caller runs into: 10 s for the header, 30 s for the whole request,
// 60 s for the response, 120 s between requests, 32 KiB of header.
func NewServer(h http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    32 << 10,
		// net/http would answer "OPTIONS *" itself, without any of our headers.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(errorLog{logger}, "", 0),
	}
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
