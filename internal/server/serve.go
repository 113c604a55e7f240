package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/web"
)

// drain is how long requests that have begun may go on after the end was asked
// for: less than the half minute after which container managers use force.
const drain = 25 * time.Second

// Serve serves the public routes on public and, if it is not nil, the operators'
// routes on ops, until ctx ends. Then it stops accepting, lets the requests that
// have begun finish, and returns nil. An error is one that kept it from serving,
// or requests that had to be cut off.
func (s *Server) Serve(ctx context.Context, public, ops net.Listener) error {
	jobs, stopJobs := context.WithCancel(context.WithoutCancel(ctx))
	sealing, stopSealing := context.WithCancel(context.WithoutCancel(ctx)) // after the last event is stored
	var running, sealed sync.WaitGroup
	defer sealed.Wait()
	defer stopSealing()
	defer running.Wait()
	defer stopJobs()
	running.Go(func() { s.in.Follower.Run(jobs) })
	running.Go(func() { s.upkeep(jobs) })
	sealed.Go(func() { s.sealAudit(sealing) })
	running.Go(func() { s.storeUses(jobs) })
	running.Go(func() { s.recorder.Run(jobs) })

	servers := []*http.Server{web.NewServer(web.ServerConfig{Handler: s.Handler(), Logger: s.logger, Connections: s.connections})}
	listeners := []net.Listener{s.secured(s.connections.Listener(public))}
	if ops != nil {
		servers = append(servers, web.NewServer(web.ServerConfig{Handler: s.Operations(), Logger: s.logger, Connections: s.opsConnections}))
		listeners = append(listeners, s.opsConnections.Listener(ops))
	}
	failed := make(chan error, len(servers))
	for i, server := range servers {
		running.Go(func() {
			if err := server.Serve(listeners[i]); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serving on %s: %w", listeners[i].Addr(), err)
			}
		})
	}
	listening := []any{"addr", public.Addr().String(), "tls", s.tls != nil}
	if ops != nil {
		listening = append(listening, "ops_addr", ops.Addr().String())
	}
	s.logger.InfoContext(ctx, "limits", "connections", s.limits.Connections, "connections_per_address", s.limits.ConnectionsPerAddress, "requests", s.limits.Requests)
	s.logger.InfoContext(ctx, "listening", listening...)
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	return errors.Join(err, s.shutdown(context.WithoutCancel(ctx), servers))
}

// shutdown ends the servers: not ready any more first, then nothing new, then
// what has begun.
func (s *Server) shutdown(ctx context.Context, servers []*http.Server) error {
	s.draining.Store(true)
	s.logger.InfoContext(ctx, "shutting down: finishing the requests that have begun")
	ctx, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	var errs []error
	for _, server := range servers {
		if err := server.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("requests were cut off: %w", err), server.Close())
		}
	}
	return errors.Join(errs...)
}

// secured puts TLS on the listener where it is configured, with HTTP/2.
func (s *Server) secured(l net.Listener) net.Listener {
	if s.tls == nil {
		return l
	}
	cfg := s.tls.config()
	cfg.NextProtos = []string{"h2", "http/1.1"}
	return tls.NewListener(l, cfg)
}
