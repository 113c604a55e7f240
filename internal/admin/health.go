package admin

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/doctor"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// Environment is what the process was started with.
type Environment struct {
	// Settings are all of them, secrets without their values.
	Settings []doctor.Value
	// WeakKey reports whether the first encryption key is of the 32-byte form, KeyBeside
	// whether it is in a file beside the database.
	WeakKey, KeyBeside bool
}

// Health is how an installation is, as this node knows it.
type Health struct {
	Facts    doctor.Facts
	Findings []doctor.Finding
	// Settings are those of the process, Configuration that of the installation.
	Settings, Configuration []doctor.Value
}

// Bounds of how long something may be unused before that is a finding.
const (
	DefaultUnused = 90 * 24 * time.Hour
	MinUnused     = 24 * time.Hour
	MaxUnused     = 3650 * 24 * time.Hour
)

const (
	// expiresSoon is when somebody is to see to a secret that expires.
	expiresSoon = 14 * 24 * time.Hour
	// mostNamed is how many things are named of each kind of finding.
	mostNamed = 20
	// measureEvery is how often a hash is measured at most.
	measureEvery = time.Minute
)

// measurement is when a hash was last measured.
type measurement struct {
	mu   sync.Mutex
	at   time.Time
	took time.Duration
}

// Health gathers how the installation is, and judges it; what was not used for so long is
// unused. It needs identity:health:read. It measures a hash, once a minute at most.
func (s *Service) Health(ctx context.Context, caller identity.Caller, unused time.Duration) (Health, error) {
	if err := caller.Require(identity.PermissionHealthRead); err != nil {
		return Health{}, err
	}
	f := doctor.Facts{
		Now: s.db.Now(), Unused: unused, ClockOffset: s.db.ClockOffset(),
		WeakKey: s.environment.WeakKey, KeyBeside: s.environment.KeyBeside,
	}
	for _, gather := range []func(context.Context, *doctor.Facts) error{s.gatherKeys, s.gatherMachine, s.gatherCredentials, s.gatherAudit} {
		if err := gather(ctx, &f); err != nil {
			return Health{}, err
		}
	}
	return Health{Facts: f, Findings: doctor.Examine(f), Settings: s.environment.Settings, Configuration: valuesOf(f.Configuration)}, nil
}

// valuesOf lists the configuration, as its interface names it.
func valuesOf(c identity.Configuration) []doctor.Value {
	list := func(c identity.Configuration) []doctor.Value {
		seconds := func(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
		return []doctor.Value{
			{Name: "jwt_issuer", Value: c.Issuer}, {Name: "jwt_expiration", Value: seconds(c.Expiration)}, {Name: "jwt_max_refreshes", Value: strconv.Itoa(c.MaxRefreshes)},
			{Name: "refresh_grace", Value: seconds(c.RefreshGrace)}, {Name: "session_max_age", Value: seconds(c.SessionMaxAge)},
			{Name: "key_rotation_interval", Value: seconds(c.KeyRotationInterval)},
		}
	}
	values, defaults := list(c), list(identity.DefaultConfiguration(""))
	for i := range values {
		values[i].Origin = doctor.OriginStored
		if values[i].Value == defaults[i].Value {
			values[i].Origin = doctor.OriginDefault
		}
	}
	return values
}

func (s *Service) gatherKeys(ctx context.Context, f *doctor.Facts) (err error) {
	if f.Configuration, err = s.db.Configuration(ctx); err != nil {
		return err
	}
	keys, err := s.ring.Describe(ctx, s.db)
	if err != nil {
		return err
	}
	for _, k := range keys {
		f.Keys = append(f.Keys, doctor.Key{SigningKey: k.SigningKey, Default: k.Default, Fault: k.Fault})
	}
	sealed, err := s.ring.SealedValues(ctx)
	listed := s.ring.EncryptionKeys()
	for _, v := range sealed {
		f.Sealed = append(f.Sealed, doctor.Sealed{
			Title: v.Title, First: v.EncryptionKey == s.ring.EncryptionKey(), Listed: v.EncryptionKey == "" || slices.Contains(listed, v.EncryptionKey), Fault: v.Fault,
		})
	}
	return err
}

func (s *Service) gatherMachine(ctx context.Context, f *doctor.Facts) error {
	var err error
	if f.Hash, err = s.measure(ctx); err != nil {
		return err
	}
	hashing := s.pool.Stats()
	f.HashSlots, f.Cores = hashing.Slots, hashing.Cores
	of := s.db.Stats()
	f.Connections = doctor.Connections{Open: of.Open, InUse: of.InUse, Limit: of.Limit, Waits: of.Waits, Waited: of.Waited}
	if free, total, known := s.db.Disk(); known {
		f.Disk = &doctor.Disk{Free: free, Total: total}
	}
	return nil
}

// measure computes hashes, unless some were just measured: many who ask make no load. It
// returns how long the fastest took, for one may have waited for a core.
func (s *Service) measure(ctx context.Context) (time.Duration, error) {
	s.measured.mu.Lock()
	defer s.measured.mu.Unlock()
	if !s.measured.at.IsZero() && time.Since(s.measured.at) < measureEvery {
		return s.measured.took, nil
	}
	const times = 3
	fastest := time.Duration(math.MaxInt64)
	for range times {
		if err := s.pool.Burn(ctx, argon2.Party{Class: argon2.Administration, Source: web.Source(ctx)}); err != nil {
			return 0, authn.HashingError(err)
		}
		fastest = min(fastest, s.pool.Stats().Took)
	}
	s.measured.at, s.measured.took = time.Now(), fastest
	return fastest, nil
}

func (s *Service) gatherCredentials(ctx context.Context, f *doctor.Facts) (err error) {
	since := f.Now.Add(-f.Unused)
	credentials := func(list []store.Credential, total int64, failed error) doctor.Some[doctor.Credential] {
		if err == nil {
			err = failed
		}
		some := doctor.Some[doctor.Credential]{Total: total}
		for _, c := range list {
			some.List = append(some.List, doctor.Credential(c))
		}
		return some
	}
	names := func(list []string, total int64, failed error) doctor.Some[string] {
		if err == nil {
			err = failed
		}
		return doctor.Some[string]{List: list, Total: total}
	}
	f.UnusedSecrets = credentials(s.db.UnusedSecrets(ctx, since, mostNamed))
	f.UnusedKeys = credentials(s.db.UnusedKeys(ctx, since, mostNamed))
	f.ExpiredSecrets = credentials(s.db.ExpiringSecrets(ctx, time.Time{}, f.Now, mostNamed))
	f.ExpiringSecrets = credentials(s.db.ExpiringSecrets(ctx, f.Now, f.Now.Add(expiresSoon), mostNamed))
	f.Powerless = names(s.db.PowerlessClients(ctx, mostNamed))
	f.NeverLoggedIn = names(s.db.NeverLoggedIn(ctx, since, mostNamed))
	shared := names(s.db.SharedKeys(ctx, mostNamed))
	f.SharedKeys.Total = shared.Total
	for _, kid := range shared.List {
		clients, failed := s.db.ClientsWithKey(ctx, kid)
		if failed != nil {
			return failed
		}
		f.SharedKeys.List = append(f.SharedKeys.List, doctor.Shared{KID: kid, Clients: named(clients)})
	}
	return err
}

// named is a list that a sentence can name.
func named(clients []string) []string {
	if left := len(clients) - mostNamed; left > 0 {
		return append(clients[:mostNamed:mostNamed], fmt.Sprintf("and %d more", left))
	}
	return clients
}

func (s *Service) gatherAudit(ctx context.Context, f *doctor.Facts) error {
	waiting, err := s.db.Unsealed(ctx, 1)
	if len(waiting) > 0 {
		f.UnsealedSince = waiting[0].At
	}
	return err
}
