package api

import "time"

// Configuration is the answer of GET, POST and PATCH /api/configuration. The
// private key is write-only and never part of it.
type Configuration struct {
	// PublicKey is the public half of the active signing key, as PEM of a
	// SubjectPublicKeyInfo (RFC 5280 section 4.1).
	PublicKey string `json:"public_key"`
	// KID is the key's id: its RFC 7638 thumbprint (SHA-256, base64url).
	KID string `json:"kid"`
	// Algorithm is the JWS algorithm under which the key signs, such as RS256
	// (RFC 7518 section 3.1).
	Algorithm string `json:"algorithm"`
	// JWTExpiration is the lifetime of an access token in seconds, 30 to
	// 2592000.
	JWTExpiration int64 `json:"jwt_expiration"`
	// JWTIssuer is the "iss" of every token: 1 to 255 printable ASCII
	// characters without space.
	JWTIssuer string `json:"jwt_issuer"`
	// JWTMaxRefreshes is how often a session may be refreshed, 0 to 100000.
	JWTMaxRefreshes int64 `json:"jwt_max_refreshes"`
	// RefreshGrace is how long a rotated refresh token may be replayed, in
	// seconds, 0 to 60.
	RefreshGrace int64 `json:"refresh_grace"`
	// SessionMaxAge is how long after the login a session ends, in seconds, 60 to
	// 31622400: no token outlives it. Like JWTMaxRefreshes it counts for the sessions
	// that begin under it.
	SessionMaxAge int64 `json:"session_max_age"`
	// KeyRotationInterval is how long a signing key signs until another takes over by
	// itself, in seconds, 3600 to 86400000; 0 is off.
	KeyRotationInterval int64 `json:"key_rotation_interval"`
	// UpdatedAt is when the configuration last changed, in UTC (RFC 3339).
	UpdatedAt time.Time `json:"updated_at"`
}

// ConfigurationUpdate is the body of POST and PATCH /api/configuration. What is
// nil stays as it is. Either all of it takes effect or nothing does.
type ConfigurationUpdate struct {
	// PrivateKey is a new signing key as PEM: PKCS#8 (RFC 5958), PKCS#1
	// (RFC 8017) or SEC 1 (RFC 5915); RSA of at least 2048 bits, P-256, P-384
	// or Ed25519.
	PrivateKey *string `json:"private_key,omitempty"`
	// PublicKey is the public half of PrivateKey as PEM of a
	// SubjectPublicKeyInfo. It may be left out; where it is sent it must match.
	PublicKey *string `json:"public_key,omitempty"`
	// JWTExpiration is the lifetime of an access token in seconds, 30 to
	// 2592000.
	JWTExpiration *int64 `json:"jwt_expiration,omitempty"`
	// JWTIssuer is the "iss" of every token: 1 to 255 printable ASCII
	// characters without space.
	JWTIssuer *string `json:"jwt_issuer,omitempty"`
	// JWTMaxRefreshes is how often a session may be refreshed, 0 to 100000.
	JWTMaxRefreshes *int64 `json:"jwt_max_refreshes,omitempty"`
	// RefreshGrace is how long a rotated refresh token may be replayed, in
	// seconds, 0 to 60.
	RefreshGrace *int64 `json:"refresh_grace,omitempty"`
	// SessionMaxAge is how long after the login a session ends, in seconds, 60 to
	// 31622400: no token outlives it. Like JWTMaxRefreshes it counts for the sessions
	// that begin under it.
	SessionMaxAge *int64 `json:"session_max_age,omitempty"`
	// KeyRotationInterval is how long a signing key signs until another takes over by
	// itself, in seconds, 3600 to 86400000; 0 is off.
	KeyRotationInterval *int64 `json:"key_rotation_interval,omitempty"`
}
