package storetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// events makes so many events, one a second.
func (h *harness) events(n int) []identity.Event {
	list := make([]identity.Event, n)
	for i := range list {
		h.clock.Move(time.Second)
		list[i] = identity.Event{
			ID: identity.NewID(h.clock.Now()), At: h.clock.Now(), Name: "user.created", Outcome: identity.OutcomeSuccess,
			Actor: "a", Target: fmt.Sprint("t", i), Detail: []byte(`{"after":{"b":"<&>","a":1}}`),
		}
	}
	return list
}

// seal seals what is unsealed, up to limit, with hashes that say their number.
func seal(t *testing.T, db *store.DB, limit int) (int, error) {
	t.Helper()
	ctx := t.Context()
	from, err := db.AuditChain(ctx)
	check(t, err)
	events, err := db.Unsealed(ctx, limit)
	check(t, err)
	if len(events) == 0 {
		return 0, nil
	}
	for i := range events {
		events[i].Number, events[i].Hash = from.Number+int64(i)+1, hashOf(from.Number+int64(i)+1)
	}
	last := events[len(events)-1]
	return len(events), db.SealEvents(ctx, from, events, store.AuditStatement{
		Number: last.Number, Kind: store.StatementHead, Statement: fmt.Sprint("head of ", last.Number), MadeAt: db.Now(),
	})
}

func hashOf(number int64) []byte { h := sha256.Sum256([]byte(fmt.Sprint(number))); return h[:] }

// Events are sealed in the order of their arrival, without a gap.
func testSealEvents(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	if end, err := db.AuditChain(ctx); err != nil || end.Number != 0 || len(end.Hash) != 0 {
		t.Errorf("the chain begins with %+v, %v", end, err)
	}
	made := h.events(450) // more than one statement takes
	check(t, db.AppendEvents(ctx, made))
	if n, err := seal(t, db, 400); n != 400 || err != nil {
		t.Fatal(n, err)
	}
	stale, err := db.AuditChain(ctx)
	check(t, err)
	wantEqual(t, stale, store.ChainEnd{Number: 400, Hash: hashOf(400)})
	if n, err := seal(t, db, 400); n != 50 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := seal(t, db, 400); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	for i := range made {
		made[i].Seq, made[i].Number, made[i].Hash = int64(i+1), int64(i+1), hashOf(int64(i+1))
	}
	sealed, err := db.SealedEvents(ctx, identity.Event{}, 1000)
	check(t, err)
	wantEqual(t, sealed, made)
	sealed, err = db.SealedEvents(ctx, made[439], 5)
	check(t, err)
	wantEqual(t, sealed, made[440:445])

	// Only the last head of an hour is kept.
	statements, err := db.AuditStatements(ctx, 1, 450)
	check(t, err)
	if len(statements) != 1 || statements[0].Statement != "head of 450" || statements[0].Number != 450 {
		t.Errorf("%+v", statements)
	}
	h.clock.Move(time.Hour)
	check(t, db.AppendEvents(ctx, h.events(1)))
	if _, err := seal(t, db, 400); err != nil {
		t.Fatal(err)
	}
	statements, err = db.AuditStatements(ctx, 1, 451)
	check(t, err)
	if len(statements) != 2 {
		t.Errorf("%+v", statements)
	}
	last, err := db.LastStatement(ctx, store.StatementHead)
	if check(t, err); last.Number != 451 {
		t.Errorf("the last is %+v", last)
	}
	if _, err := db.LastStatement(ctx, store.StatementCut); identity.KindOf(err) != identity.NotFound {
		t.Errorf("a cut: %v", err)
	}

	// Whoever goes on from where the chain ended before changes nothing.
	more := h.events(2)
	check(t, db.AppendEvents(ctx, more))
	unsealed, err := db.Unsealed(ctx, 10)
	check(t, err)
	twice := sealed[0]
	for name, events := range map[string][]identity.Event{"from a former end": unsealed, "what is sealed": {twice}} {
		for i := range events {
			events[i].Number, events[i].Hash = stale.Number+int64(i)+1, hashOf(0)
		}
		from := stale
		if name == "what is sealed" {
			from, err = db.AuditChain(ctx)
			check(t, err)
		}
		err := db.SealEvents(ctx, from, events, store.AuditStatement{Number: 9999, Kind: store.StatementHead, Statement: "never", MadeAt: db.Now()})
		if !errors.Is(err, store.ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if end, err := db.AuditChain(ctx); err != nil || end.Number != 451 {
		t.Errorf("the chain ends with %+v, %v", end, err)
	}
	if last, err := db.LastStatement(ctx, store.StatementHead); err != nil || last.Number != 451 {
		t.Errorf("the last is %+v, %v", last, err)
	}
}

// Many seal at once, while events arrive: no number is given twice, and none left out.
func testSealEventsParallel(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	const sealers, writers, batches, each = 4, 4, 10, 7
	made := h.events(writers * batches * each)
	arrived := make(chan struct{})
	var writing, sealing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for b := range batches {
				from := (w*batches + b) * each
				if err := patiently(func() error { return db.AppendEvents(ctx, made[from:from+each]) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { writing.Wait(); close(arrived) }()
	for range sealers {
		sealing.Go(func() {
			for {
				over := false
				select {
				case <-arrived:
					over = true
				default:
				}
				n, err := seal(t, db, 9)
				if err != nil && !errors.Is(err, store.ErrSealed) && identity.KindOf(err) != identity.Unavailable {
					t.Error(err)
					return
				}
				if over && n == 0 && err == nil {
					return
				}
			}
		})
	}
	sealing.Wait()
	sealed, err := db.SealedEvents(ctx, identity.Event{}, 2*len(made))
	check(t, err)
	if len(sealed) != len(made) {
		t.Fatalf("%d of %d are sealed", len(sealed), len(made))
	}
	seen := map[string]bool{}
	for i, e := range sealed {
		if e.Number != int64(i+1) || seen[e.ID] {
			t.Fatalf("event %d has the number %d, seen before: %v", i, e.Number, seen[e.ID])
		}
		seen[e.ID] = true
	}
}

// patiently tries again what the database sacrificed for something else.
func patiently(do func() error) (err error) {
	for range 20 {
		if err = do(); identity.KindOf(err) != identity.Unavailable {
			return err
		}
	}
	return err
}

// The audit is cut from its beginning, and what is not sealed stays.
func testCutAudit(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	made := h.events(10)
	check(t, db.AppendEvents(ctx, made))
	future := h.clock.Now().Add(time.Hour)
	if _, err := db.Cuttable(ctx, future, 100); identity.KindOf(err) != identity.NotFound {
		t.Errorf("unsealed events can be cut: %v", err)
	}
	if _, err := seal(t, db, 6); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		before time.Time
		limit  int
		want   int64
	}{
		{future, 100, 5}, {future, 3, 3}, {made[2].At, 100, 2}, {made[2].At.Add(time.Millisecond), 100, 3}, {made[0].At, 100, 0},
	} {
		last, err := db.Cuttable(ctx, c.before, c.limit)
		if c.want == 0 && identity.KindOf(err) != identity.NotFound || c.want > 0 && (err != nil || last.Number != c.want) {
			t.Errorf("before %v, of %d: %d, %v, want %d", c.before, c.limit, last.Number, err, c.want)
		}
	}
	for _, number := range []int64{2, 5} {
		check(t, db.Tx(ctx, func(tx *store.DB) error {
			n, err := tx.CutAudit(ctx, store.AuditStatement{Number: number, Kind: store.StatementCut, Statement: fmt.Sprint("cut at ", number), MadeAt: db.Now()})
			if want := map[int64]int64{2: 2, 5: 3}[number]; n != want {
				t.Errorf("the cut at %d took %d events, want %d", number, n, want)
			}
			return err
		}))
		left, err := db.SealedEvents(ctx, identity.Event{}, 100)
		check(t, err)
		if len(left) != 6-int(number) || left[0].Number != number+1 {
			t.Errorf("after the cut at %d: %d events from %d", number, len(left), left[0].Number)
		}
		statements, err := db.AuditStatements(ctx, 0, 100)
		check(t, err)
		if len(statements) != 2 || statements[0].Number != number || statements[0].Kind != store.StatementCut || statements[1].Number != 6 {
			t.Errorf("after the cut at %d: %+v", number, statements)
		}
	}
	if unsealed, err := db.Unsealed(ctx, 100); err != nil || len(unsealed) != 4 {
		t.Errorf("%d are unsealed, %v", len(unsealed), err)
	}
	if n, err := seal(t, db, 100); n != 4 || err != nil {
		t.Error(n, err)
	}
}
