package storetest

import (
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

func testSigningKeyChanges(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	want := func(keys ...identity.SigningKey) {
		t.Helper()
		got, err := db.SigningKeys(ctx)
		check(t, err)
		wantEqual(t, got, append([]identity.SigningKey(nil), keys...))
	}
	put := func(k identity.SigningKey) {
		t.Helper()
		h.change(db, func(tx *store.DB) error { return tx.PutSigningKey(ctx, k) })
	}
	now := h.clock.Now()
	first, undecided := h.key("first", now), h.key("undecided", time.Time{})
	first.TokensUntil = now.Add(time.Hour)
	undecided.Default, undecided.Algorithm = false, "RS256"
	put(undecided)
	put(first)
	want(first, undecided) // who never signs comes last
	h.clock.Move(100 * 365 * 24 * time.Hour)
	h.wantStates(db, "first:active undecided:next ")
	h.clock.Move(-100 * 365 * 24 * time.Hour)

	// Scheduling leaves the key itself alone.
	scheduled := identity.SigningKey{KID: "undecided", Default: true, ActivatesAt: now.Add(time.Second), TokensUntil: now.Add(time.Minute)}
	h.change(db, func(tx *store.DB) error { return tx.ScheduleSigningKey(ctx, scheduled) })
	undecided.Default, undecided.ActivatesAt, undecided.TokensUntil = true, scheduled.ActivatesAt, scheduled.TokensUntil
	first.SupersededAt, first.RetiresAt = scheduled.ActivatesAt, now.Add(time.Hour)
	h.change(db, func(tx *store.DB) error { return tx.ScheduleSigningKey(ctx, first) })
	want(first, undecided)
	undecided.ActivatesAt = time.Time{} // it is taken back
	h.change(db, func(tx *store.DB) error { return tx.ScheduleSigningKey(ctx, undecided) })
	want(first, undecided)
	h.refuse(db, identity.NotFound, func(tx *store.DB) error { return tx.ScheduleSigningKey(ctx, h.key("none", now)) })

	// A key that comes back is as it is put, in the place of what there was.
	back := h.key("undecided", now.Add(time.Minute))
	back.Algorithm, back.PublicJWK, back.Private = "EdDSA", `{"kty":"OKP"}`, h.sealed("another", "key", 7)
	put(back)
	want(first, back)
	destroyed := first
	destroyed.Private = identity.Sealed{}
	put(destroyed)
	want(destroyed, back)

	h.change(db, func(tx *store.DB) error { return tx.DeleteSigningKey(ctx, "first") })
	want(back)
	h.refuse(db, identity.NotFound, func(tx *store.DB) error { return tx.DeleteSigningKey(ctx, "first") })
}
