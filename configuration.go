package identity

import (
	"fmt"
	"time"
)

// Configuration is what an administrator sets at run time.
type Configuration struct {
	// Issuer is the "iss" claim of every token, and the audience of tokens for
	// this service itself.
	Issuer string
	// Expiration is the lifetime of an access token, in whole seconds.
	Expiration time.Duration
	// MaxRefreshes is how often a session may be refreshed.
	MaxRefreshes int
	// RefreshGrace is how long a rotated refresh token may be replayed.
	RefreshGrace time.Duration
	// SessionMaxAge is how long after the login a session ends, whatever is refreshed. Like
	// MaxRefreshes it counts for the sessions that begin under it.
	SessionMaxAge time.Duration
	// KeyRotationInterval is how long a signing key signs until another takes over by
	// itself; zero is until somebody asks.
	KeyRotationInterval time.Duration
	// Epoch is the time in milliseconds since 1970 at which all sessions were last ended
	// at once; 0 is never.
	Epoch int64
	// Version counts the changes, for ETag.
	Version   int64
	UpdatedAt time.Time
}

// Bounds of the configuration.
const (
	MinExpiration   = 30 * time.Second
	MaxExpiration   = 30 * 24 * time.Hour
	MaxMaxRefreshes = 100_000
	MaxRefreshGrace = 60 * time.Second

	MinSessionMaxAge       = time.Minute
	MaxSessionMaxAge       = 366 * 24 * time.Hour
	MinKeyRotationInterval = time.Hour
	MaxKeyRotationInterval = 1000 * 24 * time.Hour
)

// DefaultConfiguration is what an installation starts with, under issuer.
func DefaultConfiguration(issuer string) Configuration {
	return Configuration{
		Issuer:       issuer,
		Expiration:   900 * time.Second,
		MaxRefreshes: 100,
		RefreshGrace: 10 * time.Second,

		SessionMaxAge: 30 * 24 * time.Hour,
	}
}

// Check refuses a value that is out of bounds, naming each.
func (c Configuration) Check() error {
	e := &Error{Kind: InvalidRequest, Message: "The configuration has invalid values."}
	bad := func(member, format string, args ...any) {
		e.Fields = append(e.Fields, FieldError{
			Loc: []string{"body", member}, Message: fmt.Sprintf(format, args...), Type: FieldInvalidValue,
		})
	}
	if !printableASCII(c.Issuer, 255) {
		bad("jwt_issuer", "must have 1 to 255 printable ASCII characters without space")
	}
	if c.Expiration < MinExpiration || c.Expiration > MaxExpiration {
		bad("jwt_expiration", "must be %d to %d seconds", int(MinExpiration.Seconds()), int(MaxExpiration.Seconds()))
	}
	if c.MaxRefreshes < 0 || c.MaxRefreshes > MaxMaxRefreshes {
		bad("jwt_max_refreshes", "must be 0 to %d", MaxMaxRefreshes)
	}
	if c.RefreshGrace < 0 || c.RefreshGrace > MaxRefreshGrace {
		bad("refresh_grace", "must be 0 to %d seconds", int(MaxRefreshGrace.Seconds()))
	}
	if c.SessionMaxAge < MinSessionMaxAge || c.SessionMaxAge > MaxSessionMaxAge {
		bad("session_max_age", "must be %d to %d seconds", int(MinSessionMaxAge.Seconds()), int(MaxSessionMaxAge.Seconds()))
	}
	if i := c.KeyRotationInterval; i != 0 && (i < MinKeyRotationInterval || i > MaxKeyRotationInterval) {
		bad("key_rotation_interval", "must be 0, which is off, or %d to %d seconds", int(MinKeyRotationInterval.Seconds()), int(MaxKeyRotationInterval.Seconds()))
	}
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}
