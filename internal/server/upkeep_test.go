package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/server"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// However many sessions are over, upkeep forgets them, and none that is not.
func TestUpkeepForgetsSessions(t *testing.T) {
	s := identitytest.New(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	wantRows := func(want string) {
		t.Helper()
		if n, _, _ := strings.Cut(s.Tables()["sessions"], ","); n != want {
			t.Errorf("%s are left, want %s", n, want)
		}
	}
	db, ctx, now := s.Installation.DB, t.Context(), s.Clock.Now()
	user := s.AddUser("alice", "a long password")
	s.Change("configuration", "", `UPDATE configuration SET epoch = ?`, now.Add(-time.Hour).UnixMilli())
	epoch := now.Add(-time.Hour).UnixMilli()
	session := func(begun, expires time.Time, epoch int64) identity.Session {
		return identity.Session{
			ID: identity.NewID(begun), UserID: user.ID, Audience: "orders", Epoch: epoch, TokensFrom: user.TokensFrom, AMR: []string{"pwd"},
			MaxRefreshes: 1, CreatedAt: begun, ExpiresAt: expires,
		}
	}
	later, before := now.Add(time.Hour), now.Add(-2*time.Hour)
	live := session(now, later, epoch)
	ended := session(now, now.Add(72*time.Hour), epoch)
	must(db.Tx(ctx, func(tx *store.DB) error {
		over := []identity.Session{live, ended}
		for range 1001 { // more than one batch of each
			over = append(over, session(now.Add(-time.Minute), now, epoch), session(before, later, 0), session(before, later, epoch-1))
		}
		for _, one := range over {
			if err := tx.BeginSession(ctx, one); err != nil {
				return err
			}
		}
		_, err := tx.EndSession(ctx, ended.ID, identity.EndLogout)
		return err
	}))
	srv, err := server.New(server.Config{Installation: s.Installation, Logger: s.Logger})
	must(err)
	stored := func() (ids []string) {
		for name, id := range map[string]string{"live": live.ID, "ended": ended.ID} {
			if _, err := db.Standing(ctx, id); err == nil {
				ids = append(ids, name)
			}
		}
		return identity.SortedSet(ids)
	}
	srv.Upkeep(ctx)
	wantRows("2 rows")
	if diff := cmp.Diff([]string{"ended", "live"}, stored()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	s.Clock.Move(24*time.Hour - time.Millisecond) // the live one has expired; what was ended is remembered for a day
	srv.Upkeep(ctx)
	if diff := cmp.Diff([]string{"ended"}, stored()); diff != "" {
		t.Errorf("before a day has passed: (-want +got)\n%s", diff)
	}
	s.Clock.Move(time.Millisecond)
	srv.Upkeep(ctx)
	wantRows("0 rows")
}

// Attempts are forgotten a day after the last of them.
func TestUpkeepForgetsAttempts(t *testing.T) {
	s := identitytest.New(t)
	id := identity.UserThrottle("nobody", "nobody").ID
	stored := func() bool {
		_, err := s.Installation.DB.Throttle(t.Context(), id)
		return err == nil
	}
	s.Post("/auth/login", map[string]string{"username": "nobody", "password": "a guess"})
	s.Clock.Move(24*time.Hour - time.Millisecond)
	if s.Upkeep(t.Context()); !stored() {
		t.Error("forgotten before a day has passed")
	}
	s.Clock.Move(time.Millisecond)
	if s.Upkeep(t.Context()); stored() {
		t.Error("still there after a day")
	}
}
