package identitytest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
)

const day = 24 * time.Hour

// keys lists the keys in a state.
func (r *traffic) keys(state identity.KeyState) (list []keyring.Described) {
	r.Helper()
	all, err := r.nodes[0].Installation.Admin.Keys(r.Context(), rotating)
	r.must(err)
	return slices.DeleteFunc(all, func(k keyring.Described) bool { return k.State(r.now()) != state })
}

// wantNext expects one key to follow, at the given time; zero is none.
func (r *traffic) wantNext(when string, at time.Time) {
	r.Helper()
	next := r.keys(identity.KeyNext)
	if at.IsZero() != (len(next) == 0) || len(next) > 1 {
		r.Fatalf("%s: %d keys are to follow", when, len(next))
	}
	if !at.IsZero() && !next[0].ActivatesAt.Equal(at) {
		r.Errorf("%s: the next key signs at %v, want %v", when, next[0].ActivatesAt, at)
	}
}

// signer is the default key.
func (r *traffic) signer() identity.SigningKey {
	r.Helper()
	active := r.keys(identity.KeyActive)
	i := slices.IndexFunc(active, func(k keyring.Described) bool { return k.Default })
	if i < 0 {
		r.Fatal("no key signs")
	}
	return active[i].SigningKey
}

func TestNoRotationUnlessAsked(t *testing.T) {
	r := newTraffic(t, 0, identitytest.Options{})
	r.pass(1000 * day)
	r.upkeep()
	r.wantNext("after years", time.Time{})
}

// The interval is from when a key began to sign, and each change of it counts from then on.
func TestRotationInterval(t *testing.T) {
	r := newTraffic(t, day, identitytest.Options{})
	began := r.signer().ActivatesAt
	r.pass(day - keyring.Lead - 6*time.Minute)
	r.upkeep()
	r.wantNext("before it is due", time.Time{})
	r.pass(2 * time.Minute)
	r.upkeep()
	r.wantNext("due", began.Add(day))
	r.setInterval(2 * day)
	r.upkeep()
	r.wantNext("another interval", began.Add(day))
	r.pass(keyring.Lead + 4*time.Minute)
	if got := r.signer(); !got.ActivatesAt.Equal(began.Add(day)) {
		t.Errorf("the key that was to follow does not sign")
	}
	r.pass(day)
	r.upkeep()
	r.wantNext("a day into another interval", time.Time{})
	r.pass(day - keyring.Lead - time.Minute)
	r.upkeep()
	r.wantNext("due again", began.Add(3*day))
	r.setInterval(0)
	r.upkeep()
	r.wantNext("switched off", began.Add(3*day)) // what is written down happens
	r.pass(100 * day)
	r.upkeep()
	r.wantNext("long after it was switched off", time.Time{})
	if got := r.signer(); !got.ActivatesAt.Equal(began.Add(3 * day)) {
		t.Errorf("the key that was to follow does not sign")
	}
	r.ask()
}

// A service that was down for many intervals makes up for them once.
func TestRotationAfterLongPause(t *testing.T) {
	r := newTraffic(t, day, identitytest.Options{})
	r.pass(10*day + time.Hour)
	r.ask()
	r.upkeep()
	r.upkeep()
	r.wantNext("after a pause", r.now().Add(keyring.Lead))
	r.pass(keyring.Lead)
	r.ask()
	r.upkeep()
	r.wantNext("once it has taken over", time.Time{})
}

// A key that somebody has made and not activated is taken before a new one is made.
func TestRotationTakesWaitingKey(t *testing.T) {
	r := newTraffic(t, day, identitytest.Options{})
	began := r.signer().ActivatesAt
	waiting, err := r.nodes[0].Installation.Admin.MakeKey(t.Context(), rotating, "ES256")
	r.must(err)
	r.pass(day - time.Minute)
	r.upkeep()
	r.wantNext("with a key that waits", began.Add(day))
	r.pass(time.Minute)
	if got := r.signer(); got.KID != waiting.KID {
		t.Errorf("%s signs, want the one that waited", got.KID)
	}
}

// An imported key rotates like one that was made here, and so does a line beside it.
func TestRotationOfImportedKeyAndLines(t *testing.T) {
	r := newTraffic(t, day, identitytest.Options{})
	a := r.nodes[0]
	text := identity.NewSecret(privatePEM(a.Key(jose.EdDSA)))
	_, err := a.Installation.Admin.UpdateConfiguration(t.Context(), rotating, admin.ConfigurationUpdate{PrivateKey: &text}, nil)
	r.must(err)
	_, err = a.Installation.Admin.CreateAudience(t.Context(), rotating, admin.NewAudience{Audience: "old", Name: "old", Algorithm: "RS256"})
	r.must(err)
	r.settle()
	r.passTo(r.now().Add(keyring.Lead)) // an imported key signs before every verifier knows it
	r.ask()
	first := r.keys(identity.KeyActive)
	r.pass(day)
	r.upkeep()
	r.ask()
	r.pass(keyring.Lead)
	r.ask()
	second := r.keys(identity.KeyActive)
	if len(first) != 2 || len(second) != 2 {
		t.Fatalf("%d keys sign, and then %d, want 2", len(first), len(second))
	}
	for _, k := range second {
		if slices.ContainsFunc(first, func(before keyring.Described) bool { return before.KID == k.KID }) {
			t.Errorf("the key for %s has not changed", k.Algorithm)
		}
		if (k.Algorithm == "EdDSA") != k.Default || k.Algorithm != "EdDSA" && k.Algorithm != "RS256" {
			t.Errorf("%s signs, by default: %v", k.Algorithm, k.Default)
		}
	}
}
