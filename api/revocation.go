package api

import "time"

// RevokeRequest is the body of POST /api/revocations: which access tokens are to count no more
// though they have not expired.
type RevokeRequest struct {
	// Kind is the claim that they have in common: "jti" for one token, "sid" for those of a
	// session, "sub" for those of a user or client, "kid" for those that a key has signed, or
	// "all".
	Kind string `json:"kind"`
	// Value is that of the claim, of 1 to 255 characters; absent for "all".
	Value string `json:"value,omitempty"`
	// Before is for "all" alone: tokens that were issued before that. Absent is now.
	Before *time.Time `json:"before,omitempty"`
}

// Revocation says that access tokens count no more.
type Revocation struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	// Value is null for "all".
	Value *string `json:"value"`
	// Before is in whole seconds: those issued before that are revoked.
	Before    time.Time `json:"before"`
	CreatedAt time.Time `json:"created_at"`
	// ExpiresAt is when no token is left that it could concern, so that it is forgotten.
	ExpiresAt time.Time `json:"expires_at"`
	// ClientID is the client that has revoked a token of its own; else null.
	ClientID *string `json:"client_id"`
}
