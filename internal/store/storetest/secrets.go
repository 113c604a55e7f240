package storetest

import (
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// sealed is something that nobody will open.
func (h *harness) sealed(wrapper, dataKey string, content byte) identity.Sealed {
	h.t.Helper()
	ciphertext := make([]byte, 64)
	ciphertext[0] = content
	s, err := identity.NewSealed(wrapper, "gAAAAA-"+dataKey, ciphertext)
	check(h.t, err)
	return s
}

func testSecrets(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	_, err := db.SealedSecret(ctx, "refresh")
	wantKind(t, err, identity.NotFound)
	get := func(want store.SealedSecret) {
		t.Helper()
		got, err := db.SealedSecret(ctx, want.Name)
		check(t, err)
		wantEqual(t, got, want)
	}
	first := store.SealedSecret{Name: "refresh", Version: 1, Value: h.sealed("w1", "key 1", 1), CreatedAt: h.clock.Now()}
	if err := db.Tx(ctx, func(tx *store.DB) error { return tx.StoreSecret(ctx, first) }); err == nil {
		t.Error("a secret was stored outside Change: other nodes would not learn of it")
	}
	h.change(db, func(tx *store.DB) error { return tx.StoreSecret(ctx, first) })
	get(first)
	second := store.SealedSecret{Name: "refresh", Version: 2, Value: h.sealed("w2", "key 2", 2), CreatedAt: h.clock.Now().Add(time.Second)}
	h.change(db, func(tx *store.DB) error { return tx.StoreSecret(ctx, second) })
	get(second)
	// Of two that replace the first, the one that came later has read too early.
	for _, version := range []int{1, 2} {
		late := store.SealedSecret{Name: "refresh", Version: version, Value: h.sealed("w3", "key 3", 3), CreatedAt: h.clock.Now()}
		h.refuse(db, identity.Conflict, func(tx *store.DB) error { return tx.StoreSecret(ctx, late) })
		get(second)
	}
	another := store.SealedSecret{Name: "another", Version: 1, Value: h.sealed("w1", "key 4", 4), CreatedAt: h.clock.Now()}
	h.change(db, func(tx *store.DB) error { return tx.StoreSecret(ctx, another) })
	get(second)
	get(another)
}

func testSealedValues(t *testing.T, h *harness) {
	db, ctx := h.node(), t.Context()
	values := func(want ...store.SealedValue) {
		t.Helper()
		got, err := db.SealedValues(ctx)
		check(t, err)
		if len(got) == 0 && len(want) == 0 {
			return
		}
		wantEqual(t, got, want)
	}
	values() // of a database without tables
	_, err := db.Migrate(ctx)
	check(t, err)
	values()
	keys := []identity.SigningKey{h.key("b", h.clock.Now()), h.key("a", h.clock.Now()), h.key("destroyed", h.clock.Now()), h.key("over", h.clock.Now())}
	keys[0].Private, keys[1].Private, keys[2].Private = h.sealed("w1", "key b", 1), h.sealed("w2", "key a", 2), identity.Sealed{}
	keys[3].SupersededAt, keys[3].RetiresAt = h.clock.Now(), h.clock.Now()
	refresh := store.SealedSecret{Name: "refresh", Version: 7, Value: h.sealed("w1", "key r", 3), CreatedAt: h.clock.Now()}
	h.change(db, func(tx *store.DB) error {
		for _, k := range keys {
			if err := tx.PutSigningKey(ctx, k); err != nil {
				return err
			}
		}
		return tx.StoreSecret(ctx, refresh)
	})
	a := store.SealedValue{Table: store.InSigningKeys, Row: "a", Version: 1, Value: keys[1].Private}
	b := store.SealedValue{Table: store.InSigningKeys, Row: "b", Version: 1, Value: keys[0].Private}
	r := store.SealedValue{Table: store.InSecrets, Row: "refresh", Version: 7, Value: refresh.Value}
	values(a, b, r)

	// Rewrapping changes what wraps the data key, of what was read and nothing else.
	rewrap := func(read store.SealedValue, next identity.Sealed, want bool) {
		t.Helper()
		h.change(db, func(tx *store.DB) error {
			done, err := tx.Rewrap(ctx, read, next)
			if done != want {
				t.Errorf("rewrapping %s of %s: %v", read.Row, read.Table, done)
			}
			return err
		})
	}
	if err := db.Tx(ctx, func(tx *store.DB) error {
		_, err := tx.Rewrap(ctx, a, a.Value)
		return err
	}); err == nil {
		t.Error("something was rewrapped outside Change")
	}
	for _, read := range []*store.SealedValue{&a, &r} {
		former, content := *read, read.Value.Ciphertext()[0]
		read.Value = h.sealed("new", "new key "+read.Row, content)
		rewrap(former, read.Value, true)
		values(a, b, r)
		rewrap(former, h.sealed("late", "late key", content), false)
		values(a, b, r)
	}
	r.Table, a.Table = store.InSigningKeys, store.InSecrets
	rewrap(r, h.sealed("wrong", "wrong table", 3), false)
	rewrap(a, h.sealed("wrong", "wrong table", 2), false)
	r.Table, a.Table = store.InSecrets, store.InSigningKeys
	values(a, b, r)
}
