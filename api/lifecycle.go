package api

import "time"

// Session is a login that can be refreshed, as administration shows it.
type Session struct {
	// ID is the "sid" of its access tokens.
	ID       string `json:"id"`
	UserID   string `json:"user_id"`
	Audience string `json:"audience"`
	// CreatedAt is when the user logged in.
	CreatedAt time.Time `json:"created_at"`
	// LastRefreshedAt is null before the first refresh.
	LastRefreshedAt *time.Time `json:"last_refreshed_at"`
	// ExpiresAt is the end of the session, whatever is refreshed.
	ExpiresAt time.Time `json:"expires_at"`
	// RefreshesLeft is how often it can still be refreshed.
	RefreshesLeft int64 `json:"refreshes_left"`
	// IP and UserAgent are where it was last used from: the address as far as it is known,
	// and what the caller said of itself.
	IP        string `json:"ip"`
	UserAgent string `json:"user_agent"`
}

// SigningKey is a key that signs tokens, as administration shows it. Its public half is in
// /.well-known/jwks.json.
type SigningKey struct {
	// KID is the RFC 7638 thumbprint of the public half.
	KID string `json:"kid"`
	// Algorithm is that of JWS (RFC 7518 section 3.1), such as ES256.
	Algorithm string `json:"algorithm"`
	// State is "next" for a key that is published and does not sign yet, "active" for one
	// that signs, and "retired" for one that signs no more and is published as long as a
	// token under it may live.
	State string `json:"state"`
	// Default reports whether it is, or is to be, the one that signs where neither the
	// audience nor the client asks for another algorithm.
	Default bool `json:"default"`
	// Quarantined reports whether its private half does not open: then it signs nothing.
	Quarantined bool      `json:"quarantined"`
	CreatedAt   time.Time `json:"created_at"`
	// ActivatesAt is when it begins to sign; null while it is not activated.
	ActivatesAt *time.Time `json:"activates_at"`
	// SupersededAt is when another key takes over; null while none is to.
	SupersededAt *time.Time `json:"superseded_at"`
	// RetiresAt is when the last token under it has expired, and it is published no more;
	// null while none is to take over.
	RetiresAt *time.Time `json:"retires_at"`
}

// CreateSigningKeyRequest is the body of POST /api/keys.
type CreateSigningKeyRequest struct {
	// Algorithm is one of ES256, ES384, EdDSA, PS256 and RS256.
	Algorithm string `json:"algorithm"`
}

// ActivateKeyRequest is the body of POST /api/keys/{id}/activate, which may be empty.
type ActivateKeyRequest struct {
	// Now does not wait until every verifier can know the key: for when the one before has
	// leaked. Verifiers that keep the keys for a time may refuse tokens until they have
	// asked for them again, at most five minutes.
	Now bool `json:"now,omitempty"`
	// Default makes it the default key also where that has another algorithm.
	Default bool `json:"default,omitempty"`
}
