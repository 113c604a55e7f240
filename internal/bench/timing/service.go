package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/server"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

const issuer = "https://id.test"

type config struct {
	database store.Config
	key      identity.Secret
	hashing  argon2.Params
	logger   *slog.Logger
}

// subject is the service that is measured, and what is known of those in it.
type subject struct {
	in     *server.Installation
	url    string
	client *http.Client
	// hash is that of everybody, of a text that is never sent.
	hash string
	// key is that of every client that has one; stranger's is registered nowhere.
	key, stranger jose.PrivateKey
	asked         int
	close         func()
}

// open makes an installation and serves it.
func open(ctx context.Context, cfg config) (*subject, error) {
	in, err := server.OpenInstallation(ctx, server.InstallationConfig{
		Database: cfg.database, EncryptionKey: cfg.key, Hashing: argon2.Config{Params: cfg.hashing}, Logger: cfg.logger,
	})
	if err != nil {
		return nil, err
	}
	s := &subject{in: in, client: &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}}
	if err := s.start(ctx, cfg.logger); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return s, nil
}

func (s *subject) start(ctx context.Context, logger *slog.Logger) error {
	if _, err := s.in.Prepare(ctx, server.FirstStart{Issuer: issuer, Algorithm: jose.ES256, AdminUsername: "admin"}); err != nil {
		return err
	}
	var hashErr, keyErr, strangerErr error
	s.hash, hashErr = s.in.Pool.Hash(ctx, argon2.Party{}, []byte("what nobody sends"))
	s.key, keyErr = jose.GeneratePrivateKey(jose.ES256)
	s.stranger, strangerErr = jose.GeneratePrivateKey(jose.ES256)
	if err := errors.Join(hashErr, keyErr, strangerErr); err != nil {
		return err
	}
	srv, err := server.New(server.Config{
		Installation: s.in, Logger: logger, NoAPIDocs: true, Version: "timing",
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, // so that ask can come from anywhere
	})
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.url = "http://" + listener.Addr().String()
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(serving, listener, nil) }()
	s.close = func() {
		s.client.CloseIdleConnections()
		stop()
		if err := <-served; err != nil {
			logger.ErrorContext(ctx, "the service did not end well", "error", err.Error())
		}
		_ = s.in.Close() // all that matters has been measured
	}
	return nil
}

// request is one that is going to be refused.
type request struct {
	path string
	body []byte
}

// ask makes a request and returns how long the answer took, which must be 401. Each comes
// from another address.
func (s *subject) ask(ctx context.Context, q request) (time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+q.path, bytes.NewReader(q.body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-For", s.address())
	began := time.Now()
	response, err := s.client.Do(r)
	if err != nil {
		return 0, err
	}
	text, err := io.ReadAll(response.Body)
	taken := time.Since(began)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return 0, err
	}
	if response.StatusCode != http.StatusUnauthorized {
		return 0, fmt.Errorf("POST %s was answered with %d, want 401: %s", q.path, response.StatusCode, text)
	}
	return taken, nil
}

// address returns one that was not used before, always of the same length.
func (s *subject) address() string {
	const from, n = 100, 150
	i := s.asked
	s.asked++
	return fmt.Sprintf("10.%d.%d.%d", from+i/n/n%n, from+i/n%n, from+i%n)
}
