package identity

import "time"

// SigningKey is a key that signs tokens, as stored: its private half sealed,
// its public half open. What it does at a given moment follows from its times
// alone, so no job has to move it from state to state.
type SigningKey struct {
	// KID is the RFC 7638 thumbprint of the public half.
	KID       string
	Algorithm string
	// Default reports whether the key signs whatever no audience and no client asks
	// another algorithm for; otherwise it signs for those that ask for its algorithm.
	Default bool
	// PublicJWK is the public half in RFC 7517 form.
	PublicJWK string
	// Private is the PKCS#8 private half; zero once it has been destroyed.
	Private   Sealed
	CreatedAt time.Time
	// ActivatesAt is when the key begins to sign; zero while that is not decided.
	ActivatesAt time.Time
	// SupersededAt is when another key takes over; zero while none will.
	SupersededAt time.Time
	// RetiresAt is when the last token under the key has expired and the key
	// leaves the JWKS; zero while it is not superseded.
	RetiresAt time.Time
	// TokensUntil is when the last token has expired that was issued under it in
	// another configuration, or before it came back; zero if there is none.
	TokensUntil time.Time
}

// KeyState is where a signing key is in its life.
type KeyState string

// The states of a signing key.
const (
	KeyNext    KeyState = "next"    // published, does not sign yet
	KeyActive  KeyState = "active"  // signs
	KeyRetired KeyState = "retired" // signs no more, verifies what it signed
	KeyExpired KeyState = "expired" // no live token is left under it
)

// State returns the key's state at now.
func (k SigningKey) State(now time.Time) KeyState {
	switch {
	case k.ActivatesAt.IsZero() || now.Before(k.ActivatesAt):
		return KeyNext
	case k.SupersededAt.IsZero() || now.Before(k.SupersededAt):
		return KeyActive
	case now.Before(k.RetiresAt):
		return KeyRetired
	default:
		return KeyExpired
	}
}
