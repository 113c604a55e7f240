package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin/rest"
	"github.com/seed-60f9e3ad/identity/internal/apidocs"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/bearer"
	"github.com/seed-60f9e3ad/identity/internal/oauth"
	"github.com/seed-60f9e3ad/identity/internal/openapi"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/token"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// Config says how to serve an Installation.
type Config struct {
	Installation *Installation
	Logger       *slog.Logger
	// TrustedProxies are the networks whose Forwarded and X-Forwarded-For are believed.
	TrustedProxies []netip.Prefix
	// Limits are what the service takes at once; zero ones are the defaults.
	Limits Limits
	// AddressFailures is how many attempts of one address may fail in a minute; 0 is any
	// number.
	AddressFailures int
	// AuditRetention is how long events are kept; 0 is for ever.
	AuditRetention time.Duration
	// AllowedOrigins may call /auth and /.well-known from a browser.
	AllowedOrigins []string
	// TLSCertFile and TLSKeyFile serve TLS; both or none. They are read again
	// when they change.
	TLSCertFile, TLSKeyFile string
	// SeparateOps keeps /metrics and the details of /readyz off the public
	// port: see Operations.
	SeparateOps bool
	// NoAPIDocs leaves out /openapi.json, /docs and /redoc.
	NoAPIDocs bool
	// Version is what the metrics say of the program.
	Version string
	// LostLogRecords tells the metrics how many records the log could not take; nil is
	// none.
	LostLogRecords func() int64
}

// Server serves an Installation.
type Server struct {
	in       *Installation
	logger   *slog.Logger
	tls      *certificate
	public   *web.Router
	ops      *web.Router
	handler  http.Handler
	authn    *authn.Authenticator
	recorder *audit.Recorder
	draining atomic.Bool
	looking  singleflight.Group // what /readyz asks

	auditRetention              time.Duration
	limits                      Limits
	connections, opsConnections *web.Connections
}

// configurationHeld bounds how long the configuration stays in memory without
// being read again.
const configurationHeld = time.Hour

// audiencesHeld bounds the audiences in memory, those that are not registered
// included.
const audiencesHeld = 10_000

// New puts a server together. It serves nothing yet: see Serve.
func New(cfg Config) (*Server, error) {
	if cfg.Installation == nil || cfg.Logger == nil {
		return nil, errors.New("the server needs an installation and a logger")
	}
	s := &Server{in: cfg.Installation, logger: cfg.Logger, auditRetention: cfg.AuditRetention}
	var err error
	if cfg.TLSCertFile != "" || cfg.TLSKeyFile != "" {
		if s.tls, err = loadCertificate(cfg.TLSCertFile, cfg.TLSKeyFile, cfg.Logger); err != nil {
			return nil, err
		}
	}
	if err := s.limit(cfg); err != nil {
		return nil, err
	}
	if s.recorder, err = audit.NewRecorder(s.in.DB, s.logger); err != nil {
		return nil, err
	}
	metrics := newMetrics(cfg.Version, cfg.LostLogRecords)
	metrics.pool(s.in.Pool)
	metrics.database(s.in.DB)
	metrics.connections(s.connections)
	metrics.breaches(s.in.Breaches)
	metrics.recorder(s.recorder)
	webConfig := web.Config{
		Logger: cfg.Logger, Now: s.in.DB.Now, TrustedProxies: cfg.TrustedProxies, AllowedOrigins: cfg.AllowedOrigins,
		HSTS: s.tls != nil, MaxRequests: s.limits.Requests,
		MaxStreams: s.limits.Connections, MaxStreamsPerSource: s.limits.ConnectionsPerAddress, Observe: metrics.observe,
	}
	webConfig.Admit, webConfig.Refused = s.recorder.Room, s.recorder.Refused
	if s.public, err = web.New(webConfig); err != nil {
		return nil, err
	}
	webConfig.Admit, webConfig.Refused = nil, nil // nobody proves anything there
	webConfig.HSTS = false                        // the operators' port speaks plain HTTP (RFC 6797 section 7.2)
	if s.ops, err = web.New(webConfig); err != nil {
		return nil, err
	}
	metrics.load(s.public)
	if s.handler, err = s.routes(cfg, metrics); err != nil {
		return nil, err
	}
	s.healthRoutes(s.public, !cfg.SeparateOps)
	s.healthRoutes(s.ops, true)
	s.ops.Handle("GET", "/metrics", metrics.serve, web.Always)
	if !cfg.SeparateOps {
		s.public.Handle("GET", "/metrics", metrics.serve, web.Always)
	}
	if !cfg.NoAPIDocs {
		openapi.Routes(s.public)
		if err := apidocs.Routes(s.public); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// routes makes the rooms above the installation and registers what they serve.
func (s *Server) routes(cfg Config, metrics *metrics) (http.Handler, error) {
	in := s.in
	held := store.NewCache(in.Follower, store.KindConfiguration, 1, configurationHeld,
		func(ctx context.Context, _ string) (identity.Configuration, error) { return in.DB.Configuration(ctx) })
	configuration := func(ctx context.Context) (identity.Configuration, error) { return held.Get(ctx, "") }

	authenticator, err := authn.New(authn.Config{
		DB: in.DB, Follower: in.Follower, Pool: in.Pool, Configuration: configuration, Logger: s.logger, ClientKeys: in.ClientKeys,
		Failures: authn.Failures(cfg.AddressFailures), Limited: metrics.refused,
	})
	if err != nil {
		return nil, err
	}
	revocations, err := token.NewRevocations(in.DB, in.Follower, in.Ring, configuration)
	if err != nil {
		return nil, err
	}
	issuer, err := token.New(token.Config{Ring: in.Ring, Revocations: revocations, Configuration: configuration, Now: in.DB.Now})
	if err != nil {
		return nil, err
	}
	sessions, err := token.NewSessions(in.DB, in.Follower, issuer)
	if err != nil {
		return nil, err
	}
	checker, err := bearer.New(issuer, sessions, revocations, authenticator)
	if err != nil {
		return nil, err
	}
	audiences := store.NewCache(in.Follower, store.KindAudience, audiencesHeld, configurationHeld, in.DB.AudienceNamed)
	protocol, err := oauth.New(oauth.Config{
		Authenticator: authenticator, Issuer: issuer, Sessions: sessions, Revocations: revocations, Checker: checker, Ring: in.Ring,
		Configuration: configuration, Audience: audiences.Get, Now: in.DB.Now,
		ChangePassword: in.Admin.ChangeOwnPassword, Issued: metrics.issued, Recorder: s.recorder,
	})
	if err != nil {
		return nil, err
	}
	s.authn = authenticator
	administration, err := rest.New(in.Admin, rest.Bearers(checker))
	if err != nil {
		return nil, err
	}
	protocol.Routes(s.public)
	administration.Routes(s.public)
	return web.WithDeadline(requestDeadline, protocol.UnderIssuerPath(s.public)), nil
}

// requestDeadline ends what a request waits for: a slot for hashing, the
// database.
const requestDeadline = 20 * time.Second

// StoreEvents stores in the audit what was recorded of requests until now, which happens by
// itself 200 ms later.
func (s *Server) StoreEvents(ctx context.Context) error { return s.recorder.Flush(ctx) }

// Handler returns what the public port serves.
func (s *Server) Handler() http.Handler { return s.handler }

// Routes lists what the public port serves.
func (s *Server) Routes() []web.Route { return s.public.Routes() }

// Operations returns what the operators' port serves: health with its details and
// metrics.
func (s *Server) Operations() http.Handler { return s.ops }
