package api

import (
	"encoding/json"
	"time"
)

// PasswordRequest is the body of POST /auth/password, by which a person sets another
// password.
type PasswordRequest struct {
	// Username as in LoginRequest.
	Username string `json:"username"`
	// Password is the one that holds until now.
	Password string `json:"password"`
	// NewPassword has 8 to 1024 characters after NFC, and is neither a common one nor
	// one that is known from a breach, nor little more than the username.
	NewPassword string `json:"new_password"`
}

// CreateUserRequest is the body of POST /api/users. Exactly one of Password and
// PasswordHash must be there.
type CreateUserRequest struct {
	// Username is a PRECIS username (RFC 8265) of at most 255 bytes; it is stored in
	// canonical form.
	Username string `json:"username"`
	// Password has 8 to 1024 characters after NFC, and is neither a common one nor
	// one that is known from a breach, nor little more than the username.
	Password string `json:"password,omitempty"`
	// PasswordHash is brought in from another system: an Argon2id or Argon2i PHC
	// string, bcrypt, scrypt or PBKDF2.
	PasswordHash string `json:"password_hash,omitempty"`
	// OneTime marks the password as one that must be changed before it gives a token.
	OneTime bool `json:"one_time,omitempty"`
	// Enabled is true where it is absent.
	Enabled *bool `json:"enabled,omitempty"`
	// Permissions are RFC 6749 scope-tokens, of at most 4096 characters together.
	Permissions List[string] `json:"permissions,omitempty"`
	// Roles are names of roles.
	Roles List[string] `json:"roles,omitempty"`
	// Audiences are those for which the user may have tokens. Absent and ["*"] is any.
	Audiences *List[string] `json:"audiences,omitempty"`
	// Metadata is a JSON object of at most 4 KiB that the service keeps and does not
	// look at.
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// UserPatch is the body of PATCH /api/users/{id}, a merge (RFC 7396): what is absent
// stays, a list is replaced whole. Only members of Metadata may be null.
type UserPatch struct {
	// Username is a PRECIS username (RFC 8265) of at most 255 bytes.
	Username *string `json:"username,omitempty"`
	// Password has 8 to 1024 characters after NFC, and is neither a common one nor
	// one that is known from a breach, nor little more than the username.
	Password *string `json:"password,omitempty"`
	// OneTime marks the password as one that must be changed before it gives a token.
	// Setting a password leaves the mark as it is.
	OneTime *bool `json:"one_time,omitempty"`
	// Enabled is false for a user who gets no token.
	Enabled *bool `json:"enabled,omitempty"`
	// Permissions are RFC 6749 scope-tokens, of at most 4096 characters together.
	Permissions *List[string] `json:"permissions,omitempty"`
	// Roles are names of roles.
	Roles *List[string] `json:"roles,omitempty"`
	// Audiences are those for which the user may have tokens; ["*"] is any.
	Audiences *List[string] `json:"audiences,omitempty"`
	// Metadata is merged member by member; null removes one.
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// CreateClientRequest is the body of POST /api/clients. Without ClientSecret and
// PublicKey a secret is generated.
type CreateClientRequest struct {
	// Name is for people: 1 to 255 characters, none of them control characters.
	Name string `json:"name"`
	// ClientID is 1 to 128 of [A-Za-z0-9._~-]; where it is absent one is made.
	ClientID string `json:"client_id,omitempty"`
	// ClientSecret is one that the caller chooses, of 16 to 512 characters; it must not
	// begin with "ids_".
	ClientSecret string `json:"client_secret,omitempty"`
	// PublicKey is PEM of a SubjectPublicKeyInfo in a string, or a JWK as an object.
	PublicKey json.RawMessage `json:"public_key,omitempty"`
	// Require lists what the client must present, all of it. Where it is absent that is
	// what is registered.
	Require List[string] `json:"require,omitempty"`
	// StaticSignature accepts the replayable signature of the original service, from a
	// client with an RSA key.
	StaticSignature bool `json:"static_signature,omitempty"`
	// Enabled is true where it is absent.
	Enabled *bool `json:"enabled,omitempty"`
	// Permissions are RFC 6749 scope-tokens, of at most 4096 characters together.
	Permissions List[string] `json:"permissions,omitempty"`
	// Roles are names of roles.
	Roles List[string] `json:"roles,omitempty"`
	// Audiences are those for which the client may have tokens. Absent and ["*"] is any.
	Audiences *List[string] `json:"audiences,omitempty"`
	// TokenExpiration is the lifetime of its tokens in seconds; null and absent is as
	// configured.
	TokenExpiration *int64 `json:"token_expiration,omitempty"`
	// TokenAlgorithm signs its tokens where their audience says nothing of it: ES256,
	// ES384, EdDSA, PS256 or RS256; null and absent is the default key's.
	TokenAlgorithm *string `json:"token_algorithm,omitempty"`
	// AuthMethod is the one way in which it may prove itself at /oauth2: client_secret_basic,
	// client_secret_post or private_key_jwt; null and absent is any that presents what it
	// requires.
	AuthMethod *string `json:"token_endpoint_auth_method,omitempty"`
	// AssertionAlgorithm is the one algorithm of its assertions; null and absent is any that
	// fits a key.
	AssertionAlgorithm *string `json:"token_endpoint_auth_signing_alg,omitempty"`
	// AssertionAudience is "issuer" or "token_endpoint", where it is absent the former.
	AssertionAudience string `json:"assertion_audience,omitempty"`
	// JWKS is a JWK Set of 1 to 5 public keys, instead of PublicKey.
	JWKS json.RawMessage `json:"jwks,omitempty"`
	// JWKSURI is an https URL where its keys are, instead of registered ones.
	JWKSURI *string `json:"jwks_uri,omitempty"`
	// Metadata is a JSON object of at most 4 KiB that the service keeps and does not
	// look at.
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// ClientPatch is the body of PATCH /api/clients/{id}, a merge (RFC 7396): what is
// absent stays, a list is replaced whole. Only TokenExpiration,
// TokenAlgorithm and members of Metadata may be null. Secrets and keys have routes of their own.
type ClientPatch struct {
	// Name is for people: 1 to 255 characters, none of them control characters.
	Name *string `json:"name,omitempty"`
	// Require lists what the client must present, all of it: never empty, and only what
	// is registered.
	Require List[string] `json:"require,omitempty"`
	// StaticSignature accepts the replayable signature of the original service, from a
	// client with an RSA key.
	StaticSignature *bool `json:"static_signature,omitempty"`
	// Enabled is false for a client that gets no token.
	Enabled *bool `json:"enabled,omitempty"`
	// Permissions are RFC 6749 scope-tokens, of at most 4096 characters together.
	Permissions *List[string] `json:"permissions,omitempty"`
	// Roles are names of roles.
	Roles *List[string] `json:"roles,omitempty"`
	// Audiences are those for which the client may have tokens; ["*"] is any.
	Audiences *List[string] `json:"audiences,omitempty"`
	// TokenExpiration is the lifetime of its tokens in seconds; null is as configured.
	TokenExpiration *Nullable[int64] `json:"token_expiration,omitempty"`
	// TokenAlgorithm signs its tokens where their audience says nothing of it; null is
	// the default key's.
	TokenAlgorithm *Nullable[string] `json:"token_algorithm,omitempty"`
	// AuthMethod is the one way in which it may prove itself at /oauth2; null is any that
	// presents what it requires.
	AuthMethod *Nullable[string] `json:"token_endpoint_auth_method,omitempty"`
	// AssertionAlgorithm is the one algorithm of its assertions; null is any that fits a key.
	AssertionAlgorithm *Nullable[string] `json:"token_endpoint_auth_signing_alg,omitempty"`
	// AssertionAudience is "issuer" or "token_endpoint".
	AssertionAudience string `json:"assertion_audience,omitempty"`
	// JWKS is a JWK Set of at most 5 public keys, which are all that it has from then on.
	JWKS json.RawMessage `json:"jwks,omitempty"`
	// JWKSURI is an https URL where its keys are, instead of registered ones; null is nowhere.
	JWKSURI *Nullable[string] `json:"jwks_uri,omitempty"`
	// Metadata is merged member by member; null removes one.
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// CreateSecretRequest is the body of POST /api/clients/{id}/secrets.
type CreateSecretRequest struct {
	// ClientSecret is one that the caller chooses, of 16 to 512 characters; a client
	// has at most one such. Where it is absent one is generated.
	ClientSecret string `json:"client_secret,omitempty"`
	// Label is for people: at most 255 characters.
	Label string `json:"label,omitempty"`
	// ExpiresAt is in the future; where it is absent the secret does not expire.
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// CreateKeyRequest is the body of POST /api/clients/{id}/keys.
type CreateKeyRequest struct {
	// PublicKey is PEM of a SubjectPublicKeyInfo in a string, or a JWK as an object.
	PublicKey json.RawMessage `json:"public_key"`
	// Label is for people: at most 255 characters.
	Label string `json:"label,omitempty"`
}

// CreateRoleRequest is the body of POST /api/roles.
type CreateRoleRequest struct {
	// Name is 1 to 128 of [A-Za-z0-9._:-].
	Name string `json:"name"`
	// Permissions are RFC 6749 scope-tokens, of at most 4096 characters together.
	Permissions List[string] `json:"permissions"`
}

// RolePatch is the body of PATCH /api/roles/{id}: what is absent stays, the list is
// replaced whole.
type RolePatch struct {
	// Name is 1 to 128 of [A-Za-z0-9._:-].
	Name *string `json:"name,omitempty"`
	// Permissions are RFC 6749 scope-tokens, of at most 4096 characters together.
	Permissions *List[string] `json:"permissions,omitempty"`
}

// CreateAudienceRequest is the body of POST /api/audiences.
type CreateAudienceRequest struct {
	// Audience is 1 to 255 printable ASCII characters without space.
	Audience string `json:"audience"`
	// Name is for people: 1 to 255 characters, none of them control characters.
	Name string `json:"name"`
	// Permissions are all that a token for it can carry; null and absent is no limit.
	Permissions *List[string] `json:"permissions,omitempty"`
	// TokenExpiration is the lifetime of such a token in seconds; null and absent is as
	// configured.
	TokenExpiration *int64 `json:"token_expiration,omitempty"`
	// Algorithm signs it; null and absent is the default key's.
	Algorithm *string `json:"algorithm,omitempty"`
	// IntrospectionClient is the client_id of the client that may introspect tokens for it; null
	// and absent is nobody.
	IntrospectionClient *string `json:"introspection_client,omitempty"`
}

// AudiencePatch is the body of PATCH /api/audiences/{id}: what is absent stays, null
// takes a limit away. The audience itself does not change.
type AudiencePatch struct {
	// Name is for people: 1 to 255 characters, none of them control characters.
	Name *string `json:"name,omitempty"`
	// Permissions are all that a token for it can carry; null is no limit.
	Permissions *Nullable[List[string]] `json:"permissions,omitempty"`
	// TokenExpiration is the lifetime of such a token in seconds; null is as configured.
	TokenExpiration *Nullable[int64] `json:"token_expiration,omitempty"`
	// Algorithm signs it; null is the default key's.
	Algorithm *Nullable[string] `json:"algorithm,omitempty"`
	// IntrospectionClient is the client_id of the client that may introspect tokens for it; null
	// is nobody.
	IntrospectionClient *Nullable[string] `json:"introspection_client,omitempty"`
}

// Nullable is a value or null, for members of a patch where null is not the same as
// absent.
type Nullable[T any] struct {
	// Value is nil for null.
	Value *T
}

// MarshalJSON implements json.Marshaler.
func (n Nullable[T]) MarshalJSON() ([]byte, error) { return json.Marshal(n.Value) }
