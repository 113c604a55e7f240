package keyring_test

import (
	"cmp"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// world is a key ring on a database with what a plain observer knows of it: whoever signs
// and verifies, and keeps the JWKS for as long as it may be kept.
type world struct {
	*node
	rapid *rapid.T
	// asked are the algorithms that audiences ask for, since when, and had those of them
	// that were signed with from then on.
	asked map[string]time.Time
	had   map[string]bool
	// imported are the private keys that somebody has, and hasty the keys that may sign
	// before every verifier can know them.
	imported []jose.PrivateKey
	hasty    map[string]bool
	deleted  map[string]bool
	made     map[string]time.Time
	served   []served
	tokens   map[string]token // the last one to expire, for each key
	longest  time.Duration    // lifetime that tokens ever had
}

// served is the JWKS from a moment on, by key id.
type served struct {
	at   time.Time
	keys map[string]map[string]string
}

type token struct {
	text string
	exp  time.Time
}

var modelled = []jose.Algorithm{jose.ES256, jose.EdDSA, jose.ES384}

// Whatever is done to the keys in whatever order, nobody is ever without a key, and no
// verifier without the one that it needs.
func TestKeysOfEveryOrder(t *testing.T) {
	n := first(t, jose.ES256)
	rapid.Check(t, func(r *rapid.T) {
		n.exec(`DELETE FROM audiences`)
		n.exec(`DELETE FROM signing_keys`)
		w := &world{
			node: n, rapid: r, asked: map[string]time.Time{}, had: map[string]bool{}, hasty: map[string]bool{}, deleted: map[string]bool{},
			made: map[string]time.Time{}, tokens: map[string]token{},
		}
		n.clock.Move(24 * time.Hour)
		n.setLifetime(lifetime) // before there is a key to remember another one
		n.change(func(tx *store.DB) error {
			_, err := n.Create(n.Context(), tx, jose.ES256)
			return err
		})
		w.excuse()
		w.look()
		for range rapid.IntRange(4, 14).Draw(r, "steps") {
			w.step()
			w.look()
			w.pass(rapid.SampledFrom([]time.Duration{
				0, time.Millisecond, 300 * time.Millisecond, 1250 * time.Millisecond, 2 * time.Second, time.Minute, 4 * time.Minute, keyring.Lead - time.Millisecond,
				keyring.Lead, 11 * time.Minute, lifetime, time.Hour,
			}).Draw(r, "wait"))
		}
		w.pass(2 * time.Hour)
	})
}

// step does one thing to the keys.
func (w *world) step() {
	one := func(what string, n int) int { return rapid.IntRange(0, n-1).Draw(w.rapid, what) }
	algorithm := func() jose.Algorithm { return rapid.SampledFrom(modelled).Draw(w.rapid, "algorithm") }
	switch what := rapid.SampledFrom([]string{
		"make", "make", "activate", "activate", "activate", "import", "delete", "delete", "rotate", "ask", "unask", "lifetime", "upkeep",
	}).Draw(w.rapid, "what"); what {
	case "make":
		a := algorithm()
		w.try(func(tx *store.DB) error {
			_, err := w.Make(w.Context(), tx, generate(w.T, a), a)
			return err
		})
	case "activate":
		a := keyring.Activation{Now: one("now", 4) == 0, Default: rapid.Bool().Draw(w.rapid, "default")}
		kid := w.some()
		w.try(func(tx *store.DB) error {
			_, err := w.Activate(w.Context(), tx, kid, a)
			return err
		})
		if a.Now {
			w.excuse()
		}
	case "import":
		if one("known", 3) != 0 || len(w.imported) == 0 {
			w.imported = append(w.imported, generate(w.T, algorithm()))
		}
		private := w.imported[one("private", len(w.imported))]
		w.try(func(tx *store.DB) error {
			key, err := w.Import(w.Context(), tx, private)
			for _, a := range w.askedFor() {
				if err == nil {
					_, err = w.Ensure(w.Context(), tx, jose.Algorithm(a), nil, key.ActivatesAt)
				}
			}
			return err
		})
		delete(w.deleted, private.Public().KID())
		w.excuse()
		clear(w.had) // the key before it may have leaked: it is given up whoever asks for it
		for a := range w.asked {
			w.asked[a] = w.clock.Now()
		}
	case "delete":
		kid := w.some()
		if w.try(func(tx *store.DB) error {
			_, err := w.Delete(w.Context(), tx, kid)
			return err
		}) {
			w.deleted[kid] = true
		}
	case "rotate":
		w.rotate(time.Hour)
	case "ask":
		a := string(algorithm())
		if _, already := w.asked[a]; already {
			return
		}
		w.asked[a] = w.clock.Now()
		expiration := rapid.SampledFrom([]time.Duration{0, 2 * time.Hour}).Draw(w.rapid, "expiration")
		w.try(func(tx *store.DB) error {
			if err := tx.CreateAudience(w.Context(), identity.AudiencePolicy{ID: a, Audience: a, Name: a, Algorithm: a, Expiration: expiration, Version: 1}); err != nil {
				return err
			}
			_, err := w.Ensure(w.Context(), tx, jose.Algorithm(a), nil, time.Time{})
			return err
		})
	case "unask":
		a := string(algorithm())
		if _, asked := w.asked[a]; asked {
			delete(w.asked, a)
			delete(w.had, a)
			w.try(func(tx *store.DB) error { return tx.DeleteAudience(w.Context(), a) })
		}
	case "lifetime":
		w.setLifetime(rapid.SampledFrom([]time.Duration{time.Minute, lifetime, time.Hour}).Draw(w.rapid, "lifetime"))
	case "upkeep":
		w.must(w.Upkeep(w.Context()))
	}
}

func (w *world) rotate(interval time.Duration) {
	due, err := keyring.Due(w.Context(), w.db, interval)
	w.must(err)
	spares := map[string]jose.PrivateKey{}
	for _, k := range due {
		spares[k.Algorithm] = generate(w.T, jose.Algorithm(k.Algorithm))
	}
	w.try(func(tx *store.DB) error {
		_, err := w.Rotate(w.Context(), tx, interval, spares)
		return err
	})
}

// try makes a change that may be refused, and reports whether it was made.
func (w *world) try(fn func(tx *store.DB) error) bool {
	err := w.db.Change(w.Context(), fn)
	if err != nil && identity.KindOf(err) != identity.Conflict {
		w.rapid.Fatalf("%v", err)
	}
	w.must(w.follower.Poll(w.Context()))
	return err == nil
}

func (w *world) stored() []identity.SigningKey {
	keys, err := w.db.SigningKeys(w.Context())
	w.must(err)
	slices.SortFunc(keys, func(a, b identity.SigningKey) int { return cmp.Compare(w.age(a), w.age(b)) })
	return keys
}

// age is the number of the key, by which runs can be repeated though key ids are random.
func (w *world) age(k identity.SigningKey) int {
	if _, known := w.made[k.KID]; !known {
		w.made[k.KID] = w.clock.Now().Add(time.Duration(len(w.made))) // a nanosecond apart
	}
	return int(w.made[k.KID].UnixNano())
}

func (w *world) some() string {
	keys := w.stored()
	return keys[rapid.IntRange(0, len(keys)-1).Draw(w.rapid, "key")].KID
}

func (w *world) askedFor() []string { return slices.Sorted(maps.Keys(w.asked)) }

// excuse marks the keys that are to sign before every verifier can know them: what was
// just done says so.
func (w *world) excuse() {
	for _, k := range w.stored() {
		if !k.ActivatesAt.IsZero() && k.ActivatesAt.Before(k.CreatedAt.Add(keyring.Lead)) {
			w.hasty[k.KID] = true
		}
	}
}

// pass lets time pass, and looks whenever something is about to happen or just has.
func (w *world) pass(d time.Duration) {
	end := w.clock.Now().Add(d)
	for {
		next := end
		for _, k := range w.stored() {
			for _, at := range []time.Time{k.ActivatesAt, k.SupersededAt, k.RetiresAt} {
				for _, moment := range []time.Time{at.Add(-time.Millisecond), at} {
					if moment.After(w.clock.Now()) && moment.Before(next) {
						next = moment
					}
				}
			}
		}
		w.clock.Move(next.Sub(w.clock.Now()))
		w.look()
		if !next.Before(end) {
			return
		}
	}
}

// look signs for everybody, and verifies all that lives.
func (w *world) look() {
	now := w.clock.Now()
	w.served = append(w.served, served{now, w.published()})
	longest, err := w.db.LongestLifetime(w.Context())
	w.must(err)
	w.longest = max(w.longest, longest)
	for _, a := range append([]string{""}, w.askedFor()...) {
		text, err := w.Sign(w.Context(), jose.Algorithm(a), []byte(`{"sub":"somebody"}`))
		if err != nil {
			w.fail("nobody signs for %q: %v", a, err)
		}
		m, err := jose.Parse(text, jose.SigningAlgorithms())
		w.must(err)
		if string(m.Algorithm()) == a {
			// A key that was about to end when it was asked for ends.
			w.had[a] = w.had[a] || now.Sub(w.asked[a]) > soon
		} else if w.had[a] {
			w.fail("what is to be signed with %s is again signed with %s", a, m.Algorithm())
		}
		w.known(m.KID(), now)
		if t := w.tokens[m.KID()]; !now.Add(longest).Before(t.exp) {
			w.tokens[m.KID()] = token{text, now.Add(longest)}
		}
	}
	for kid, t := range w.tokens {
		if now.Before(t.exp) && !w.deleted[kid] && !w.verifies(t.text) {
			w.fail("a token under %s is refused %v before it expires", kid, t.exp.Sub(now))
		}
	}
	w.lines(now)
}

// known expects the key of a token that was just signed in every JWKS that a verifier may
// have.
func (w *world) known(kid string, now time.Time) {
	for i, s := range slices.Backward(w.served) {
		if s.keys[kid] == nil && (i == len(w.served)-1 || !w.hasty[kid]) {
			w.fail("%s signs, and a verifier that asked for the keys %v ago does not know it", kid, now.Sub(s.at))
		}
		if now.Sub(s.at) >= keyring.MaxAge+1250*time.Millisecond {
			break // who asks then gets it by now
		}
	}
}

// lines expects one key to sign in each line, and none to be published for longer than it
// can be needed.
func (w *world) lines(now time.Time) {
	active, defaults := map[string]int{}, 0
	for _, k := range w.stored() {
		switch state := k.State(now); {
		case state == identity.KeyActive:
			active[k.Algorithm]++
		case state == identity.KeyRetired && now.After(k.SupersededAt.Add(w.longest+store.KeyMargin)):
			w.fail("%s is published for longer than any token under it lives", k.KID)
		}
	}
	described, err := w.Describe(w.Context(), w.db)
	w.must(err)
	for _, k := range described {
		if k.Fault != nil {
			w.fail("%s is quarantined: %v", k.KID, k.Fault)
		}
		if k.Default && k.State(now) == identity.KeyActive {
			defaults++
		}
	}
	for algorithm, n := range active {
		if n > 1 {
			w.fail("%d keys are active for %s", n, algorithm)
		}
	}
	if defaults != 1 {
		w.fail("%d keys are active by default", defaults)
	}
}

func (w *world) fail(format string, args ...any) {
	for _, k := range w.stored() {
		since := func(at time.Time) string {
			if at.IsZero() {
				return "-"
			}
			return at.Sub(w.clock.Now()).String()
		}
		w.rapid.Logf("%.6s %-5s default=%v created %s activates %s superseded %s retires %s", k.KID, k.Algorithm, k.Default, since(k.CreatedAt), since(k.ActivatesAt), since(k.SupersededAt), since(k.RetiresAt))
	}
	w.rapid.Fatalf(format, args...)
}
