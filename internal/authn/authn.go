package authn

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/clientkeys"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/ratelimit"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

const (
	// clientsHeld and holdFor bound the memory of clients. holdFor is also how
	// long a secret counts as recently proven.
	clientsHeld = 10_000
	usersHeld   = 1_000 // those who call the administration
	holdFor     = 15 * time.Minute
)

// Authenticator checks proofs.
type Authenticator struct {
	db            *store.DB
	pool          *argon2.Pool
	verifier      *jose.Verifier
	configuration func(context.Context) (identity.Configuration, error)
	logger        *slog.Logger
	keys          *clientkeys.Fetcher
	clients       *store.Cache[*knownClient]
	users         *store.Cache[identity.User] // by id, for Current
	uses          uses
	memoryKey     [32]byte
	turns         turns
	addresses     addresses
	events        *ratelimit.Limiter
	limited       func(policy string)
}

// Config is what an Authenticator needs; nothing may be missing but what says so.
type Config struct {
	DB            *store.DB
	Follower      *store.Follower
	Pool          *argon2.Pool
	Configuration func(context.Context) (identity.Configuration, error)
	Logger        *slog.Logger
	// Failures is what one address may get wrong; zero is anything.
	Failures ratelimit.Policy
	// Limited, if set, is told of each attempt that was refused for being too many, by
	// PolicyAddress or PolicyName, for metrics.
	Limited func(policy string)
	// ClientKeys fetches the keys of clients that publish them themselves.
	ClientKeys *clientkeys.Fetcher
}

// New makes an Authenticator.
func New(cfg Config) (*Authenticator, error) {
	if cfg.DB == nil || cfg.Follower == nil || cfg.Pool == nil || cfg.Configuration == nil || cfg.Logger == nil || cfg.ClientKeys == nil {
		return nil, errors.New("the authenticator needs a database, a follower, a hashing pool, the configuration, a logger and a fetcher of client keys")
	}
	verifier, err := jose.NewVerifier()
	if err != nil {
		return nil, fmt.Errorf("making dummy keys: %w", err)
	}
	a := &Authenticator{db: cfg.DB, pool: cfg.Pool, verifier: verifier, configuration: cfg.Configuration, logger: cfg.Logger, keys: cfg.ClientKeys}
	a.addresses = addresses{ratelimit.New(cfg.Failures, a.db.Now), ratelimit.New(cfg.Failures, a.db.Now)}
	a.events = ratelimit.New(eventPolicy, a.db.Now)
	if a.limited = cfg.Limited; a.limited == nil {
		a.limited = func(string) {}
	}
	_, _ = rand.Read(a.memoryKey[:]) // never fails: crypto/rand aborts the program instead
	a.clients = store.NewCache(cfg.Follower, store.KindClient, clientsHeld, holdFor, a.loadClient).DropAllOn(store.KindRole)
	a.users = store.NewCache(cfg.Follower, store.KindUser, usersHeld, holdFor, a.db.User).DropAllOn(store.KindRole)
	return a, nil
}

// refused is the one answer to every proof that does not hold. Its reason is for
// the log and the audit only.
func refused(reason *identity.Reason) error {
	return &identity.Error{Kind: identity.InvalidCredentials, Message: "The credentials are not valid.", Err: reason}
}

// party is on whose behalf a request hashes.
func party(ctx context.Context, class argon2.Class) argon2.Party {
	return argon2.Party{Class: class, Source: web.Source(ctx)}
}

// HashingError gives an error of the hashing pool its kind, for whoever hashes outside
// of this package.
func HashingError(err error) error { return hashing(err) }

// hashing gives an error from the pool its kind. A stored hash that cannot be
// read is a refusal, not a failure of the service.
func hashing(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, argon2.ErrOverloaded):
		return &identity.Error{Kind: identity.Overloaded, Message: "Too many logins are waiting. Try again shortly.", Err: err, RetryAfter: time.Second}
	default:
		return err
	}
}
