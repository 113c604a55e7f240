// Package identitytest is the kit for tests of the whole service: New starts the
// real thing, on a SQLite file in a temporary directory (or on the server that
// IDENTITY_KIT_DATABASE names, postgresql or mariadb), behind a real listener on
// the loopback interface, with a clock that the test moves. Nothing in it is a
// stand-in, but hashing is cheap and the log goes to a buffer, where WantNoCanary looks
// for what must not be there.
package identitytest

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/breach"
	"github.com/seed-60f9e3ad/identity/internal/clientkeys"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/seal"
	"github.com/seed-60f9e3ad/identity/internal/server"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/store/storetest"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// Issuer is the issuer of the service unless Options say otherwise.
const Issuer = "https://id.test"

// Options change the service that New starts.
type Options struct {
	Issuer    string
	Algorithm jose.Algorithm
	// Hashing is the hashing pool; zero is one that is cheap.
	Hashing argon2.Config
	// AllowedOrigins are passed on.
	AllowedOrigins []string
	// SeparateOps starts an operators' port: Service.OpsURL.
	SeparateOps bool
	// NoAPIDocs is passed on.
	NoAPIDocs bool
	// OwnUpkeep has the service do from time to time what it does then, and seal the audit,
	// by itself; else that is for the test to say: Service.Upkeep, Installation.Sealer.
	OwnUpkeep bool
	// LogLevel is the least that is logged; nil is all of it.
	LogLevel slog.Leveler
	// Database and EncryptionKey open an existing installation, and Clock is one that
	// another node has too; nil is one of its own. A Database with a Machine has the time
	// of its server instead.
	Database      store.Config
	EncryptionKey identity.Secret
	Clock         *Clock
	// PasswordRange is passed on.
	PasswordRange breach.Config
	// ClientKeys is passed on.
	ClientKeys clientkeys.Config
	// AuditRetention is passed on.
	AuditRetention time.Duration
	// AddressFailures and TrustedProxies are passed on. Zero failures is any number: all
	// requests of a test come from one address. Names are throttled in any case.
	AddressFailures int
	TrustedProxies  []netip.Prefix
}

// Service is a running service.
type Service struct {
	URL, OpsURL   string
	Issuer        string
	Database      store.Config
	EncryptionKey identity.Secret
	Installation  *server.Installation
	// Handler is what URL serves, for calls without a network.
	Handler http.Handler
	// Upkeep does once what the service does from time to time.
	Upkeep func(context.Context)
	// StoreEvents stores in the audit what was recorded of requests until now.
	StoreEvents func(context.Context) error
	// Routes are those of URL.
	Routes []web.Route
	Clock  *Clock
	// Log is in JSON, and TextLog the same in the form for people.
	Log, TextLog *Log
	Logger       *slog.Logger
	// Admin is the administrator's name and password.
	AdminUsername string
	AdminPassword identity.Secret

	t       testing.TB
	stop    func()
	options Options
}

// Another starts one more node of the installation, with the same clock.
func (s *Service) Another() *Service {
	s.t.Helper()
	return New(s.t, Options{
		Issuer: s.Issuer, Database: s.Database, EncryptionKey: s.EncryptionKey, Clock: s.Clock,
		AddressFailures: s.options.AddressFailures, TrustedProxies: s.options.TrustedProxies,
	})
}

// New starts a service that lives as long as the test.
func New(t testing.TB, options ...Options) *Service {
	t.Helper()
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	s := &Service{
		t: t, options: o, Issuer: or(o.Issuer, Issuer), Database: o.Database,
		EncryptionKey: o.EncryptionKey, Clock: o.Clock, Log: &Log{}, TextLog: &Log{},
		AdminUsername: "admin", AdminPassword: identity.NewSecret("the administrator's password"),
	}
	if s.Database.Path == "" && s.Database.Driver == "" {
		s.Database = s.newDatabase()
	}
	if s.Clock == nil {
		s.Clock = storetest.NewClock(time.Now().UTC().Truncate(time.Millisecond))
	}
	if s.EncryptionKey.Empty() {
		s.EncryptionKey = seal.GenerateKey()
	}
	if o.Hashing == (argon2.Config{}) {
		o.Hashing = argon2.Config{Params: argon2.Params{Memory: 64, Time: 1, Threads: 1}}
	}
	logging := &slog.HandlerOptions{Level: o.LogLevel}
	if o.LogLevel == nil {
		logging.Level = slog.LevelDebug
	}
	s.Logger = slog.New(slog.NewMultiHandler(slog.NewJSONHandler(s.Log, logging), slog.NewTextHandler(s.TextLog, logging)))
	database := s.Database
	if database.Machine == nil {
		database.Now = s.Clock.Now
	}
	in, err := server.OpenInstallation(t.Context(), server.InstallationConfig{
		Database: database, EncryptionKey: s.EncryptionKey, Hashing: o.Hashing, PasswordRange: o.PasswordRange, ClientKeys: o.ClientKeys, Logger: s.Logger,
	})
	s.must(err)
	s.Installation = in
	_, err = in.Prepare(t.Context(), server.FirstStart{
		Issuer: s.Issuer, Algorithm: or(o.Algorithm, jose.ES256), AdminUsername: s.AdminUsername, AdminPassword: s.AdminPassword,
	})
	s.must(err)
	if !o.OwnUpkeep {
		s.holdLeases()
	}
	srv, err := server.New(server.Config{
		Installation: in, Logger: s.Logger, AllowedOrigins: o.AllowedOrigins, TrustedProxies: o.TrustedProxies, AddressFailures: o.AddressFailures,
		AuditRetention: o.AuditRetention, SeparateOps: o.SeparateOps, NoAPIDocs: o.NoAPIDocs, Version: "test",
	})
	s.must(err)
	s.Handler, s.Routes, s.Upkeep, s.StoreEvents = srv.Handler(), srv.Routes(), srv.Upkeep, srv.StoreEvents
	s.serve(srv, o.SeparateOps)
	return s
}

// holdLeases keeps what nodes do from time to time from happening at any other moment than
// when the test says so, on whichever node.
func (s *Service) holdLeases() {
	s.t.Helper()
	for _, lease := range []string{store.LeaseUpkeep, store.LeaseAudit} {
		ours, err := s.Installation.DB.TakeLease(s.t.Context(), lease, "the test kit", 100*365*24*time.Hour)
		s.must(err)
		if !ours {
			s.t.Fatalf("a node that is not of the kit has the lease %s", lease)
		}
	}
}

// serve runs the server until the test ends or Stop is called.
func (s *Service) serve(srv *server.Server, separateOps bool) {
	public := s.listen(&s.URL)
	var ops net.Listener
	if separateOps {
		ops = s.listen(&s.OpsURL)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, public, ops) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		s.must(<-done)
		s.must(s.Installation.Close())
	})
	s.t.Cleanup(s.stop)
}

func (s *Service) listen(url *string) net.Listener {
	l, err := (&net.ListenConfig{}).Listen(s.t.Context(), "tcp", "127.0.0.1:0")
	s.must(err)
	*url = "http://" + l.Addr().String()
	return l
}

// Stop ends the service before the test does.
func (s *Service) Stop() { s.stop() }

// AddUser makes a user who may have any audience.
func (s *Service) AddUser(username, password string, permissions ...string) identity.User {
	s.t.Helper()
	user, err := s.Installation.Admin.CreateUser(context.Background(), administrator, admin.NewUser{
		Username: username, Password: identity.NewSecret(password), Permissions: permissions,
	})
	s.must(err)
	return user
}

// AddClient makes a client and returns its secret, if it has one.
func (s *Service) AddClient(n admin.NewClient) (identity.Client, string) {
	s.t.Helper()
	if n.Name == "" {
		n.Name = n.ID
	}
	client, secret, err := s.Installation.Admin.CreateClient(context.Background(), administrator, n)
	s.must(err)
	return client, secret.Reveal()
}

var administrator = identity.LocalAdministrator("test")

func (s *Service) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

// Clock stands still until it is moved.
type Clock = storetest.Clock

// Log collects what the service logs.
type Log struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	return len(p), nil
}

// String returns all that was logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// Reset forgets what was logged.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = nil
}
