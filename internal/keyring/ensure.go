package keyring

import (
	"context"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Ensured is what Ensure did about a key.
type Ensured struct {
	Key identity.SigningKey
	// Made reports whether the key is new; else it was waiting, or about to end.
	Made bool
}

// Ensure makes sure that a key signs for the algorithm, from the given time on or, if that
// is zero, once it has been published for MaxAge. It returns the key that it made, or that
// takes over now that it is needed; nil if there was one. spare is for a new one, nil to
// make it now.
func (r *Ring) Ensure(ctx context.Context, tx *store.DB, algorithm jose.Algorithm, spare *jose.PrivateKey, from time.Time) (*Ensured, error) {
	stored, err := tx.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	now := tx.Now()
	_, there := lastOf(stored, string(algorithm))
	if from.IsZero() {
		if bridged, err := bridgeOver(ctx, tx, stored, string(algorithm)); bridged != nil || err != nil {
			return bridged, err
		}
	}
	if there { // it signs, or begins when verifiers know it
		return nil, nil
	}
	put := tx.ScheduleSigningKey
	k, waited := r.waiting(stored, string(algorithm), now)
	if !waited {
		if k, err = r.fresh(algorithm, spare, now); err != nil {
			return nil, err
		}
		put = tx.PutSigningKey
	}
	s := succession{at: later(from, k.CreatedAt.Add(takeover)), now: now}
	if from.IsZero() {
		s.at = published(k, now)
	}
	k.Default = k.Default || heir(stored, string(algorithm), s.at) // it ends the default key, then
	k, err = takeOver(ctx, tx, k, s, put)
	return &Ensured{k, !waited}, err
}

// fresh seals a new key: the spare one, unless that is nil.
func (r *Ring) fresh(algorithm jose.Algorithm, spare *jose.PrivateKey, now time.Time) (identity.SigningKey, error) {
	if spare == nil {
		made, err := jose.GeneratePrivateKey(algorithm)
		if err != nil {
			return identity.SigningKey{}, err
		}
		spare = &made
	}
	k, _, err := r.seal(*spare, identity.SigningKey{Algorithm: string(algorithm), CreatedAt: now})
	return k, err
}

// bridgeOver has the algorithm signed without a gap, if its keys are to leave one, and
// returns the key that goes on for that; nil if they are not.
func bridgeOver(ctx context.Context, tx *store.DB, stored []identity.SigningKey, algorithm string) (*Ensured, error) {
	lifetime, err := tx.LongestLifetime(ctx)
	if err != nil {
		return nil, err
	}
	k, gap := bridge(stored, algorithm, tx.Now(), lifetime)
	if !gap {
		return nil, nil
	}
	return &Ensured{Key: k}, tx.ScheduleSigningKey(ctx, k)
}

// waiting returns the oldest key of the algorithm of which it is not decided when it
// signs, and which could.
func (r *Ring) waiting(stored []identity.SigningKey, algorithm string, now time.Time) (found identity.SigningKey, ok bool) {
	for _, k := range stored { // oldest first
		if k.Algorithm == algorithm && k.ActivatesAt.IsZero() && r.loadKey(k, now).fault == nil {
			return k, true
		}
	}
	return found, false
}
