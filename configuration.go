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
)

// DefaultConfiguration is what an installation starts with, under issuer.
func DefaultConfiguration(issuer string) Configuration {
	return Configuration{
		Issuer:       issuer,
		Expiration:   900 * time.Second,
		MaxRefreshes: 100,
		RefreshGrace: 10 * time.Second,
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
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}
