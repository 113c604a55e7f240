package identity

import (
	"strings"
	"time"
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
	// Permissions and Audiences are sorted sets.
	Permissions []string
	Audiences   []string
	Secrets     []ClientSecret
	Keys        []ClientKey
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

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
}

// CheckClientID refuses what cannot be a client_id: it has 1 to 128 of
// [A-Za-z0-9._~-].
func CheckClientID(id string) error {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-"
	if id == "" || len(id) > 128 || strings.Trim(id, allowed) != "" {
		return InvalidField("client_id", "must have 1 to 128 of [A-Za-z0-9._~-]")
	}
	if id == UserClientID {
		return InvalidField("client_id", "%q is reserved: tokens of users carry it", id)
	}
	return nil
}

// UserClientID is the client_id claim in tokens of users: this service's own
// login acts as their client.
const UserClientID = "identity"

// CheckName refuses a display name that is empty, longer than 255 characters
// or holds control characters.
func CheckName(name string) error {
	if n := runeLen(name); n == 0 || n > 255 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return InvalidField("name", "must have 1 to 255 characters, none of them control characters")
	}
	return nil
}
