package identity

import "time"

// User is a person who proves themselves with a password.
type User struct {
	ID string
	// Username is in canonical form.
	Username string
	// PasswordHash is an Argon2 PHC string, unless HashImported.
	PasswordHash string
	// HashImported reports whether the hash was brought in from another system:
	// of the password's own bytes, in one of the forms that those have.
	HashImported bool
	Enabled      bool
	// OneTime reports whether the password must be changed before it gives a
	// token.
	OneTime bool
	// Permissions and Audiences are sorted sets.
	Permissions []string
	Roles       Roles
	Audiences   []string
	Metadata    Metadata
	Version     int64
	CreatedAt   time.Time
	UpdatedAt   time.Time
	// LastLoginAt is a few seconds late, and zero before the first login.
	// TokensFrom is when the password was last set, or the user disabled: tokens from
	// before do not count here.
	TokensFrom  time.Time
	LastLoginAt time.Time
}

// EndTokens makes the tokens that are out count no more. It moves TokensFrom on even if
// the clock stands still, so that sessions can tell one state of the user from the next.
func (u *User) EndTokens(now time.Time) {
	if least := u.TokensFrom.Add(time.Millisecond); now.Before(least) {
		now = least
	}
	u.TokensFrom = now
}

// RevokedAt is when all tokens of the user were last revoked; zero if they never were.
func (u User) RevokedAt() time.Time { return revokedAt(u.TokensFrom, u.CreatedAt) }

// Roles is what a principal holds by roles.
type Roles struct {
	// Names is a sorted set.
	Names []string
	// Permissions are those of all of them.
	Permissions []string
}
