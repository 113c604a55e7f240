package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Configuration is the configuration with the key that signs, or that an
// administrator has just asked to sign next.
type Configuration struct {
	identity.Configuration
	Key keyring.Key
}

// ETag names this state of the configuration, in quotes.
func (c Configuration) ETag() string {
	return fmt.Sprintf(`"%d-%s"`, c.Version, c.Key.KID)
}

// ConfigurationUpdate is what to change; nil stays as it is.
type ConfigurationUpdate struct {
	PrivateKey   *identity.Secret // PEM
	PublicKey    *string          // PEM; must belong to PrivateKey
	Expiration   *time.Duration
	Issuer       *string
	MaxRefreshes *int
	RefreshGrace *time.Duration

	SessionMaxAge, KeyRotationInterval *time.Duration
}

// Configuration returns the configuration. It needs identity:configuration:read.
func (s *Service) Configuration(ctx context.Context, caller identity.Caller) (Configuration, error) {
	if err := caller.Require(identity.PermissionConfigurationRead); err != nil {
		return Configuration{}, err
	}
	return s.configuration(ctx, s.db)
}

func (s *Service) configuration(ctx context.Context, db *store.DB) (Configuration, error) {
	cfg, err := db.Configuration(ctx)
	if err != nil {
		return Configuration{}, err
	}
	key, err := keyring.Current(ctx, db)
	return Configuration{cfg, key}, err
}

// UpdateConfiguration changes the configuration and the signing key, all of it or
// nothing. It needs identity:configuration:write, for the key and the issuer
// identity:admin. match, if not nil, is asked inside the transaction whether the
// state found there is the one to change. An imported key takes over within two
// seconds. Conflict when the new issuer is in the register of audiences.
func (s *Service) UpdateConfiguration(ctx context.Context, caller identity.Caller, u ConfigurationUpdate, match func(Configuration) error) (Configuration, error) {
	if err := caller.Require(identity.PermissionConfigurationWrite); err != nil {
		return Configuration{}, err
	}
	if u.PrivateKey != nil || u.Issuer != nil {
		if err := caller.Require(identity.PermissionAdmin); err != nil {
			return Configuration{}, err
		}
	}
	private, keyErr := u.parseKey()
	if err := collect(keyErr, u.over(identity.DefaultConfiguration("kept")).Check()); err != nil {
		return Configuration{}, err
	}
	spares, err := s.sparesBeside(ctx, private)
	if err != nil {
		return Configuration{}, err
	}
	var updated Configuration
	err = s.change(ctx, caller, func(tx *store.DB) error {
		found, err := s.configuration(ctx, tx)
		// Where no key can be read a new one is the cure.
		if err != nil && (private == nil || identity.KindOf(err) != identity.Unavailable) {
			return err
		}
		if match != nil {
			if err := match(found); err != nil {
				return err
			}
		}
		if u.Issuer != nil {
			if err := notRegistered(ctx, tx, found.Issuer, *u.Issuer); err != nil {
				return err
			}
		}
		if updated, err = s.store(ctx, tx, caller, found, u, private, spares); err != nil {
			return err
		}
		return audit.Record(ctx, tx, caller, audit.Change{Name: "configuration.updated", Before: configurationState(found, nil), After: configurationState(updated, u.PrivateKey)})
	})
	return updated, err
}

// store stores what differs from what was found. The lifetime comes before the key, so
// that the former key goes on covering tokens with the former lifetime.
func (s *Service) store(ctx context.Context, tx *store.DB, caller identity.Caller, found Configuration, u ConfigurationUpdate, private *jose.PrivateKey, spares map[string]*jose.PrivateKey) (updated Configuration, err error) {
	next := u.over(found.Configuration)
	changed := next != found.Configuration
	if changed {
		if err := tx.UpdateConfiguration(ctx, next); err != nil {
			return found, err
		}
	}
	updated = found
	if private != nil {
		if updated.Key, err = s.importKey(ctx, tx, caller, *private, spares); err != nil {
			return found, err
		}
		if !changed && !updated.Key.ActivatesAt.Equal(found.Key.ActivatesAt) { // a new key is a change too
			if err := tx.UpdateConfiguration(ctx, next); err != nil {
				return found, err
			}
		}
	}
	updated.Configuration, err = tx.Configuration(ctx)
	return updated, err
}

// notRegistered refuses an issuer for which others have registered what its tokens are:
// they would be those that administer this service.
func notRegistered(ctx context.Context, tx *store.DB, former, issuer string) error {
	if issuer == former {
		return nil
	}
	registered, err := tx.AudienceNamed(ctx, issuer)
	if err == nil && registered.ID != "" {
		err = identity.Errorf(identity.Conflict, "The register of audiences has an entry for this issuer; take it out first.")
	}
	return err
}

// importKey makes the key sign, and sees to it that whoever asks for an algorithm keeps a
// key of it.
func (s *Service) importKey(ctx context.Context, tx *store.DB, caller identity.Caller, private jose.PrivateKey, spares map[string]*jose.PrivateKey) (keyring.Key, error) {
	key, err := s.ring.Import(ctx, tx, private)
	if err != nil {
		return key, err
	}
	asked, err := tx.AskedAlgorithms(ctx)
	if err != nil {
		return key, err
	}
	for _, algorithm := range asked {
		if err := s.signFrom(ctx, tx, caller, key.ActivatesAt, algorithm, spares[algorithm]); err != nil {
			return key, err
		}
	}
	return key, nil
}

// sparesBeside makes keys for the algorithms that are asked for, of which the import of
// another one may end the key. The imported key is to be out soon: none is made meanwhile.
func (s *Service) sparesBeside(ctx context.Context, imported *jose.PrivateKey) (map[string]*jose.PrivateKey, error) {
	if imported == nil {
		return nil, nil
	}
	asked, err := s.db.AskedAlgorithms(ctx)
	if err != nil {
		return nil, err
	}
	spares := map[string]*jose.PrivateKey{}
	for _, algorithm := range asked {
		private, err := jose.GeneratePrivateKey(jose.Algorithm(algorithm))
		if err != nil {
			return nil, err
		}
		spares[algorithm] = &private
	}
	return spares, nil
}

// configurationView is the configuration as the audit shows it.
type configurationView struct {
	Issuer       string `json:"jwt_issuer"`
	Expiration   int64  `json:"jwt_expiration"`
	MaxRefreshes int    `json:"jwt_max_refreshes"`
	RefreshGrace int64  `json:"refresh_grace"`
	SessionAge   int64  `json:"session_max_age"`
	KeyInterval  int64  `json:"key_rotation_interval"`
	KID          string `json:"kid"`
	// PrivateKey is there, redacted, where one was imported.
	PrivateKey *identity.Secret `json:"private_key,omitempty"`
}

func configurationState(c Configuration, imported *identity.Secret) configurationView {
	return configurationView{
		c.Issuer, int64(c.Expiration.Seconds()), c.MaxRefreshes, int64(c.RefreshGrace.Seconds()),
		int64(c.SessionMaxAge.Seconds()), int64(c.KeyRotationInterval.Seconds()), c.Key.KID, imported,
	}
}

// over returns the configuration with the update on top.
func (u ConfigurationUpdate) over(c identity.Configuration) identity.Configuration {
	set(&c.Expiration, u.Expiration)
	set(&c.Issuer, u.Issuer)
	set(&c.MaxRefreshes, u.MaxRefreshes)
	set(&c.RefreshGrace, u.RefreshGrace)
	set(&c.SessionMaxAge, u.SessionMaxAge)
	set(&c.KeyRotationInterval, u.KeyRotationInterval)
	return c
}

func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}

// parseKey returns the private key, or nil if none is to be imported.
func (u ConfigurationUpdate) parseKey() (*jose.PrivateKey, error) {
	if u.PrivateKey == nil {
		if u.PublicKey != nil {
			return nil, identity.InvalidField("public_key", "can be set only together with private_key")
		}
		return nil, nil
	}
	private, err := jose.ParsePrivateKey([]byte(u.PrivateKey.Reveal()))
	if err != nil {
		return nil, identity.InvalidField("private_key", "%s", err)
	}
	if u.PublicKey != nil {
		public, err := jose.ParsePublicKey([]byte(*u.PublicKey))
		if err != nil {
			return nil, identity.InvalidField("public_key", "%s", err)
		}
		if !public.Equal(private.Public()) {
			return nil, identity.InvalidField("public_key", "does not belong to private_key")
		}
	}
	return &private, nil
}
