package keyring

import (
	"slices"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// The schedule of the keys is decided here, by pure functions over all that is stored of
// them: who signs from when on, and until when the others are published. There is one
// line of keys for each algorithm, in which the next takes over from the one before; the
// default key is the last one to have begun of those that are marked so.

const (
	// MaxAge is how long verifiers keep a JWKS without asking again.
	MaxAge = 5 * time.Minute
	// takeover is how long after it was first stored an imported key begins to sign. A
	// node that serves at all has seen a change after one second, so every JWKS has the
	// key by then.
	takeover = 1250 * time.Millisecond
	// Lead is how long a key is published before it signs, so that no verifier's JWKS
	// is older than the key. It counts from within the transaction that stores the key,
	// which may take 15 seconds.
	Lead = MaxAge + takeover + 15*time.Second
)

// succession says how a key takes over.
type succession struct {
	// at is not before now, but for a key that signs already.
	at, now time.Time
	// lifetime is that of the tokens which the ones before sign until then.
	lifetime time.Duration
	// outright reports whether it becomes the default key whatever others were to later;
	// else it only goes on in the place of the one before it in its line.
	outright bool
	// kept are the algorithms that go on beside a default key of another one.
	kept []string
}

// succeed has the next key sign from s.at on, and returns what changes of the others. A
// key that would have begun only then, or later, in the same place never does.
func succeed(keys []identity.SigningKey, next identity.SigningKey, s succession) (taken identity.SigningKey, changed []identity.SigningKey) {
	ends := later(s.at, s.now)
	for _, k := range keys {
		if k.KID == next.KID || k.ActivatesAt.IsZero() || !k.SupersededAt.IsZero() && !k.SupersededAt.After(ends) {
			continue
		}
		if k.Algorithm != next.Algorithm {
			toCome := !k.ActivatesAt.Before(s.at)
			if !k.Default || !next.Default || toCome && !s.outright {
				continue
			}
			if slices.Contains(s.kept, k.Algorithm) {
				if toCome { // it would take the default key's place back
					k.Default = false
					changed = append(changed, k)
				}
				continue
			}
		}
		last := s.lifetime
		if !k.ActivatesAt.Before(ends) {
			if k.ActivatesAt.After(s.now.Add(takeover)) { // every node learns in time that it never signs
				last = 0
			}
			k.ActivatesAt = ends
		}
		changed = append(changed, ending(k, ends, last))
	}
	next.ActivatesAt, next.SupersededAt, next.RetiresAt = s.at, time.Time{}, time.Time{}
	return next, changed
}

// ending is the key that signs until the given time, for good if that is zero, tokens of
// the given lifetime.
func ending(k identity.SigningKey, at time.Time, lifetime time.Duration) identity.SigningKey {
	k.SupersededAt, k.RetiresAt = at, time.Time{}
	if !at.IsZero() {
		k.RetiresAt = later(at.Add(lifetime+store.KeyMargin), k.TokensUntil)
	}
	return k
}

// recall takes back that a key is to sign, which it has not begun to, and returns the ones
// that then go on, with tokens of the given lifetime: until the next one of their line
// begins, or as long as it would have signed.
func recall(keys []identity.SigningKey, k identity.SigningKey, lifetime time.Duration) (changed []identity.SigningKey) {
	if k.SupersededAt.Equal(k.ActivatesAt) {
		return nil // it was never to sign
	}
	for _, before := range keys {
		ends := before.SupersededAt
		replaced := before.Algorithm == k.Algorithm || before.Default && k.Default
		if before.KID == k.KID || !replaced || !ends.Equal(k.ActivatesAt) || before.ActivatesAt.Equal(ends) {
			continue
		}
		until := k.SupersededAt
		if begins := follows(keys, before.Algorithm, ends); !begins.IsZero() && (until.IsZero() || begins.Before(until)) {
			until = begins
		}
		if !until.Equal(ends) {
			changed = append(changed, ending(before, until, lifetime))
		}
	}
	return changed
}

// follows returns when a key of the algorithm first begins to sign, not before the given
// time; zero if none does.
func follows(keys []identity.SigningKey, algorithm string, at time.Time) (begins time.Time) {
	for _, k := range keys {
		if k.Algorithm != algorithm || k.ActivatesAt.IsZero() || k.ActivatesAt.Before(at) || k.ActivatesAt.Equal(k.SupersededAt) {
			continue
		}
		if begins.IsZero() || k.ActivatesAt.Before(begins) {
			begins = k.ActivatesAt
		}
	}
	return begins
}

// signing returns the key that signs at the given time: the default key, or the one of an
// algorithm.
func signing(keys []identity.SigningKey, algorithm string, at time.Time) (found identity.SigningKey, ok bool) {
	for _, k := range keys {
		if (k.Algorithm == algorithm || algorithm == "" && k.Default) && k.State(at) == identity.KeyActive && (!ok || !k.ActivatesAt.Before(found.ActivatesAt)) {
			found, ok = k, true
		}
	}
	return found, ok
}

// lapses returns when first, from the given time on, no key signs for the algorithm, or by
// default; false is never.
func lapses(keys []identity.SigningKey, algorithm string, at time.Time) (time.Time, bool) {
	for {
		k, ok := signing(keys, algorithm, at)
		if !ok {
			return at, true
		}
		if k.SupersededAt.IsZero() {
			return time.Time{}, false
		}
		at = k.SupersededAt
	}
}

// bridge returns the key of the algorithm that is to end before another one of it begins,
// now that the algorithm is asked for, with its new end. One that ends as soon as nodes
// can know may have leaked: it is let go.
func bridge(keys []identity.SigningKey, algorithm string, now time.Time, lifetime time.Duration) (identity.SigningKey, bool) {
	at, lapse := lapses(keys, algorithm, now)
	if !lapse || !at.After(now.Add(takeover)) {
		return identity.SigningKey{}, false
	}
	last, ok := signing(keys, algorithm, at.Add(-time.Millisecond))
	return ending(last, follows(keys, algorithm, at), lifetime), ok
}

// heir reports whether a key of the algorithm that begins at the given time continues the
// default key's line: it follows that key, or comes before one that was to be it later.
func heir(keys []identity.SigningKey, algorithm string, at time.Time) bool {
	before, ok := signing(keys, "", at)
	return !ok || before.Algorithm == algorithm || slices.ContainsFunc(lasting(keys), func(k identity.SigningKey) bool {
		return k.Default && k.Algorithm == algorithm && !k.ActivatesAt.Before(at)
	})
}

// lasting returns the keys that sign, now or once they have begun, until somebody says
// otherwise, in the order in which they begin.
func lasting(keys []identity.SigningKey) []identity.SigningKey {
	list := slices.DeleteFunc(slices.Clone(keys), func(k identity.SigningKey) bool { return k.ActivatesAt.IsZero() || !k.SupersededAt.IsZero() })
	slices.SortStableFunc(list, func(a, b identity.SigningKey) int { return a.ActivatesAt.Compare(b.ActivatesAt) })
	return list
}

// latest returns the default key that no other is to supersede.
func latest(keys []identity.SigningKey) (identity.SigningKey, bool) {
	for _, k := range slices.Backward(lasting(keys)) {
		if k.Default {
			return k, true
		}
	}
	return identity.SigningKey{}, false
}

// lastOf returns the last key of the algorithm's line.
func lastOf(keys []identity.SigningKey, algorithm string) (identity.SigningKey, bool) {
	for _, k := range slices.Backward(lasting(keys)) {
		if k.Algorithm == algorithm {
			return k, true
		}
	}
	return identity.SigningKey{}, false
}

// published returns when the key has been published long enough to sign, given now.
func published(k identity.SigningKey, now time.Time) time.Time {
	return later(now.Add(takeover), k.CreatedAt.Add(Lead))
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
