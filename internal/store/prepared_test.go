package store_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// What a transaction has run is prepared for the next one, and lists of any length need only a
// few statements.
func TestTransactionsRunWhatIsPrepared(t *testing.T) {
	db := migrated(t, filepath.Join(t.TempDir(), "identity.db"))
	ctx := t.Context()
	hire := func(name string) {
		check(t, db.Change(ctx, func(tx *store.DB) error { return tx.CreateUser(ctx, user(name)) }))
	}
	before := store.PreparedForTest(db)
	hire("ann")
	if n := store.PreparedForTest(db); n != before {
		t.Errorf("%d statements are prepared after one transaction, want %d", n, before)
	}
	hire("bob")
	after := store.PreparedForTest(db)
	if after <= before {
		t.Errorf("%d statements are prepared before the second transaction, %d after it", before, after)
	}
	hire("cleo")
	if n := store.PreparedForTest(db); n != after {
		t.Errorf("the third transaction prepared %d statements", n-after)
	}
	for n := range 300 {
		events := make([]identity.Event, n)
		for i := range events {
			events[i] = identity.Event{ID: identity.NewID(time.Now()), At: time.Now(), Name: "test", Outcome: "success", Actor: "test", Detail: []byte("{}")}
		}
		check(t, db.AppendEvents(ctx, events))
	}
	if n := store.PreparedForTest(db); n > after+8 {
		t.Errorf("events by the hundred took %d statements, want 8 at most", n-after)
	}
}

// A statement that cannot be prepared fails for who runs it, and for nobody else.
func TestATransactionsFaultIsItsOwn(t *testing.T) {
	db := migrated(t, filepath.Join(t.TempDir(), "identity.db"))
	wrong := func(tx *store.DB) error {
		_, err := store.ExecForTest(t.Context(), tx, "UPDATE nothing SET x = 1")
		return err
	}
	for range 3 {
		if err := db.Tx(t.Context(), wrong); err == nil {
			t.Error("a statement on a table that is not there succeeded")
		}
		check(t, db.Change(t.Context(), func(tx *store.DB) error {
			return tx.CreateUser(t.Context(), user(identity.NewID(time.Now())))
		}))
	}
}

func TestPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(rapid.Int()).Draw(t, "list")
		most := 1 << rapid.IntRange(0, 10).Draw(t, "most")
		var all []int
		for piece := range store.PiecesForTest(list, most) {
			if n := len(piece); n == 0 || n > most || n&(n-1) != 0 {
				t.Fatalf("a piece of %d, with %d at most", n, most)
			}
			all = append(all, piece...)
		}
		if !slices.Equal(all, list) {
			t.Fatalf("%v became %v", list, all)
		}
	})
}

// What is to be prepared is waited for no longer than any statement.
func TestPreparingIsNotWaitedForLonger(t *testing.T) {
	onServers(t, func(t *testing.T, p place) {
		check(t, p.migrated(t).Close())
		db := p.open(t, pool(1, 1), patience(500*time.Millisecond)) // one beside that for following
		hire := func(tx *store.DB) error { return tx.CreateUser(t.Context(), user(identity.NewID(time.Now()))) }
		check(t, db.Tx(t.Context(), func(tx *store.DB) error { // keeps the connection
			_, err := store.ExecForTest(t.Context(), tx, "DELETE FROM users WHERE id = 'nobody'")
			check(t, err) // this is what is to be prepared
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := db.Change(ctx, hire); identity.KindOf(err) != identity.Unavailable || ctx.Err() != nil {
				t.Errorf("%v", err)
			}
			return nil
		}))
		check(t, db.Change(t.Context(), hire))
	})
}
