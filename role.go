package identity

import (
	"strings"
	"time"
)

// Role is a named set of permissions that users and clients can hold.
type Role struct {
	ID          string
	Name        string
	Permissions []string // a sorted set
	Version     int64
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// CheckRoleName refuses what cannot be a role's name: it has 1 to 128 of
// [A-Za-z0-9._:-], so that it can stand in a list, a path and a command.
func CheckRoleName(name string) error {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-"
	if name == "" || len(name) > 128 || strings.Trim(name, allowed) != "" {
		return InvalidField("name", "must have 1 to 128 of [A-Za-z0-9._:-]")
	}
	return nil
}

// CheckRoles refuses more roles than anybody can hold.
func CheckRoles(names []string) error {
	const most = 100
	if len(names) > most {
		return InvalidField("roles", "must be at most %d", most)
	}
	return nil
}

// AudiencePolicy is what the register of audiences says of tokens for one. What
// it leaves open is as for every audience.
type AudiencePolicy struct {
	ID       string
	Audience string
	Name     string
	// Permissions, unless nil, are all that a token for the audience can carry.
	Permissions []string
	// Expiration, unless zero, is the lifetime of such a token.
	Expiration time.Duration
	// Algorithm, unless empty, is the one that signs it.
	Algorithm string
	// IntrospectionClient, unless empty, is the client that may introspect tokens for the
	// audience.
	IntrospectionClient string
	Version             int64
	CreatedAt           time.Time
	UpdatedAt           time.Time
}

// CheckTokenExpiration refuses a lifetime out of the bounds of the
// configuration's. Zero says nothing and is fine.
func CheckTokenExpiration(d time.Duration) error {
	if d != 0 && (d < MinExpiration || d > MaxExpiration) {
		return InvalidField("token_expiration", "must be %d to %d seconds", int(MinExpiration.Seconds()), int(MaxExpiration.Seconds()))
	}
	return nil
}
