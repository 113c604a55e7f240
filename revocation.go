package identity

import (
	"crypto/sha256"
	"time"
)

// Revocation says that access tokens do not count any more though they have not expired:
// those whose claim, or header member, named by Kind has the Value, and that were issued
// before Before.
type Revocation struct {
	ID   string
	Kind RevocationKind
	// Value is empty for RevokedAll.
	Value string
	// Before is in whole seconds, as the iat of tokens is.
	Before time.Time
	// ExpiresAt is when no token is left that it could concern.
	ExpiresAt time.Time
	CreatedAt time.Time
	// ClientID is the client that has revoked a token of its own; else empty.
	ClientID string
}

// RevocationKind is what revoked tokens have in common.
type RevocationKind string

// The kinds of revocation, by the claim that they look at.
const (
	RevokedToken     RevocationKind = "jti" // one token
	RevokedSession   RevocationKind = "sid" // those of a session
	RevokedPrincipal RevocationKind = "sub" // those of a user or client
	RevokedKey       RevocationKind = "kid" // those that a key has signed: a member of the header
	RevokedAll       RevocationKind = "all" // every token
)

// RevocationKinds lists them.
func RevocationKinds() []RevocationKind {
	return []RevocationKind{RevokedToken, RevokedSession, RevokedPrincipal, RevokedKey, RevokedAll}
}

// RevocationHash is what the revocation list has of a value: the first half of its SHA-256.
// Who does not know the value learns nothing of it, unless it can be guessed.
func RevocationHash(value string) [16]byte {
	sum := sha256.Sum256([]byte(value))
	return [16]byte(sum[:16])
}

// Hash is the RevocationHash of the value; zero for RevokedAll.
func (r Revocation) Hash() [16]byte {
	if r.Kind == RevokedAll {
		return [16]byte{}
	}
	return RevocationHash(r.Value)
}

// IssuedBy is the Before of a revocation of what was issued until now: tokens know whole
// seconds only, so it takes in the second that has begun. Tokens that are issued after a
// revocation, in the same second, say the next one.
func IssuedBy(now time.Time) time.Time { return now.Truncate(time.Second).Add(time.Second) }
