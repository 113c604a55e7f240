package token

import (
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// verdict is what a use of an authentic refresh token is.
type verdict int

const (
	// over: the session is over, and nothing comes of it.
	over verdict = iota
	// rotate: the token is the one that is good. Whether this use of it is the first is for
	// the database to say.
	rotate
	// repeat: the token was used just now, and the one made then was not: the answer was
	// lost, or the use is one of several at the same time. The same one is made again.
	repeat
	// exhausted: the token is the one that is good, but was the last.
	exhausted
	// reuse: somebody else has a token of this session too. RFC 9700 section 4.14.2:
	// nobody can tell who of the two is the thief, so neither gets any further.
	reuse
)

// judge says what the use of a token is, of a session that was refreshed so often when
// the token was made.
func judge(s identity.Session, refreshes int, epoch int64, grace time.Duration, now time.Time) verdict {
	switch {
	case s.Over(now, epoch):
		return over
	case refreshes == s.Refreshes && s.RefreshesLeft() == 0:
		return exhausted
	case refreshes == s.Refreshes:
		return rotate
	// A clock that steps back makes no token good again for as long as it stepped.
	case refreshes == s.Refreshes-1 && now.Sub(s.RefreshedAt).Abs() < grace:
		return repeat
	}
	// A token from the future too: the database is an older one than the token's, and
	// tokens that were used since are good again in it.
	return reuse
}
