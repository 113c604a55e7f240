package storetest

import (
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

func testEndSessions(t *testing.T, h *harness) {
	ann, bob := h.user("ann"), h.user("bob")
	db, ctx := h.configured(ann, bob), t.Context()
	end := func(s identity.Session, by string, want bool) {
		t.Helper()
		var ended bool
		h.change(db, func(tx *store.DB) (err error) {
			ended, err = tx.EndSession(ctx, s.ID, by)
			return err
		})
		if ended != want {
			t.Errorf("ended is %v", ended)
		}
	}
	first := h.begin(db, ann)
	h.clock.Move(time.Second)
	end(first, identity.EndReuse, true)
	first.EndedAt, first.EndedBy = h.clock.Now(), identity.EndReuse
	h.clock.Move(time.Second)
	end(first, identity.EndLogout, false) // how and when it ended stays
	wantEqual(t, h.standing(db, first.ID).Session, first)
	_, err := db.Session(ctx, first.ID)
	wantKind(t, err, identity.NotFound)
	end(h.session(ann), identity.EndLogout, false)

	users, err := db.SessionUsers(ctx, []string{first.ID, "none", h.session(ann).ID})
	check(t, err)
	wantEqual(t, users, map[string]string{first.ID: ann.ID})

	second, third, his := h.begin(db, ann), h.begin(db, ann), h.begin(db, bob)
	n, err := db.EndSessionsOf(ctx, ann.ID, identity.EndUserChanged)
	check(t, err)
	if n != 2 {
		t.Errorf("%d sessions ended, want 2", n)
	}
	for _, s := range []identity.Session{second, third} {
		s.EndedAt, s.EndedBy = h.clock.Now(), identity.EndUserChanged
		wantEqual(t, h.standing(db, s.ID).Session, s)
	}
	wantEqual(t, h.standing(db, first.ID).Session, first)
	wantEqual(t, h.standing(db, his.ID).Session, his)

	h.clock.Move(his.ExpiresAt.Sub(h.clock.Now()) - time.Millisecond)
	_, err = db.Session(ctx, his.ID)
	check(t, err)
	h.clock.Move(time.Millisecond)
	_, err = db.Session(ctx, his.ID)
	wantKind(t, err, identity.NotFound)
	end(his, identity.EndLogout, false) // it is over already
	n, err = db.EndSessionsOf(ctx, bob.ID, identity.EndUserChanged)
	check(t, err)
	if n != 0 {
		t.Errorf("%d sessions ended that had expired", n)
	}
}

func testEpoch(t *testing.T, h *harness) {
	ann := h.user("ann")
	db, ctx := h.configured(ann), t.Context()
	before := h.begin(db, ann)
	raise := func() (epoch int64) {
		t.Helper()
		h.change(db, func(tx *store.DB) (err error) {
			epoch, err = tx.RaiseEpoch(ctx)
			return err
		})
		cfg, err := db.Configuration(ctx)
		check(t, err)
		if cfg.Epoch != epoch {
			t.Errorf("the epoch is %d, want %d", cfg.Epoch, epoch)
		}
		return epoch
	}
	first := raise()
	if want := h.clock.Now().UnixMilli(); first != want {
		t.Errorf("the first epoch is %d, want the time, %d", first, want)
	}
	second := raise() // while the clock stands still
	h.clock.Move(-time.Hour)
	third := raise() // and when it was set back
	if second <= first || third <= second {
		t.Errorf("epochs %d, %d and %d do not grow", first, second, third)
	}
	if err := db.Tx(ctx, func(tx *store.DB) error { _, err := tx.RaiseEpoch(ctx); return err }); err == nil {
		t.Error("the epoch rose outside Change: other nodes would not learn of it")
	}
	if cfg, err := db.Configuration(ctx); err != nil || cfg.Epoch != third || cfg.Version != 1 {
		t.Errorf("a refused one left epoch %d, and version %d (%v)", cfg.Epoch, cfg.Version, err)
	}
	_, err := db.Session(ctx, before.ID)
	wantKind(t, err, identity.NotFound)
	if got := h.standing(db, before.ID); got.InstallationEpoch != third || got.Epoch != 0 {
		t.Errorf("of epoch %d, in epoch %d", got.Epoch, got.InstallationEpoch)
	}
	after := h.session(ann)
	after.Epoch = third
	check(t, db.BeginSession(ctx, after))
	list, err := db.Sessions(ctx, store.SessionFilter{Limit: 10})
	check(t, err)
	wantEqual(t, list, []identity.Session{after})

	// A change of the configuration, read before, does not take it back.
	h.change(db, func(tx *store.DB) error {
		return tx.UpdateConfiguration(ctx, identity.DefaultConfiguration("https://id.test"))
	})
	cfg, err := db.Configuration(ctx)
	check(t, err)
	if cfg.Epoch != third {
		t.Errorf("the epoch fell back to %d", cfg.Epoch)
	}
}

func testPruneSessions(t *testing.T, h *harness) {
	empty := h.migrated()
	n, err := empty.PruneSessions(t.Context(), 10) // before the first start
	check(t, err)
	if n != 0 {
		t.Errorf("%d sessions pruned where there are none", n)
	}
	ann := h.user("ann")
	ctx := t.Context()
	h.change(empty, func(tx *store.DB) error {
		return errorsOf(tx.InsertConfiguration(ctx, identity.DefaultConfiguration("x")), tx.CreateUser(ctx, ann))
	})
	db := empty
	prune := func(limit int, want int64) {
		t.Helper()
		n, err := db.PruneSessions(ctx, limit)
		check(t, err)
		if n != want {
			t.Errorf("%d sessions pruned, want %d", n, want)
		}
	}
	wantLeft := func(want ...identity.Session) {
		t.Helper()
		for _, s := range want {
			h.standing(db, s.ID)
		}
	}
	expiring, other, ended := h.begin(db, ann), h.begin(db, ann), h.session(ann)
	ended.ExpiresAt = h.clock.Now().Add(100 * time.Hour)
	check(t, db.BeginSession(ctx, ended))
	h.change(db, func(tx *store.DB) error {
		_, err := tx.EndSession(ctx, ended.ID, identity.EndReuse)
		return err
	})
	wantEqual(t, h.standing(db, ended.ID).ExpiresAt, h.clock.Now().Add(24*time.Hour))
	prune(10, 0)
	h.clock.Move(time.Hour - time.Millisecond)
	prune(10, 0)
	wantLeft(expiring, other, ended)
	h.clock.Move(time.Millisecond)
	prune(1, 1) // in batches
	prune(10, 1)
	prune(10, 0)
	wantLeft(ended) // for a day, so that somebody can look at how it ended
	h.clock.Move(23*time.Hour - time.Millisecond)
	prune(10, 0)
	h.clock.Move(time.Millisecond)
	prune(10, 1)

	// A batch is full with sessions of every sort, and none of it is of use.
	var live []identity.Session
	for range 3 {
		h.begin(db, ann)
		gone := h.session(ann)
		gone.ExpiresAt = h.clock.Now()
		check(t, db.BeginSession(ctx, gone))
		h.clock.Move(time.Millisecond)
	}
	var epoch int64
	h.change(db, func(tx *store.DB) (err error) {
		epoch, err = tx.RaiseEpoch(ctx)
		return err
	})
	for range 2 {
		s := h.session(ann)
		s.Epoch = epoch
		check(t, db.BeginSession(ctx, s))
		live = append(live, s)
	}
	prune(4, 4)
	prune(4, 2)
	prune(4, 0)
	wantLeft(live...)
}
