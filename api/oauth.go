package api

// OAuthTokenRequest is the form that POST /oauth2/token takes (RFC 6749 section 4.4.2). The
// client proves itself in one of three ways: with its id and secret in the Authorization
// header (client_secret_basic), with both in the form (client_secret_post), or with a client
// assertion (private_key_jwt, RFC 7523 section 2.2).
type OAuthTokenRequest struct {
	// GrantType is "client_credentials".
	GrantType string `json:"grant_type"`
	// Scope is a list of permissions, separated by spaces, to which the token is to be
	// limited. Left out, it has all that the client holds for the audience.
	Scope string `json:"scope,omitempty"`
	// Audience and Resource (RFC 8707 section 2) say for whom the token is meant, in either
	// way. Both may be there several times. Left out, it is the one audience of the client,
	// where it has just one, and else this service.
	Audience []string `json:"audience,omitempty"`
	Resource []string `json:"resource,omitempty"`
	ClientAuthentication
}

// ClientAuthentication is what the form of each /oauth2 endpoint may have of the client.
type ClientAuthentication struct {
	// ClientID names the client, where the Authorization header does not.
	ClientID string `json:"client_id,omitempty"`
	// ClientSecret is its secret (client_secret_post).
	ClientSecret string `json:"client_secret,omitempty"`
	// ClientAssertionType is "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", with
	// ClientAssertion.
	ClientAssertionType string `json:"client_assertion_type,omitempty"`
	// ClientAssertion is a compact JWS with the claims of RFC 7523 section 3 (private_key_jwt):
	// iss and sub are the client_id, aud is the issuer, and jti is used once.
	ClientAssertion string `json:"client_assertion,omitempty"`
}

// OAuthTokenResponse is the 200 of POST /oauth2/token (RFC 6749 section 5.1).
type OAuthTokenResponse struct {
	// AccessToken is a compact JWS of type "at+jwt" (RFC 9068 section 2.1).
	AccessToken string `json:"access_token"`
	// TokenType is always TokenTypeBearer.
	TokenType string `json:"token_type"`
	// ExpiresIn is its lifetime from now, in seconds.
	ExpiresIn int64 `json:"expires_in"`
	// Scope is the list of the permissions that it carries, separated by spaces. Absent
	// where it carries none.
	Scope string `json:"scope,omitempty"`
}

// OAuthError is the body of every failure at /oauth2 (RFC 6749 section 5.2).
type OAuthError struct {
	// Error is "invalid_request", "invalid_client", "invalid_scope", "invalid_target" (RFC 8707
	// section 2), "unauthorized_client", "unsupported_grant_type", "unsupported_token_type" (RFC 7009
	// section 2.2.1), "temporarily_unavailable" or
	// "server_error".
	Error string `json:"error"`
	// Description is for whoever writes the client; ASCII without quotes and backslashes.
	Description string `json:"error_description,omitempty"`
}

// OAuthTokenForm is the form that POST /oauth2/introspect (RFC 7662 section 2.1) and POST
// /oauth2/revoke (RFC 7009 section 2.1) take.
type OAuthTokenForm struct {
	// Token is an access token.
	Token string `json:"token"`
	// TokenTypeHint may be anything; nothing depends on it.
	TokenTypeHint string `json:"token_type_hint,omitempty"`
	ClientAuthentication
}

// Introspection is the 200 of POST /oauth2/introspect (RFC 7662 section 2.2).
type Introspection struct {
	// Active reports whether the token is good now, and for an audience that the caller serves.
	// Everything else is there only then.
	Active bool `json:"active"`
	// Scope is Permissions, separated by spaces.
	Scope string `json:"scope,omitempty"`
	// ClientID is the client that the token was issued to: "identity" for logins of users.
	ClientID string `json:"client_id,omitempty"`
	// TokenType is TokenTypeBearer.
	TokenType string `json:"token_type,omitempty"`
	// Expires and IssuedAt are in seconds since 1970.
	Expires  int64 `json:"exp,omitempty"`
	IssuedAt int64 `json:"iat,omitempty"`
	// Subject is the id of the user or client.
	Subject string `json:"sub,omitempty"`
	// Audience is for whom the token is.
	Audience []string `json:"aud,omitempty"`
	Issuer   string   `json:"iss,omitempty"`
	ID       string   `json:"jti,omitempty"`
	// SessionID, AuthTime and AMR are as in the token of a user.
	SessionID string   `json:"sid,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	AMR       []string `json:"amr,omitempty"`
	// GrantType is "user-credentials" or "client-credentials".
	GrantType string `json:"gty,omitempty"`
	// Permissions are those of the token that its subject still holds.
	Permissions []string `json:"permissions,omitempty"`
}

// SignedIntrospection is the payload of the answer of POST /oauth2/introspect to who accepts
// application/token-introspection+jwt (RFC 9701 section 5).
type SignedIntrospection struct {
	Issuer string `json:"iss"`
	// Audience is the client_id of the caller.
	Audience string `json:"aud"`
	// IssuedAt is in seconds since 1970.
	IssuedAt int64 `json:"iat"`
	// Introspection is what the answer is otherwise.
	Introspection Introspection `json:"token_introspection"`
}
