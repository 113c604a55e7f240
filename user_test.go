package identity_test

import (
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// Each end of a user's tokens is told from the one before, though the clock stands still
// or goes back.
func TestEndTokens(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var u identity.User
	for i, step := range []struct{ now, want time.Time }{
		{at, at},
		{at, at.Add(time.Millisecond)},
		{at, at.Add(2 * time.Millisecond)},
		{at.Add(-time.Hour), at.Add(3 * time.Millisecond)},
		{at.Add(3 * time.Millisecond), at.Add(4 * time.Millisecond)},
		{at.Add(4*time.Millisecond + time.Microsecond), at.Add(5 * time.Millisecond)},
		{at.Add(time.Hour), at.Add(time.Hour)},
	} {
		u.EndTokens(step.now)
		if !u.TokensFrom.Equal(step.want) {
			t.Errorf("step %d: tokens count from %v, want %v", i, u.TokensFrom, step.want)
		}
	}
}

func TestSessionIsOver(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := identity.Session{Epoch: 7, Refreshes: 2, MaxRefreshes: 5, ExpiresAt: at}
	for _, tc := range []struct {
		name  string
		now   time.Time
		epoch int64
		ended time.Time
		want  bool
	}{
		{"live", at.Add(-time.Millisecond), 7, time.Time{}, false},
		{"expired", at, 7, time.Time{}, true},
		{"former epoch", at.Add(-time.Hour), 8, time.Time{}, true},
		{"later epoch", at.Add(-time.Hour), 6, time.Time{}, true}, // the database is an older one
		{"ended", at.Add(-time.Hour), 7, at.Add(-2 * time.Hour), true},
		{"ended by a clock that is ahead", at.Add(-time.Hour), 7, at, true},
	} {
		s.EndedAt = tc.ended
		if got := s.Over(tc.now, tc.epoch); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
	if s.RefreshesLeft() != 3 || (identity.Session{Refreshes: 2, MaxRefreshes: 1}).RefreshesLeft() != 0 {
		t.Error("the refreshes that are left")
	}
}
