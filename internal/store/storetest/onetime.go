package storetest

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

func testAssertions(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	digest := sha256.Sum256([]byte("one"))
	for i, want := range []bool{true, false, false} {
		first, err := db.SpendAssertion(ctx, digest, h.clock.Now().Add(time.Hour))
		check(t, err)
		if first != want {
			t.Fatalf("use %d: first is %v", i+1, first)
		}
	}
	n, err := db.PruneAssertions(ctx, 10)
	check(t, err)
	if n != 0 {
		t.Fatal("an assertion was forgotten before it expired")
	}
	h.clock.Move(time.Hour + time.Second)
	if first, err := db.SpendAssertion(ctx, digest, h.clock.Now()); err != nil || first {
		t.Fatalf("an assertion came back to life before it was pruned (%v)", err)
	}
	n, err = db.PruneAssertions(ctx, 10)
	check(t, err)
	if n != 1 {
		t.Fatalf("%d assertions pruned, want 1", n)
	}
}

func testAssertionsParallel(t *testing.T, h *harness) {
	nodes, ctx := []*store.DB{h.migrated(), h.node()}, t.Context()
	for round := range 5 {
		digest := sha256.Sum256([]byte{byte(round)})
		firsts, errs := make([]bool, 50), make([]error, 50)
		together(50, func(i int) {
			firsts[i], errs[i] = nodes[i%2].SpendAssertion(ctx, digest, h.clock.Now().Add(time.Hour))
		})
		won := 0
		for i := range firsts {
			check(t, errs[i])
			if firsts[i] {
				won++
			}
		}
		if won != 1 {
			t.Fatalf("%d of 50 uses were first", won)
		}
	}
}

func (h *harness) activate(db *store.DB, k identity.SigningKey, lifetime time.Duration) {
	h.t.Helper()
	check(h.t, db.Change(h.t.Context(), func(tx *store.DB) error {
		stored, err := tx.SigningKeys(h.t.Context())
		if err != nil {
			return err
		}
		for _, former := range stored {
			if former.SupersededAt.IsZero() && former.KID != k.KID {
				former.SupersededAt, former.RetiresAt = k.ActivatesAt, k.ActivatesAt.Add(lifetime+store.KeyMargin)
				if former.RetiresAt.Before(former.TokensUntil) {
					former.RetiresAt = former.TokensUntil
				}
				if err := tx.ScheduleSigningKey(h.t.Context(), former); err != nil {
					return err
				}
			}
		}
		return tx.PutSigningKey(h.t.Context(), k)
	}))
}

func (h *harness) states(db *store.DB) string {
	h.t.Helper()
	keys, err := db.SigningKeys(h.t.Context())
	check(h.t, err)
	return names(keys, func(k identity.SigningKey) string { return k.KID + ":" + string(k.State(h.clock.Now())) })
}

func (h *harness) wantStates(db *store.DB, want string) {
	h.t.Helper()
	if got := h.states(db); got != want {
		h.t.Fatalf("keys are %q, want %q", got, want)
	}
}

func testSigningKeys(t *testing.T, h *harness) {
	db := h.migrated()
	h.activate(db, h.key("a", h.clock.Now()), time.Minute)
	h.wantStates(db, "a:active ")
	h.activate(db, h.key("b", h.clock.Now().Add(time.Second)), time.Minute)
	h.wantStates(db, "a:active b:next ")
	h.clock.Move(time.Second)
	h.wantStates(db, "a:retired b:active ")
	h.clock.Move(time.Minute) // the last token under a expires now
	h.wantStates(db, "a:retired b:active ")
	h.clock.Move(store.KeyMargin)
	h.wantStates(db, "b:active ")

	keys, err := db.SigningKeys(t.Context())
	check(t, err)
	if k := keys[0]; k.Private.WrapperID() != "wrapper" || len(k.Private.Ciphertext()) != 64 || k.Private.DataKey() != "gAAAAA-test" {
		t.Fatalf("the sealed half changed on its way: %+v", k)
	}
}

func testKeysCoverTokens(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	configure := func(expiration time.Duration) {
		check(t, db.Change(ctx, func(tx *store.DB) error {
			c, err := tx.Configuration(ctx)
			if err != nil {
				return err
			}
			c.Expiration = expiration
			return tx.UpdateConfiguration(ctx, c)
		}))
	}
	c := identity.DefaultConfiguration("x")
	c.Expiration = 24 * time.Hour
	check(t, db.Change(ctx, func(tx *store.DB) error { return tx.InsertConfiguration(ctx, c) }))
	h.activate(db, h.key("a", h.clock.Now()), c.Expiration)
	// Tokens of a day are out when the lifetime drops to a minute and the key
	// is replaced. They must stay verifiable for their day.
	configure(time.Minute)
	h.activate(db, h.key("b", h.clock.Now()), time.Minute)
	h.clock.Move(24 * time.Hour)
	h.wantStates(db, "a:retired b:active ")
	h.clock.Move(store.KeyMargin)
	h.wantStates(db, "b:active ")

	// A key about to be superseded still signs, with the lifetime that is
	// configured by then.
	h.activate(db, h.key("c", h.clock.Now().Add(time.Second)), time.Minute)
	configure(time.Hour)
	h.clock.Move(time.Second + time.Hour)
	h.wantStates(db, "b:retired c:active ")
}

func testKeyComesBack(t *testing.T, h *harness) {
	db := h.migrated()
	h.activate(db, h.key("a", h.clock.Now()), time.Hour)
	h.clock.Move(time.Second)
	h.activate(db, h.key("b", h.clock.Now()), time.Hour)
	h.clock.Move(time.Second)
	h.wantStates(db, "a:retired b:active ")
	h.activate(db, h.key("a", h.clock.Now()), time.Hour)
	h.wantStates(db, "b:retired a:active ")
}

func testDestroyKeys(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	h.activate(db, h.key("a", h.clock.Now()), time.Minute)
	h.clock.Move(time.Second)
	h.activate(db, h.key("b", h.clock.Now().Add(time.Second)), time.Minute)
	private := func() string {
		keys, err := db.SigningKeys(ctx)
		check(t, err)
		return names(keys, func(k identity.SigningKey) string {
			if k.Private.Empty() {
				return k.KID + ":destroyed"
			}
			return k.KID + ":kept"
		})
	}
	check(t, db.DestroySupersededKeys(ctx))
	if got := private(); got != "a:kept b:kept " {
		t.Fatalf("a key that still signs: %q", got)
	}
	h.clock.Move(10 * time.Second)
	check(t, db.DestroySupersededKeys(ctx))
	if got := private(); got != "a:destroyed b:kept " {
		t.Fatalf("after its successor took over: %q", got)
	}
	h.clock.Move(time.Hour)
	check(t, db.DestroySupersededKeys(ctx))
	h.clock.Move(-time.Hour) // a clock that steps back must not revive it
	h.wantStates(db, "b:active ")
}
