package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// testRevocations stores revocations and asks for them as those who check a token do.
func testRevocations(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	now := h.clock.Now()
	revocation := func(kind identity.RevocationKind, value string, before time.Time) identity.Revocation {
		return identity.Revocation{ID: identity.NewID(h.clock.Now()), Kind: kind, Value: value, Before: before, ExpiresAt: now.Add(time.Hour), CreatedAt: now}
	}
	store1 := func(r identity.Revocation) {
		t.Helper()
		h.change(db, func(tx *store.DB) error { return tx.Revoke(ctx, r) })
	}
	wantKind(t, db.Revoke(ctx, revocation(identity.RevokedToken, "a", now)), identity.Internal) // not in Change

	at := now.Truncate(time.Second)
	for _, kind := range identity.RevocationKinds() { // all at last
		issued := store.RevokedBy{Token: "jti of " + string(kind), Session: "sid of " + string(kind), Principal: strings.Repeat("p", 120) + string(kind), Key: "kid of " + string(kind), IssuedAt: at}
		free := func() {
			t.Helper()
			_, err := db.Revoked(ctx, issued)
			wantKind(t, err, identity.NotFound)
		}
		free()
		value := map[identity.RevocationKind]string{
			identity.RevokedToken: issued.Token, identity.RevokedSession: issued.Session, identity.RevokedPrincipal: issued.Principal, identity.RevokedKey: issued.Key,
		}[kind]
		if kind != identity.RevokedAll {
			store1(revocation(kind, value+"x", at.Add(time.Second))) // somebody else
			store1(revocation(kind, strings.ToUpper(value), at.Add(time.Second)))
		}
		store1(revocation(kind, value, at)) // of tokens from before
		free()
		r := revocation(kind, value, at.Add(time.Second))
		r.ClientID = "own"
		store1(r)
		store1(revocation(kind, value, at)) // an earlier one takes nothing back
		found, err := db.Revoked(ctx, issued)
		check(t, err)
		if found.Kind != kind || found.Value != value || !found.Before.Equal(r.Before) || !found.ExpiresAt.Equal(r.ExpiresAt) {
			t.Errorf("found %+v", found)
		}
	}
	h.clock.Move(time.Hour + time.Millisecond)
	_, err := db.PruneRevocations(ctx, 100)
	check(t, err)
	now, at = h.clock.Now(), h.clock.Now().Truncate(time.Second)

	// In pages, the newest first; and no longer than they concern anything.
	var want []identity.Revocation
	for i, value := range []string{"a", "b", "c"} {
		h.clock.Move(time.Millisecond)
		r := revocation(identity.RevokedToken, value, at.Add(time.Second))
		r.ExpiresAt = now.Add(time.Duration(i+1) * time.Hour)
		r.ClientID = "machine"
		store1(r)
		want = append(want, r)
	}
	list, err := db.Revocations(ctx)
	check(t, err)
	wantEqual(t, list, want)
	page, err := db.RevocationPage(ctx, "", 2)
	check(t, err)
	wantEqual(t, page, []identity.Revocation{want[2], want[1]})
	page, err = db.RevocationPage(ctx, want[1].ID, 2)
	check(t, err)
	wantEqual(t, page, []identity.Revocation{want[0]})
	n, first, err := db.RevokedByClient(ctx, "machine")
	check(t, err)
	if n != 3 || !first.Equal(want[0].ExpiresAt) {
		t.Errorf("%d revocations, the first until %v", n, first)
	}
	h.clock.Move(time.Hour)
	list, err = db.Revocations(ctx)
	check(t, err)
	wantEqual(t, list, want[1:])
	h.clock.Move(time.Millisecond)
	pruned, err := db.PruneRevocations(ctx, 10)
	check(t, err)
	if pruned != 1 {
		t.Errorf("%d were pruned", pruned)
	}
	_, err = db.Revoked(ctx, store.RevokedBy{Token: "a", IssuedAt: at})
	wantKind(t, err, identity.NotFound)

	// One outlives every token that it concerns, also those from before lifetimes became shorter.
	h.change(db, func(tx *store.DB) error { return tx.RevokeIssued(ctx, identity.RevokedPrincipal, "ann") })
	longest, err := db.LongestLifetime(ctx)
	check(t, err)
	found, err := db.Revoked(ctx, store.RevokedBy{Principal: "ann", IssuedAt: h.clock.Now()})
	check(t, err)
	if found.ExpiresAt.Before(h.clock.Now().Add(longest)) || !found.Before.After(h.clock.Now()) {
		t.Errorf("%+v is forgotten before the last token", found)
	}
}
