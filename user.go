package identity

import "time"

// User is a person who proves themselves with a password.
type User struct {
	ID string
	// Username is in canonical form.
	Username string
	// PasswordHash is an Argon2 PHC string.
	PasswordHash string
	Enabled      bool
	// Permissions and Audiences are sorted sets.
	Permissions []string
	Audiences   []string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}
