package api

// TokenTypeBearer is the token_type of every access token (RFC 6750).
const TokenTypeBearer = "Bearer"

// LoginRequest is the body of POST /auth/login, by which a person proves
// themselves.
type LoginRequest struct {
	// Username in any spelling that has the same canonical form as the
	// registered one (PRECIS UsernameCaseMapped, RFC 8265 section 3.3).
	Username string `json:"username"`
	// Password as the person typed it; nothing is trimmed. A password of any
	// length may be sent, a wrong one is refused with invalid_credentials.
	Password string `json:"password"`
	// Audience is for whom the token is meant: 1 to 255 printable ASCII
	// characters without space. Left out, the token is for this service itself
	// and its "aud" is the issuer.
	Audience string `json:"audience,omitempty"`
}

// TokenRequest is the body of POST /auth/token, by which a machine proves
// itself. The client's registration says which of ClientSecret and Signature
// must be there; the other one is not looked at.
type TokenRequest struct {
	// ClientID names the client: 1 to 128 of [A-Za-z0-9._~-].
	ClientID string `json:"client_id"`
	// ClientSecret is a secret of the client, for one that requires it.
	ClientSecret string `json:"client_secret,omitempty"`
	// Signature is, for a client that requires it, a client assertion: a
	// compact JWS (RFC 7515) with the claims of RFC 7523 section 3. Clients
	// that are registered for it send padded base64 of an RSASSA-PSS signature
	// (SHA-256) over the bytes of their client_id instead.
	Signature string `json:"signature,omitempty"`
	// Audience is for whom the token is meant: 1 to 255 printable ASCII
	// characters without space.
	Audience string `json:"audience"`
}

// RefreshRequest is the body of POST /auth/refresh, by which a session goes on, and of
// POST /auth/logout, which ends it.
type RefreshRequest struct {
	// RefreshToken is that of the last answer of POST /auth/login or POST /auth/refresh.
	// It works once: the answer has the next one. A second use within refresh_grace
	// seconds gives the same next one again, for whoever has lost the answer; a later one
	// ends the session (RFC 9700 section 4.14.2).
	RefreshToken string `json:"refresh_token"`
}

// SessionResponse is the 200 of POST /auth/login and POST /auth/refresh. It is sent with
// Cache-Control: no-store.
type SessionResponse struct {
	TokenResponse
	// RefreshToken is for POST /auth/refresh: "idr_" and 76 characters of base64url.
	// Absent where jwt_max_refreshes is 0.
	RefreshToken string `json:"refresh_token,omitempty"`
	// RefreshesLeft is how often the session can still be refreshed. At 0 the refresh token
	// serves POST /auth/logout only. Absent where RefreshToken is.
	RefreshesLeft *int64 `json:"refreshes_left,omitempty"`
}

// TokenResponse is the 200 of POST /auth/token, and a part of SessionResponse. It is sent
// with Cache-Control: no-store (RFC 6749 section 5.1).
type TokenResponse struct {
	// Token is the access token, a compact JWS (RFC 7515) of type "at+jwt"
	// (RFC 9068 section 2.1).
	Token string `json:"token"`
	// Audience is the token's "aud".
	Audience string `json:"audience"`
	// TokenType is always TokenTypeBearer.
	TokenType string `json:"token_type"`
	// ExpiresIn is the token's lifetime from now, in seconds (RFC 6749
	// section 5.1).
	ExpiresIn int64 `json:"expires_in"`
}
