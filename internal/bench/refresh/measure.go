package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/bench"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/server"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// subject is the installation that is measured.
type subject struct {
	in       *server.Installation
	database store.Config
	handler  http.Handler
	username string
	close    func()
}

const password = "a password of the measurement"

// open makes an installation whose sessions can be refreshed as often as any can, with a
// user.
func open(ctx context.Context, database store.Config, key identity.Secret, logger *slog.Logger) (*subject, error) {
	in, err := server.OpenInstallation(ctx, server.InstallationConfig{Database: database, EncryptionKey: key, Logger: logger})
	if err != nil {
		return nil, err
	}
	following, stop := context.WithCancel(ctx)
	var follower sync.WaitGroup
	s := &subject{in: in, database: database, close: func() {
		stop()
		follower.Wait()
		_ = in.Close() // all that matters has been measured
	}}
	if err := s.prepare(ctx, logger); err != nil {
		s.close()
		return nil, err
	}
	follower.Go(func() { in.Follower.Run(following) })
	return s, nil
}

func (s *subject) prepare(ctx context.Context, logger *slog.Logger) error {
	if _, err := s.in.Prepare(ctx, server.FirstStart{Issuer: "https://id.test", Algorithm: jose.ES256, AdminUsername: "admin"}); err != nil {
		return err
	}
	caller := identity.LocalAdministrator("bench")
	maximum := identity.MaxMaxRefreshes
	if _, err := s.in.Admin.UpdateConfiguration(ctx, caller, admin.ConfigurationUpdate{MaxRefreshes: &maximum}, nil); err != nil {
		return err
	}
	s.username = "bench-" + identity.NewID(time.Now())
	if _, err := s.in.Admin.CreateUser(ctx, caller, admin.NewUser{Username: s.username, Password: identity.NewSecret(password)}); err != nil {
		return err
	}
	srv, err := server.New(server.Config{Installation: s.in, Logger: logger, NoAPIDocs: true, Version: "bench"})
	if err != nil {
		return err
	}
	s.handler = srv.Handler()
	_, err = s.login(ctx) // what memory holds in the steady state is loaded by it
	return err
}

// session is what the answers of both requests say.
type session struct {
	RefreshToken string `json:"refresh_token"`
}

func (s *subject) login(ctx context.Context) (next session, err error) {
	return next, bench.Post(ctx, s.handler, "/auth/login", map[string]string{"username": s.username, "password": password, "audience": "a"}, &next)
}

func (s *subject) refresh(ctx context.Context, now *session) error {
	return bench.Post(ctx, s.handler, "/auth/refresh", map[string]string{"refresh_token": now.RefreshToken}, now)
}

// speed is what requests of a sort cost.
type speed struct {
	Request    string  `json:"request"`
	Callers    int     `json:"callers"`
	PerSecond  float64 `json:"per_second"`
	P50        float64 `json:"p50_ms"`
	P99        float64 `json:"p99_ms"`
	Statements float64 `json:"statements"` // for each
}

// speeds times logins, and refreshes of the sessions that have begun then.
func (s *subject) speeds(ctx context.Context, callers, samples int) ([]speed, error) {
	sessions := make([]session, callers)
	logins, err := s.timed("POST /auth/login", callers, samples/10, func(caller int) (err error) {
		sessions[caller], err = s.login(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	refreshes, err := s.timed("POST /auth/refresh", callers, samples, func(caller int) error { return s.refresh(ctx, &sessions[caller]) })
	return []speed{logins, refreshes}, err
}

// timed has the callers do something at once, samples times altogether and at least once
// each.
func (s *subject) timed(request string, callers, samples int, do func(caller int) error) (speed, error) {
	each := max(1, samples/callers)
	taken, errs := make([][]time.Duration, callers), make([]error, callers)
	var all sync.WaitGroup
	before, began := s.in.DB.Stats().Statements, time.Now()
	for caller := range callers {
		all.Go(func() {
			for range each {
				began := time.Now()
				if errs[caller] = do(caller); errs[caller] != nil {
					return
				}
				taken[caller] = append(taken[caller], time.Since(began))
			}
		})
	}
	all.Wait()
	took, statements := time.Since(began), s.in.DB.Stats().Statements-before
	if err := errors.Join(errs...); err != nil {
		return speed{}, fmt.Errorf("%s: %w", request, err)
	}
	list := slices.Concat(taken...)
	slices.Sort(list)
	at := func(share float64) float64 { return list[int(share*float64(len(list)-1))].Seconds() * 1000 }
	n := float64(len(list))
	return speed{request, callers, n / took.Seconds(), at(0.5), at(0.99), float64(statements) / n}, nil
}

// wear refreshes one session many times, and measures the database before, on the way and
// after.
func (s *subject) wear(ctx context.Context, refreshes int) ([]size, error) {
	now, err := s.login(ctx)
	if err != nil {
		return nil, err
	}
	var sizes []size
	for done := 0; ; done++ {
		if done == 0 || done == refreshes || done == refreshes/100 || done == refreshes/10 {
			found, err := s.size(ctx, done)
			if err != nil {
				return nil, fmt.Errorf("measuring the database: %w", err)
			}
			sizes = append(sizes, found)
		}
		if done == refreshes {
			return sizes, nil
		}
		if err := s.refresh(ctx, &now); err != nil {
			return nil, err
		}
	}
}
