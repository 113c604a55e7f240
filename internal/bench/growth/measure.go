package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/bench"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/server"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// plan says what to measure, and where.
type plan struct {
	database store.Config
	key      identity.Secret
	sizes    []int // smallest first
	rounds   int
	samples  int
	logger   *slog.Logger
}

// measure fills the installations and asks them in turns.
func measure(ctx context.Context, p plan) ([]result, error) {
	ctx, cancel := context.WithCancel(ctx)
	var followers sync.WaitGroup
	var all []*subject
	defer func() {
		cancel()
		followers.Wait()
		for _, s := range all {
			_ = s.in.Close() // all that matters has been measured
		}
	}()
	for _, size := range p.sizes {
		s, err := newSubject(ctx, p, size)
		if err != nil {
			return nil, fmt.Errorf("the installation of %d: %w", size, err)
		}
		all = append(all, s)
		followers.Go(func() { s.in.Follower.Run(ctx) })
	}
	taken := newTimes(p.sizes)
	for round := range p.rounds {
		// Not always the same one first.
		for i := range all {
			s := all[(i+round)%len(all)]
			if err := s.ask(ctx, p.samples, taken); err != nil {
				return nil, fmt.Errorf("asking the installation of %d: %w", s.size, err)
			}
		}
	}
	return taken.results(), nil
}

// subject is an installation of one size.
type subject struct {
	size   int
	in     *server.Installation
	logger *slog.Logger
	random *rand.Rand
}

func newSubject(ctx context.Context, p plan, size int) (*subject, error) {
	// Hashes that the service makes are cheap, so that it leaves the cheap ones alone.
	in, err := server.OpenInstallation(ctx, server.InstallationConfig{
		Database: sized(p.database, size), EncryptionKey: p.key, Hashing: argon2.Config{Params: cheap}, Logger: p.logger,
	})
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, in, size); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return &subject{size, in, p.logger, rand.New(rand.NewPCG(1, uint64(size)))}, nil //nolint:gosec // nothing secret; the same choices each time
}

func prepare(ctx context.Context, in *server.Installation, size int) error {
	if _, err := in.Migrate(ctx); err != nil {
		return err
	}
	began := time.Now()
	filled, err := fill(ctx, in.DB, size)
	if err != nil {
		return err
	}
	if filled {
		fmt.Fprintf(os.Stderr, "%d users and %d clients in %v\n", size, size, time.Since(began).Round(time.Millisecond))
	}
	_, err = in.Prepare(ctx, server.FirstStart{Issuer: "https://id.test", Algorithm: jose.ES256, AdminUsername: "admin"})
	return err
}

// operation is something to measure. share is how much fewer of it are done than of the
// quick ones.
type operation struct {
	name  string
	share int
	do    func() error
}

// ask does every operation a number of times.
func (s *subject) ask(ctx context.Context, samples int, taken *times) error {
	srv, err := server.New(server.Config{Installation: s.in, Logger: s.logger, NoAPIDocs: true, Version: "growth"})
	if err != nil {
		return err
	}
	// Machines whose secrets were proven a moment ago.
	const steady = 20
	for i := range steady {
		if err := s.token(ctx, srv, 2*i); err != nil {
			return err
		}
	}
	cold := s.random.Perm(s.size/2 - steady)
	for _, o := range []operation{
		{"a user by name, as login looks for it", 1, func() error {
			_, err := s.in.DB.UserByName(ctx, username(s.any()))
			return err
		}},
		{"a client with its credentials by id", 1, func() error {
			_, err := s.in.DB.Client(ctx, clientID(s.any()))
			return err
		}},
		{"POST /auth/token, a secret, steady", 1, func() error { return s.token(ctx, srv, 2*s.random.IntN(steady)) }},
		{"POST /auth/token, a secret, cold", 4, func() error {
			n := cold[0]
			cold = append(cold[1:], n)
			return s.token(ctx, srv, 2*(steady+n))
		}},
		{"POST /auth/login, a cheap hash", 2, func() error { return s.login(ctx, srv, s.any()&^1) }},
		{"POST /auth/login, whole", 16, func() error { return s.login(ctx, srv, s.any()|1) }},
		{"a page of 50 users", 4, func() error {
			_, err := s.in.DB.Users(ctx, store.UserFilter{After: username(s.any()), Limit: 50})
			return err
		}},
	} {
		list := make([]time.Duration, max(1, samples/o.share))
		for i := range list {
			began := time.Now()
			if err := o.do(); err != nil {
				return fmt.Errorf("%s: %w", o.name, err)
			}
			list[i] = time.Since(began)
		}
		taken.add(o.name, s.size, list)
	}
	return nil
}

// any chooses a user or client; with the next one, or the one before, it is a pair.
func (s *subject) any() int { return s.random.IntN(s.size/2) * 2 }

func (s *subject) token(ctx context.Context, srv *server.Server, i int) error {
	return bench.Post(ctx, srv.Handler(), "/auth/token", map[string]string{"client_id": clientID(i), "client_secret": knownSecret, "audience": "a"}, nil)
}

func (s *subject) login(ctx context.Context, srv *server.Server, i int) error {
	return bench.Post(ctx, srv.Handler(), "/auth/login", map[string]string{"username": username(i), "password": knownSecret, "audience": "a"}, nil)
}
