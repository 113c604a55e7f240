package admin

import (
	"context"
	"errors"
	"runtime/trace"
	"slices"
	"sync"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Service is the operations.
type Service struct {
	db       *store.DB
	follower *store.Follower
	ring     *keyring.Ring
	pool     *argon2.Pool
	breached func(context.Context, identity.Secret) bool

	checkKeysURI func(string) error

	environment Environment
	measured    *measurement
	// underway has the requests of Once.
	underway *sync.Map
	// nested reports whether db is a transaction, of which all changes are part.
	nested bool
}

// Config is what a Service needs; nothing may be missing but Breached and Environment.
type Config struct {
	DB       *store.DB
	Follower *store.Follower
	Ring     *keyring.Ring
	Pool     *argon2.Pool
	// Breached reports whether a password is known from a breach; nil asks nobody. It is
	// asked outside of transactions, for passwords that would otherwise be taken.
	Breached func(context.Context, identity.Secret) bool
	// CheckKeysURI refuses a URL from which the keys of a client will not be fetched.
	CheckKeysURI func(string) error
	// Environment is for Health.
	Environment Environment
}

// New makes a Service.
func New(cfg Config) (*Service, error) {
	if cfg.DB == nil || cfg.Follower == nil || cfg.Ring == nil || cfg.Pool == nil || cfg.CheckKeysURI == nil {
		return nil, errors.New("administration needs a database, a follower, a key ring, a hashing pool and a check of URLs")
	}
	return &Service{db: cfg.DB, follower: cfg.Follower, ring: cfg.Ring, pool: cfg.Pool, breached: cfg.Breached, checkKeysURI: cfg.CheckKeysURI, environment: cfg.Environment, measured: &measurement{}, underway: &sync.Map{}}, nil
}

// Now is the time by which the operations judge.
func (s *Service) Now() time.Time { return s.db.Now() }

// change is commit for a caller who still may, inside the transaction, what they might
// when they were known.
func (s *Service) change(ctx context.Context, caller identity.Caller, fn func(tx *store.DB) error) error {
	return s.commit(ctx, func(tx *store.DB) error {
		if err := stillMay(ctx, tx, caller); err != nil {
			return err
		}
		return fn(tx)
	})
}

// commit runs fn in one administrative transaction and makes it hold for the next
// request of this node.
func (s *Service) commit(ctx context.Context, fn func(tx *store.DB) error) error {
	defer trace.StartRegion(ctx, "admin.change").End()
	if s.nested {
		return fn(s.db)
	}
	if err := s.db.Change(ctx, func(tx *store.DB) error { return doOnce(ctx, tx, fn) }); err != nil {
		return err
	}
	s.follower.Changed(context.WithoutCancel(ctx))
	return nil
}

// deref returns a value that may be absent, or else the zero one.
func deref[T any](value *T) (v T) {
	set(&v, value)
	return v
}

// audiencesOrAny is a new principal's list of audiences: absent is any.
func audiencesOrAny(list *[]string) []string {
	if list == nil {
		return []string{identity.AnyAudience}
	}
	return identity.SortedSet(slices.Clone(*list))
}

// collect gathers what several checks found wrong into one InvalidRequest, so
// that all of it is reported together.
func collect(checks ...error) error {
	all := &identity.Error{Kind: identity.InvalidRequest, Message: "The request has invalid members."}
	for _, err := range checks {
		if err == nil {
			continue
		}
		e, ok := errors.AsType[*identity.Error](err)
		if !ok || e.Kind != identity.InvalidRequest {
			return err
		}
		all.Fields = append(all.Fields, e.Fields...)
	}
	if len(all.Fields) == 0 {
		return nil
	}
	return all
}
