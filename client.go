package identity

import (
	"strings"
	"time"
	"unicode"
)

// Client is a machine that proves itself with what it Requires.
type Client struct {
	// ID is the client_id, unique among all users and clients, deleted ones
	// included.
	ID      string
	Name    string
	Enabled bool
	// Require is the set of proofs that must all be presented.
	Require Proofs
	// StaticSignature reports whether the replayable signature over the bytes
	// of the client_id is accepted. It exists for clients of the original
	// service; an assertion is the safe form.
	StaticSignature bool
	// AuthMethod is the one way in which it may present its proof at the endpoints of the
	// standards; empty is any that presents what it requires.
	AuthMethod AuthMethod
	// AssertionAlgorithm is the one algorithm of its assertions; empty is any that fits one of
	// its keys.
	AssertionAlgorithm string
	// AssertionAudience is what its assertions may have as their audience.
	AssertionAudience AssertionAudience
	// JWKSURI, unless empty, is where its keys are, which then are not in Keys.
	JWKSURI string
	// Permissions and Audiences are sorted sets.
	Permissions []string
	Roles       Roles
	Audiences   []string
	// TokenExpiration is the lifetime of its tokens; zero is the configured.
	TokenExpiration time.Duration
	// TokenAlgorithm is the algorithm of its tokens where their audience says nothing of
	// it; empty is that of the default key.
	TokenAlgorithm string
	Metadata       Metadata
	Secrets        []ClientSecret
	Keys           []ClientKey
	// TokensFrom is when it was last disabled, or a credential of it deleted: tokens
	// from before do not count here.
	TokensFrom time.Time
	Version    int64
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// RevokedAt is when all tokens of the client were last revoked; zero if they never were.
func (c Client) RevokedAt() time.Time { return revokedAt(c.TokensFrom, c.CreatedAt) }

// revokedAt is since when tokens count, unless that is from the beginning.
func revokedAt(from, created time.Time) time.Time {
	if from.Equal(created) {
		return time.Time{}
	}
	return from
}

// MaxClientCredentials is how many live secrets, and how many keys, a client can
// have, so that a rotation overlaps.
const MaxClientCredentials = 5

// ClientSecret is one of a client's secrets, as registered.
type ClientSecret struct {
	// ID is the 8 characters that a generated secret carries.
	ID string
	// Hash is an Argon2 PHC string.
	Hash string
	// Chosen reports whether the caller chose the secret, so that its text
	// does not name its ID. A client has at most one such.
	Chosen    bool
	Label     string
	CreatedAt time.Time
	// ExpiresAt is zero for a secret that does not expire.
	ExpiresAt time.Time
	// LastUsedAt is a few seconds late, and zero before the first use.
	LastUsedAt time.Time
}

// Live reports whether the secret may still be used at now.
func (s ClientSecret) Live(now time.Time) bool {
	return s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt)
}

// ClientKey is one of a client's public keys, as registered.
type ClientKey struct {
	ID string
	// KID is the RFC 7638 thumbprint.
	KID string
	// JWK is the public key in RFC 7517 form. An "alg" member binds it to
	// that algorithm.
	JWK       string
	Label     string
	CreatedAt time.Time
	// LastUsedAt is a few seconds late, and zero before the first use.
	LastUsedAt time.Time
}

// CheckClientID refuses what cannot be a client_id: it has 1 to 128 of
// [A-Za-z0-9._~-].
func CheckClientID(id string) error {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-"
	if id == "" || len(id) > 128 || strings.Trim(id, allowed) != "" {
		return InvalidField("client_id", "must have 1 to 128 of [A-Za-z0-9._~-]")
	}
	if id == "." || id == ".." { // RFC 3986 section 5.2.4: no path would lead to it
		return InvalidField("client_id", "must not be a dot segment")
	}
	if strings.EqualFold(id, UserClientID) {
		return InvalidField("client_id", "%q is reserved: tokens of users carry it", UserClientID)
	}
	return nil
}

// UserClientID is the client_id claim in tokens of users: this service's own
// login acts as their client.
const UserClientID = "identity"

// CheckLabel refuses a label longer than 255 characters or with control characters.
func CheckLabel(label string) error {
	if runeLen(label) > 255 || strings.ContainsFunc(label, controls) {
		return InvalidField("label", "must have at most 255 characters, none of them control characters")
	}
	return nil
}

// controls reports whether the character controls how others are shown: the control
// characters, breaks of lines, and what turns the direction of writing.
func controls(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

// CheckName refuses a display name that is empty, longer than 255 characters
// or holds control characters.
func CheckName(name string) error {
	if n := runeLen(name); n > 255 || strings.TrimSpace(name) == "" || strings.ContainsFunc(name, controls) {
		return InvalidField("name", "must have 1 to 255 characters, none of them control characters")
	}
	return nil
}
