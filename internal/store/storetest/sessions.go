package storetest

import (
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// configured is a migrated node with a configuration and users.
func (h *harness) configured(users ...identity.User) *store.DB {
	h.t.Helper()
	db := h.migrated()
	h.change(db, func(tx *store.DB) error {
		if err := tx.InsertConfiguration(h.t.Context(), identity.DefaultConfiguration("https://id.test")); err != nil {
			return err
		}
		for _, u := range users {
			if err := tx.CreateUser(h.t.Context(), u); err != nil {
				return err
			}
		}
		return nil
	})
	return db
}

// session is one of the user's that can be refreshed three times in an hour, in the
// first epoch.
func (h *harness) session(of identity.User) identity.Session {
	now := h.clock.Now()
	return identity.Session{
		ID: identity.NewID(now), UserID: of.ID, Audience: "https://shop.test/ü", TokensFrom: of.TokensFrom, AMR: []string{"otp", "pwd"}, MaxRefreshes: 3,
		CreatedAt: now, ExpiresAt: now.Add(time.Hour), IP: "2001:db8::1", UserAgent: "a browser",
	}
}

// begin stores a session of the user.
func (h *harness) begin(db *store.DB, of identity.User) identity.Session {
	h.t.Helper()
	s := h.session(of)
	check(h.t, db.BeginSession(h.t.Context(), s))
	return s
}

// use is a use of the token that is good after so many refreshes.
func (h *harness) use(s identity.Session, refreshes int) store.RefreshUse {
	return store.RefreshUse{SessionID: s.ID, Refreshes: refreshes, Epoch: s.Epoch, At: h.clock.Now(), IP: "192.0.2.7", UserAgent: "another"}
}

func (h *harness) wantUsed(db *store.DB, u store.RefreshUse, want bool, what string) {
	h.t.Helper()
	used, err := db.UseRefresh(h.t.Context(), u)
	check(h.t, err)
	if used != want {
		h.t.Errorf("%s: used is %v", what, used)
	}
}

func (h *harness) standing(db *store.DB, id string) store.Standing {
	h.t.Helper()
	s, err := db.Standing(h.t.Context(), id)
	check(h.t, err)
	return s
}

func testSessions(t *testing.T, h *harness) {
	ann, bob := h.user("ann"), h.user("bob")
	ann.TokensFrom = h.clock.Now().Add(-time.Minute)
	db, ctx := h.configured(ann, bob), t.Context()
	begun := h.begin(db, ann)
	got, err := db.Session(ctx, begun.ID)
	check(t, err)
	wantEqual(t, got, begun)

	// What decides whether it goes on is the state of this moment, roles included.
	one, two := h.role("one"), h.role("two")
	one.Permissions, two.Permissions = []string{"x", "y"}, []string{"y", "z"}
	ann.Roles.Names, ann.Permissions = []string{"one", "two"}, []string{"a"}
	var epoch int64
	h.change(db, func(tx *store.DB) error {
		if err := errorsOf(tx.CreateRole(ctx, one), tx.CreateRole(ctx, two), tx.UpdateUser(ctx, ann)); err != nil {
			return err
		}
		epoch, err = tx.RaiseEpoch(ctx)
		return err
	})
	user, err := db.User(ctx, ann.ID)
	check(t, err)
	wantEqual(t, user.Roles, identity.Roles{Names: []string{"one", "two"}, Permissions: []string{"x", "y", "z"}})
	wantEqual(t, h.standing(db, begun.ID), store.Standing{Session: begun, User: user, InstallationEpoch: epoch})

	other := h.begin(db, bob)
	wantEqual(t, h.standing(db, other.ID).User.Roles, identity.Roles{Names: []string{}, Permissions: []string{}})
	_, err = db.Standing(ctx, identity.NewID(h.clock.Now()))
	wantKind(t, err, identity.NotFound)

	// The sessions go with their user, and nobody else's.
	h.change(db, func(tx *store.DB) error { return tx.DeleteUser(ctx, ann.ID) })
	_, err = db.Standing(ctx, begun.ID)
	wantKind(t, err, identity.NotFound)
	if now := h.standing(db, other.ID); now.ID != other.ID {
		t.Errorf("another user's session is gone: %+v", now)
	}
	n, err := db.EndSessionsOf(ctx, ann.ID, identity.EndAdministrator)
	check(t, err)
	if n != 0 {
		t.Errorf("%d sessions of a user who is gone", n)
	}
	if err := db.BeginSession(ctx, h.session(h.user("nobody"))); err == nil {
		t.Error("a session of nobody began")
	}
}

func testUseRefresh(t *testing.T, h *harness) {
	ann := h.user("ann")
	db, other := h.configured(ann), h.node()
	s := h.begin(db, ann)
	h.wantUsed(db, h.use(s, 1), false, "a token from the future")
	h.clock.Move(1500 * time.Millisecond)
	h.wantUsed(db, h.use(s, 0), true, "the first")
	s.Refreshes, s.RefreshedAt, s.IP, s.UserAgent = 1, h.clock.Now(), "192.0.2.7", "another"
	wantEqual(t, h.standing(other, s.ID).Session, s)
	h.clock.Move(time.Second)
	h.wantUsed(other, h.use(s, 0), false, "one that was used")
	wantEqual(t, h.standing(db, s.ID).Session, s)
	elsewhere := h.use(s, 1)
	elsewhere.Epoch++
	h.wantUsed(db, elsewhere, false, "in another epoch")
	stranger := h.use(s, 1)
	stranger.SessionID = identity.NewID(h.clock.Now())
	h.wantUsed(db, stranger, false, "of no session")
	h.wantUsed(other, h.use(s, 1), true, "the second")
	h.wantUsed(db, h.use(s, 2), true, "the last")
	h.wantUsed(db, h.use(s, 3), false, "one more than the maximum")
	if got := h.standing(db, s.ID); got.Refreshes != 3 || got.RefreshesLeft() != 0 {
		t.Errorf("refreshed %d times, %d left", got.Refreshes, got.RefreshesLeft())
	}

	ended := h.begin(db, ann)
	if done, err := db.EndSession(t.Context(), ended.ID, identity.EndLogout); err != nil || !done {
		t.Fatalf("ended is %v (%v)", done, err)
	}
	h.wantUsed(other, h.use(ended, 0), false, "of a session that ended")

	// To the millisecond: it is over when its end has come.
	late, later := h.begin(db, ann), h.begin(db, ann)
	h.clock.Move(time.Hour - time.Millisecond)
	h.wantUsed(db, h.use(late, 0), true, "in the last millisecond")
	h.clock.Move(time.Millisecond)
	h.wantUsed(db, h.use(later, 0), false, "at the end")
}

// testUseRefreshParallel uses one token fifty times at once, on two nodes.
func testUseRefreshParallel(t *testing.T, h *harness) {
	ann := h.user("ann")
	db := h.configured(ann)
	nodes := []*store.DB{db, h.node()}
	s := h.begin(db, ann)
	for round := range s.MaxRefreshes + 1 {
		used, errs := make([]bool, 50), make([]error, 50)
		together(len(used), func(i int) { used[i], errs[i] = nodes[i%2].UseRefresh(t.Context(), h.use(s, round)) })
		won := 0
		for i := range used {
			check(t, errs[i])
			if used[i] {
				won++
			}
		}
		want := 1
		if round == s.MaxRefreshes {
			want = 0
		}
		if won != want {
			t.Fatalf("round %d: %d of 50 uses succeeded, want %d", round, won, want)
		}
	}
	if got := h.standing(db, s.ID).Refreshes; got != s.MaxRefreshes {
		t.Errorf("refreshed %d times, want %d", got, s.MaxRefreshes)
	}
}

func testSessionPages(t *testing.T, h *harness) {
	ann, bob := h.user("ann"), h.user("bob")
	db, ctx := h.configured(ann, bob), t.Context()
	var all, hers []identity.Session // the last first
	for i := range 9 {
		h.clock.Move(time.Millisecond)
		s := h.begin(db, []identity.User{ann, bob, ann}[i%3])
		all = append([]identity.Session{s}, all...)
		if s.UserID == ann.ID {
			hers = append([]identity.Session{s}, hers...)
		}
	}
	over := h.begin(db, ann)
	_, err := db.EndSession(ctx, over.ID, identity.EndLogout)
	check(t, err)
	expired := h.session(ann)
	expired.ExpiresAt = h.clock.Now()
	check(t, db.BeginSession(ctx, expired))
	walk := func(f store.SessionFilter) (found []identity.Session) {
		t.Helper()
		for {
			page, err := db.Sessions(ctx, f)
			check(t, err)
			found = append(found, page...)
			if len(page) < f.Limit {
				return found
			}
			f.Before = page[len(page)-1].ID
		}
	}
	for limit := 1; limit <= len(all)+1; limit++ {
		wantEqual(t, walk(store.SessionFilter{Limit: limit}), all)
		wantEqual(t, walk(store.SessionFilter{Limit: limit, UserID: ann.ID}), hers)
		wantEqual(t, walk(store.SessionFilter{Limit: limit, UserID: "nobody"}), []identity.Session(nil))
	}
}
