package identity

import "time"

// Session is what a login begins that can be refreshed: one family of refresh tokens,
// of which one is good at a time.
type Session struct {
	// ID is a UUID (version 7), the "sid" of its access tokens.
	ID     string
	UserID string
	// Audience is that of its access tokens.
	Audience string
	// Epoch and TokensFrom are those of the installation and of the user at the login:
	// once either is another, the session is over.
	Epoch      int64
	TokensFrom time.Time
	// AMR lists how the user proved themselves (RFC 8176).
	AMR []string
	// Refreshes is how often it was refreshed, of at most MaxRefreshes times.
	Refreshes, MaxRefreshes int
	CreatedAt               time.Time
	// RefreshedAt is zero before the first refresh.
	RefreshedAt time.Time
	// ExpiresAt, in whole seconds, is the end of the session and of each of its tokens,
	// whatever is refreshed. Of one that was ended before, it may say an earlier time.
	ExpiresAt time.Time
	// EndedAt is when it was ended before that, and EndedBy one of the End constants;
	// zero if it was not.
	EndedAt time.Time
	EndedBy string
	// IP and UserAgent are where it was last used from, as far as that is known.
	IP, UserAgent string
}

// What ends a session before its time.
const (
	EndLogout        = "logout"
	EndReuse         = "reuse"         // a refresh token was used a second time
	EndAdministrator = "administrator" // somebody who may
	EndUserChanged   = "user_changed"  // a new password, or the user was disabled
	EndRefused       = "refused"       // its user may no longer have the audience
)

// RefreshesLeft is how often it can still be refreshed.
func (s Session) RefreshesLeft() int { return max(0, s.MaxRefreshes-s.Refreshes) }

// Over reports whether the session is over at now, in the epoch that the installation is
// in.
func (s Session) Over(now time.Time, epoch int64) bool {
	return !s.EndedAt.IsZero() || s.Epoch != epoch || !now.Before(s.ExpiresAt)
}
