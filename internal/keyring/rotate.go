package keyring

import (
	"context"
	"maps"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// ahead is how much before it is needed the next key is made, beside the time for which
// it has to be published: the job that does it runs once a minute, on one node.
const ahead = 5 * time.Minute

// Due returns the keys from which others are to take over by themselves, given that each
// signs for interval. It needs no transaction, and decides nothing: see Rotate.
func Due(ctx context.Context, db *store.DB, interval time.Duration) ([]identity.SigningKey, error) {
	if interval <= 0 {
		return nil, nil
	}
	stored, err := db.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	return due(stored, interval, db.Now()), nil
}

// due returns the last key of each line that signs and has done so for long enough, or
// will have by the time at which another could take over.
func due(stored []identity.SigningKey, interval time.Duration, now time.Time) []identity.SigningKey {
	var list []identity.SigningKey
	for _, k := range lasting(stored) {
		if last, _ := lastOf(stored, k.Algorithm); last.KID == k.KID && !now.Add(Lead+ahead).Before(k.ActivatesAt.Add(interval)) {
			list = append(list, k)
		}
	}
	return list
}

// Rotation is what Rotate did about a key.
type Rotation struct {
	Former, Next identity.SigningKey
	// Made reports whether the next key is new; else it was waiting.
	Made bool
}

// Rotate gives each key that is due a successor: one that was made before and waits, or
// the spare one of its algorithm, which begins to sign when the former has done so for
// interval, but not before it has been published for MaxAge. A key that has got one
// meanwhile, from whichever node, is left alone. It runs in tx, which is inside
// store.DB.Change, so that a node that dies has done all of it or nothing.
func (r *Ring) Rotate(ctx context.Context, tx *store.DB, interval time.Duration, spares map[string]jose.PrivateKey) ([]Rotation, error) {
	var done []Rotation
	spares = maps.Clone(spares) // those that are left
	for {
		stored, err := tx.SigningKeys(ctx)
		if err != nil {
			return nil, err
		}
		former, ok := firstIn(due(stored, interval, tx.Now()), spares)
		if !ok {
			return done, nil
		}
		rotation, err := r.rotate(ctx, tx, stored, former, interval, spares[former.Algorithm])
		if err != nil {
			return nil, err
		}
		done = append(done, rotation)
		delete(spares, former.Algorithm)
	}
}

// firstIn returns the first of the keys for which there is a spare one.
func firstIn(keys []identity.SigningKey, spares map[string]jose.PrivateKey) (identity.SigningKey, bool) {
	for _, k := range keys {
		if _, ok := spares[k.Algorithm]; ok {
			return k, true
		}
	}
	return identity.SigningKey{}, false
}

func (r *Ring) rotate(ctx context.Context, tx *store.DB, stored []identity.SigningKey, former identity.SigningKey, interval time.Duration, spare jose.PrivateKey) (Rotation, error) {
	now := tx.Now()
	next, there := r.waiting(stored, former.Algorithm, now)
	if !there {
		next = identity.SigningKey{Algorithm: former.Algorithm, CreatedAt: now}
	}
	s := succession{at: later(published(next, now), former.ActivatesAt.Add(interval)), now: now}
	next.Default = heir(stored, former.Algorithm, s.at)
	var err error
	if s.kept, err = tx.AskedAlgorithms(ctx); err != nil {
		return Rotation{}, err
	}
	if there {
		next, err = takeOver(ctx, tx, next, s, tx.ScheduleSigningKey)
		return Rotation{former, next, false}, err
	}
	made, err := r.add(ctx, tx, spare, next, s)
	return Rotation{former, made.SigningKey, true}, err
}

// Upkeep destroys private halves that sign no more and forgets keys that no token needs.
// Correctness does not depend on it.
func (r *Ring) Upkeep(ctx context.Context) error { return r.db.DestroySupersededKeys(ctx) }
