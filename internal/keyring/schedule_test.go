package keyring_test

import (
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// made makes a key that waits.
func (n *node) made(algorithm jose.Algorithm) string {
	n.Helper()
	private := generate(n.T, algorithm)
	n.change(func(tx *store.DB) error {
		_, err := n.Make(n.Context(), tx, private, algorithm)
		return err
	})
	return private.Public().KID()
}

// activated activates a key and returns when it signs.
func (n *node) activated(kid string, a keyring.Activation) (at time.Time) {
	n.Helper()
	n.change(func(tx *store.DB) error {
		k, err := n.Activate(n.Context(), tx, kid, a)
		at = k.ActivatesAt
		return err
	})
	return at
}

// removed deletes a key.
func (n *node) removed(kid string) {
	n.Helper()
	n.change(func(tx *store.DB) error {
		_, err := n.Delete(n.Context(), tx, kid)
		return err
	})
}

// asked has an audience ask for an algorithm.
func (n *node) asked(algorithm jose.Algorithm, expiration time.Duration) {
	n.Helper()
	n.change(func(tx *store.DB) error {
		a := identity.AudiencePolicy{ID: string(algorithm), Audience: string(algorithm), Name: "a", Algorithm: string(algorithm), Expiration: expiration, Version: 1}
		if err := tx.CreateAudience(n.Context(), a); err != nil {
			return err
		}
		_, err := n.Ensure(n.Context(), tx, algorithm, nil, time.Time{})
		return err
	})
}

// key returns a stored key.
func (n *node) key(kid string) identity.SigningKey {
	n.Helper()
	stored, err := n.db.SigningKeys(n.Context())
	n.must(err)
	for _, k := range stored {
		if k.KID == kid {
			return k
		}
	}
	n.Fatalf("there is no key %s", kid)
	return identity.SigningKey{}
}

// signsFor is the algorithm with which a token is signed for those who ask for one.
func (n *node) signsFor(algorithm jose.Algorithm) jose.Algorithm {
	n.Helper()
	token, err := n.Sign(n.Context(), algorithm, []byte(`{}`))
	n.must(err)
	m, err := jose.Parse(token, jose.SigningAlgorithms())
	n.must(err)
	return m.Algorithm()
}

// When a key is taken out of those that are to follow one another, the one before it signs
// until the one after it does.
func TestDeletedLinkOfAChain(t *testing.T) {
	n := first(t, jose.ES256)
	_, a, _ := n.sign()
	b := n.made(jose.ES256)
	n.activated(b, keyring.Activation{})
	n.clock.Move(time.Minute)
	c := n.made(jose.ES256)
	begins := n.activated(c, keyring.Activation{})
	n.removed(b)
	if k := n.key(a); !k.SupersededAt.Equal(begins) || !k.RetiresAt.Equal(begins.Add(lifetime+store.KeyMargin)) {
		t.Errorf("the first signs until %v and retires at %v, the last begins at %v", k.SupersededAt, k.RetiresAt, begins)
	}
	n.clock.Move(keyring.Lead - time.Millisecond)
	n.wantSigns("before the last begins", a)
	n.clock.Move(time.Millisecond)
	n.wantSigns("once the last begins", c)
}

// A key of the present algorithm can be activated while another algorithm is to become the
// default: nobody is without a key between, and what was to come comes.
func TestSuccessorBeforeAnotherDefault(t *testing.T) {
	n := first(t, jose.ES256)
	soonest := n.made(jose.ES256)
	n.clock.Move(time.Hour)
	other := n.made(jose.EdDSA)
	begins := n.activated(other, keyring.Activation{Default: true})
	n.activated(soonest, keyring.Activation{})
	n.clock.Move(soon)
	n.wantSigns("the successor", soonest)
	n.clock.Move(begins.Sub(n.clock.Now()) - time.Millisecond)
	n.wantSigns("until the other algorithm", soonest)
	n.clock.Move(time.Millisecond)
	n.wantSigns("the other algorithm", other)
}

// A key that signs beside the default key becomes the default one without a pause of its
// own line, although yet another one was to be that.
func TestLineBecomesDefault(t *testing.T) {
	n := first(t, jose.ES256)
	n.asked(jose.EdDSA, 0)
	n.asked(jose.ES384, 0)
	n.clock.Move(keyring.Lead)
	planned := n.made(jose.ES384)
	n.activated(planned, keyring.Activation{Default: true})
	stored, err := n.db.SigningKeys(t.Context())
	n.must(err)
	for _, k := range stored {
		if k.Algorithm == string(jose.EdDSA) {
			n.activated(k.KID, keyring.Activation{Default: true})
		}
	}
	for _, when := range []string{"at once", "when the planned one begins"} {
		if n.signsFor("") != jose.EdDSA || n.signsFor(jose.EdDSA) != jose.EdDSA || n.signsFor(jose.ES384) != jose.ES384 {
			t.Errorf("%s: by default %s, for EdDSA %s, for ES384 %s", when, n.signsFor(""), n.signsFor(jose.EdDSA), n.signsFor(jose.ES384))
		}
		n.clock.Move(keyring.Lead)
	}
}

// Who asks for an algorithm that is about to end keeps it.
func TestAskingForWhatIsAboutToEnd(t *testing.T) {
	n := first(t, jose.ES256)
	other := n.made(jose.EdDSA)
	n.activated(other, keyring.Activation{Default: true})
	n.clock.Move(time.Minute)
	n.asked(jose.ES256, 0)
	for range 10 {
		n.clock.Move(time.Minute)
		if got := n.signsFor(jose.ES256); got != jose.ES256 {
			t.Fatalf("signed with %s", got)
		}
	}
	n.wantSigns("by default", other)
}

// A key that takes over because it is asked for also takes the place of the default key, if
// that is the one that it ends, although another one is to be that a moment later.
func TestAskedKeyEndsTheDefaultKey(t *testing.T) {
	n := first(t, jose.ES256)
	waiting := n.made(jose.EdDSA)
	n.imported(generate(t, jose.EdDSA))
	n.clock.Move(time.Millisecond)
	begins := n.activated(n.made(jose.ES256), keyring.Activation{Default: true})
	n.asked(jose.EdDSA, 0)
	n.clock.Move(begins.Sub(n.clock.Now()) - time.Millisecond)
	n.wantSigns("just before the next default key", waiting)
	n.clock.Move(time.Millisecond)
	if a := n.signsFor(""); a != jose.ES256 {
		t.Errorf("the next default key has begun, and %s signs", a)
	}
	if a := n.signsFor(jose.EdDSA); a != jose.EdDSA {
		t.Errorf("for EdDSA %s signs", a)
	}
}

// The tokens of a key that is about to end are covered, however long they live and
// whatever comes of its successor.
func TestTokensOfKeyAboutToEnd(t *testing.T) {
	const month = 30 * 24 * time.Hour
	for name, change := range map[string]func(n *node, next string){
		"a longer lifetime for an audience": func(n *node, _ string) { n.asked(jose.ES384, month) },
		"a shorter lifetime, and the successor is deleted": func(n *node, next string) {
			n.setLifetime(month)
			n.sign()
			n.setLifetime(time.Minute)
			n.removed(next)
			n.replaced(generate(n.T, jose.ES256))
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := first(t, jose.ES256)
			next := n.made(jose.ES256)
			n.activated(next, keyring.Activation{})
			change(n, next)
			oldest := n.firstKey()
			n.clock.Move(keyring.Lead + soon)
			n.must(n.Upkeep(t.Context()))
			if left := n.key(oldest).RetiresAt.Sub(n.clock.Now()); left < month-time.Hour {
				t.Errorf("the key retires in %v, its tokens live for a month", left)
			}
		})
	}
}

// firstKey is the key that was made first.
func (n *node) firstKey() (kid string) {
	n.Helper()
	n.one(`SELECT kid FROM signing_keys ORDER BY created_at, activates_at LIMIT 1`, &kid)
	return kid
}

// A key that was to begin just now may sign on nodes that do not know yet that it never
// does.
func TestKeyReplacedAsItBegins(t *testing.T) {
	n := first(t, jose.ES256)
	a, b := n.made(jose.ES256), n.made(jose.ES256)
	n.activated(a, keyring.Activation{})
	n.clock.Move(keyring.Lead - 500*time.Millisecond)
	n.activated(b, keyring.Activation{Now: true})
	if k := n.key(a); k.RetiresAt.Sub(n.clock.Now()) < lifetime {
		t.Errorf("it retires %v from now, and could sign for a second", k.RetiresAt.Sub(n.clock.Now()))
	}
}

// So it is across algorithms: the default key signs until the next default one does.
func TestDeletedLinkBetweenAlgorithms(t *testing.T) {
	n := first(t, jose.ES256)
	_, a, _ := n.sign()
	b := n.made(jose.EdDSA)
	n.activated(b, keyring.Activation{Default: true})
	n.clock.Move(time.Minute)
	begins := n.activated(n.made(jose.ES384), keyring.Activation{Default: true})
	n.removed(b)
	if k := n.key(a); !k.SupersededAt.Equal(begins) {
		t.Errorf("the first signs until %v, the last begins at %v", k.SupersededAt, begins)
	}
}
