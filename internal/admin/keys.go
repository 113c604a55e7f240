package admin

import (
	"context"
	"slices"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Keys lists the signing keys that have not expired. It needs identity:keys:read.
func (s *Service) Keys(ctx context.Context, caller identity.Caller) ([]keyring.Described, error) {
	if err := caller.Require(identity.PermissionKeysRead); err != nil {
		return nil, err
	}
	return s.ring.Describe(ctx, s.db)
}

// mayChangeKeys: whoever changes keys decides what every token is worth.
func mayChangeKeys(caller identity.Caller) error {
	if err := caller.Require(identity.PermissionKeysWrite); err != nil {
		return err
	}
	return caller.Require(identity.PermissionAdmin)
}

// MakeKey makes a signing key that is published from now on and signs nothing until it is
// activated. It needs identity:admin.
func (s *Service) MakeKey(ctx context.Context, caller identity.Caller, algorithm string) (identity.SigningKey, error) {
	var made identity.SigningKey
	if err := mayChangeKeys(caller); err != nil {
		return made, err
	}
	if !slices.Contains(jose.SigningAlgorithms(), jose.Algorithm(algorithm)) {
		return made, noSuchAlgorithm("algorithm")
	}
	private, err := jose.GeneratePrivateKey(jose.Algorithm(algorithm)) // takes long for RSA: outside of the transaction
	if err != nil {
		return made, err
	}
	err = s.change(ctx, caller, func(tx *store.DB) error {
		if err := keepFewWaiting(ctx, tx); err != nil {
			return err
		}
		if made, err = s.ring.Make(ctx, tx, private, jose.Algorithm(algorithm)); err != nil {
			return err
		}
		makes(ctx, made.KID)
		return audit.Record(ctx, tx, caller, audit.Change{Name: "key.created", Target: made.KID, After: keyState(made)})
	})
	return made, err
}

// maxWaiting bounds the keys that are published and sign nothing: every verifier fetches
// them.
const maxWaiting = 20

func keepFewWaiting(ctx context.Context, tx *store.DB) error {
	stored, err := tx.SigningKeys(ctx)
	if err != nil {
		return err
	}
	if len(slices.DeleteFunc(stored, func(k identity.SigningKey) bool { return !k.ActivatesAt.IsZero() })) >= maxWaiting {
		return identity.Errorf(identity.Conflict, "There are %d keys already that are not activated; activate or delete some first.", maxWaiting)
	}
	return nil
}

// ActivateKey has a key take over: see keyring.Ring.Activate. It needs identity:admin.
func (s *Service) ActivateKey(ctx context.Context, caller identity.Caller, kid string, a keyring.Activation) (identity.SigningKey, error) {
	var activated identity.SigningKey
	if err := mayChangeKeys(caller); err != nil {
		return activated, err
	}
	err := s.change(ctx, caller, func(tx *store.DB) error {
		before, err := keyBefore(ctx, tx, kid)
		if err != nil {
			return err
		}
		if activated, err = s.ring.Activate(ctx, tx, kid, a); err != nil || keyState(activated) == before {
			return err
		}
		return audit.Record(ctx, tx, caller, audit.Change{Name: "key.activated", Target: kid, Before: before, After: keyState(activated)})
	})
	return activated, err
}

// DeleteKey forgets a key, and with it every token that it has signed: see
// keyring.Ring.Delete. It needs identity:admin.
func (s *Service) DeleteKey(ctx context.Context, caller identity.Caller, kid string) error {
	if err := mayChangeKeys(caller); err != nil {
		return err
	}
	return s.change(ctx, caller, func(tx *store.DB) error {
		gone, err := s.ring.Delete(ctx, tx, kid)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, caller, audit.Change{Name: "key.deleted", Target: kid, Before: keyState(gone)})
	})
}

// RotateKeys gives every key that has signed for the configured interval a successor, if
// nobody has yet. It is for a job, on whose behalf caller is.
func (s *Service) RotateKeys(ctx context.Context, caller identity.Caller) ([]keyring.Rotation, error) {
	cfg, err := s.db.Configuration(ctx)
	if err != nil {
		return nil, err
	}
	due, err := keyring.Due(ctx, s.db, cfg.KeyRotationInterval)
	if err != nil || len(due) == 0 {
		return nil, err
	}
	spares := map[string]jose.PrivateKey{}
	for _, k := range due {
		if spares[k.Algorithm], err = jose.GeneratePrivateKey(jose.Algorithm(k.Algorithm)); err != nil {
			return nil, err
		}
	}
	var done []keyring.Rotation
	err = s.change(ctx, caller, func(tx *store.DB) error {
		// It may have been switched off meanwhile.
		cfg, err := tx.Configuration(ctx)
		if err != nil || cfg.KeyRotationInterval == 0 {
			return err
		}
		if done, err = s.ring.Rotate(ctx, tx, cfg.KeyRotationInterval, spares); err != nil {
			return err
		}
		for _, r := range done {
			if r.Made {
				if err := audit.Record(ctx, tx, caller, audit.Change{Name: "key.created", Target: r.Next.KID, After: keyState(r.Next)}); err != nil {
					return err
				}
			}
			if err := audit.Record(ctx, tx, caller, audit.Change{Name: "key.activated", Target: r.Next.KID, After: keyState(r.Next)}); err != nil {
				return err
			}
		}
		return nil
	})
	return done, err
}

// Rewrap puts one sealed value under the first encryption key: see keyring.Ring.Rewrap.
// It needs identity:admin.
func (s *Service) Rewrap(ctx context.Context, caller identity.Caller, v keyring.Sealed) (changed bool, err error) {
	if err := caller.Require(identity.PermissionAdmin); err != nil {
		return false, err
	}
	type view struct {
		EncryptionKey string `json:"encryption_key"`
	}
	err = s.change(ctx, caller, func(tx *store.DB) error {
		if changed, err = s.ring.Rewrap(ctx, tx, v); err != nil || !changed {
			return err
		}
		return audit.Record(ctx, tx, caller, audit.Change{
			Name: "key.rewrapped", Target: v.ID, Before: view{v.EncryptionKey}, After: view{s.ring.EncryptionKey()},
		})
	})
	return changed, err
}

// signFor makes sure that there is a key for an algorithm that is asked for, unless it is
// empty, once every verifier can know it. A new key, for which spare is, or one that now is
// to sign needs identity:admin, and is an event of its own.
func (s *Service) signFor(ctx context.Context, tx *store.DB, caller identity.Caller, algorithm string, spare *jose.PrivateKey) error {
	return s.signFrom(ctx, tx, caller, time.Time{}, algorithm, spare)
}

// signFrom is signFor for a key that is needed from the given time on.
func (s *Service) signFrom(ctx context.Context, tx *store.DB, caller identity.Caller, from time.Time, algorithm string, spare *jose.PrivateKey) error {
	if algorithm == "" {
		return nil
	}
	ensured, err := s.ring.Ensure(ctx, tx, jose.Algorithm(algorithm), spare, from)
	if err != nil || ensured == nil {
		return err
	}
	if err := caller.Require(identity.PermissionAdmin); err != nil {
		return err
	}
	name := "key.activated"
	if ensured.Made {
		name = "key.created"
	}
	return audit.Record(ctx, tx, caller, audit.Change{Name: name, Target: ensured.Key.KID, After: keyState(ensured.Key)})
}

// spareFor makes the key that signFor is going to need, outside of the transaction, as
// that takes long for RSA; nil if it needs none, or the caller may not have it made.
func (s *Service) spareFor(ctx context.Context, caller identity.Caller, algorithm string) (*jose.PrivateKey, error) {
	if !slices.Contains(jose.SigningAlgorithms(), jose.Algorithm(algorithm)) || !caller.Can(identity.PermissionAdmin) {
		return nil, nil // refused later, if anything is asked for
	}
	stored, err := s.db.SigningKeys(ctx)
	if err != nil || slices.ContainsFunc(stored, func(k identity.SigningKey) bool { return k.Algorithm == algorithm && k.SupersededAt.IsZero() }) {
		return nil, err
	}
	private, err := jose.GeneratePrivateKey(jose.Algorithm(algorithm))
	return &private, err
}

// checkAlgorithm refuses what no signing key can have; empty is nothing.
func checkAlgorithm(member, algorithm string) error {
	if algorithm != "" && !slices.Contains(jose.SigningAlgorithms(), jose.Algorithm(algorithm)) {
		return noSuchAlgorithm(member)
	}
	return nil
}

func noSuchAlgorithm(member string) error {
	return identity.InvalidField(member, "must be one of %s", jose.Names(jose.SigningAlgorithms()))
}

func keyBefore(ctx context.Context, tx *store.DB, kid string) (keyView, error) {
	stored, err := tx.SigningKeys(ctx)
	for _, k := range stored {
		if k.KID == kid {
			return keyState(k), nil
		}
	}
	return keyView{}, err
}

// keyView is a signing key as the audit shows it.
type keyView struct {
	KID         string `json:"kid"`
	Algorithm   string `json:"algorithm"`
	Default     bool   `json:"default"`
	ActivatesAt string `json:"activates_at"` // empty while that is not decided
}

func keyState(k identity.SigningKey) keyView {
	v := keyView{KID: k.KID, Algorithm: k.Algorithm, Default: k.Default}
	if !k.ActivatesAt.IsZero() {
		v.ActivatesAt = k.ActivatesAt.UTC().Format(time.RFC3339Nano)
	}
	return v
}
