package token

import (
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// Claims is the payload of an access token (RFC 9068 section 2.2). Times are
// seconds since 1970.
type Claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"` // user id or client id
	Audience Audience `json:"aud"`
	IssuedAt int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	ID       string   `json:"jti"`
	// ClientID is the machine's, or "identity" for logins of users.
	ClientID string `json:"client_id"`
	// SessionID is the session that a token of a user belongs to, where it can be refreshed
	// (OpenID Connect Front-Channel Logout 1.0 section 3).
	SessionID string `json:"sid,omitempty"`
	// AuthTime and AMR (RFC 9068 section 2.2.1) are there for users only.
	AuthTime  int64    `json:"auth_time,omitempty"`
	AMR       []string `json:"amr,omitempty"`
	GrantType string   `json:"gty"` // GrantUser or GrantClient
	// Permissions is a sorted set.
	Permissions []string `json:"permissions"`
	// Scope is the same list as RFC 9068 section 2.2.3 has it, in tokens of the standard
	// endpoint.
	Scope string `json:"scope,omitempty"`
	// KeyID is the kid in the header of a token that was read.
	KeyID string `json:"-"`
}

// The values of the gty claim.
const (
	GrantUser   = "user-credentials"
	GrantClient = "client-credentials"
)

// checkFor returns why claims were not issued by issuer, for audience alone, and for now, or
// nil.
func (c Claims) checkFor(issuer, audience string, now int64) *identity.Reason {
	if c.Issuer == issuer && !c.Audience.Is(audience) {
		return identity.Refuse(identity.RefusedBearerAudience, "its aud is not this service").
			With("expected", audience).With("actual", identity.Shown(c.Audience.String()))
	}
	return c.check(issuer, now)
}

// check returns why claims were not issued by issuer, and for now, or nil. There is no
// leeway: this service's clock made the times.
func (c Claims) check(issuer string, now int64) *identity.Reason {
	switch {
	case c.Issuer != issuer:
		return identity.Refuse(identity.RefusedBearerIssuer, "its iss is another issuer").With("expected", issuer).With("actual", identity.Shown(c.Issuer))
	case c.Subject == "" || c.ID == "" || c.ClientID == "":
		return identity.Refuse(identity.RefusedBearerClaims, "it lacks sub, jti or client_id")
	case c.Expires == 0 || c.IssuedAt == 0:
		return identity.Refuse(identity.RefusedBearerClaims, "it lacks exp or iat")
	case now >= c.Expires:
		return identity.Refuse(identity.RefusedBearerExpired, "it has expired").
			At("expired_at", time.Unix(c.Expires, 0)).At("now", time.Unix(now, 0)).With("expired_since", now-c.Expires)
	case c.IssuedAt > now+clockSkew:
		return identity.Refuse(identity.RefusedBearerIssued, "its iat is in the future: the clock of the node that made it is ahead").
			At("iat", time.Unix(c.IssuedAt, 0)).At("now", time.Unix(now, 0)).With("ahead", c.IssuedAt-now)
	}
	return nil
}

// clockSkew is how many seconds another node's clock may be ahead of ours.
const clockSkew = 60

// encode is the payload, with what encoding/json would have.
func (c Claims) encode() ([]byte, error) {
	const room = 512 // most tokens have less
	o := jose.NewObject(room)
	o.String("iss", c.Issuer)
	o.String("sub", c.Subject)
	if len(c.Audience) == 1 {
		o.String("aud", c.Audience[0])
	} else {
		o.Strings("aud", c.Audience)
	}
	o.Int("iat", c.IssuedAt)
	o.Int("exp", c.Expires)
	o.String("jti", c.ID)
	o.String("client_id", c.ClientID)
	if c.SessionID != "" {
		o.String("sid", c.SessionID)
	}
	if c.AuthTime != 0 {
		o.Int("auth_time", c.AuthTime)
	}
	if len(c.AMR) > 0 {
		o.Strings("amr", c.AMR)
	}
	o.String("gty", c.GrantType)
	o.Strings("permissions", c.Permissions)
	if c.Scope != "" {
		o.String("scope", c.Scope)
	}
	return o.Bytes()
}
