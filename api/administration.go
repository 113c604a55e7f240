package api

import (
	"encoding/json"
	"time"
)

// Page is a page of a list.
type Page[T any] struct {
	Data List[T] `json:"data"`
	// NextCursor, unless null, is the cursor parameter that gives the next page.
	NextCursor *string `json:"next_cursor"`
}

// User is a person, as administration shows them. The password is write-only.
type User struct {
	ID string `json:"id"`
	// Username is in canonical form (PRECIS UsernameCaseMapped, RFC 8265).
	Username string `json:"username"`
	Enabled  bool   `json:"enabled"`
	// Permissions are those given directly: RFC 6749 scope-tokens, sorted.
	Permissions List[string] `json:"permissions"`
	// Roles are names of roles, whose permissions come on top.
	Roles List[string] `json:"roles"`
	// Audiences are those for which the user may have tokens; ["*"] is any.
	Audiences List[string] `json:"audiences"`
	// Metadata is a JSON object of at most 4 KiB that the service keeps and does
	// not look at.
	Metadata json.RawMessage `json:"metadata"`
	// OneTime reports whether the password must be changed before it gives a token.
	OneTime   bool      `json:"one_time"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	// LastLoginAt is a few seconds late, and null before the first login.
	LastLoginAt *time.Time `json:"last_login_at"`
}

// Client is a machine, as administration shows it.
type Client struct {
	ClientID string `json:"client_id"`
	Name     string `json:"name"`
	Enabled  bool   `json:"enabled"`
	// Require lists what it must present, all of it: "secret", "signature".
	Require List[string] `json:"require"`
	// StaticSignature reports whether the replayable signature of the original
	// service is accepted.
	StaticSignature bool         `json:"static_signature"`
	Permissions     List[string] `json:"permissions"`
	Roles           List[string] `json:"roles"`
	Audiences       List[string] `json:"audiences"`
	// TokenExpiration is the lifetime of its tokens in seconds, 30 to 2592000;
	// null is as configured.
	TokenExpiration *int64 `json:"token_expiration"`
	// TokenAlgorithm signs its tokens where their audience says nothing of it; null is
	// the default key's.
	TokenAlgorithm *string `json:"token_algorithm"`
	// AuthMethod is the one way in which it may prove itself at /oauth2 (RFC 7591 section 2);
	// null is any that presents what it requires.
	AuthMethod *string `json:"token_endpoint_auth_method"`
	// AssertionAlgorithm is the one algorithm of its assertions; null is any that fits a key.
	AssertionAlgorithm *string `json:"token_endpoint_auth_signing_alg"`
	// AssertionAudience is what its assertions may be for: "issuer", or "token_endpoint" for
	// that or the URL of the token endpoint, which some libraries send.
	AssertionAudience string `json:"assertion_audience"`
	// JWKSURI is where its keys are; null for those that are registered.
	JWKSURI   *string            `json:"jwks_uri"`
	Metadata  json.RawMessage    `json:"metadata"`
	Secrets   List[ClientSecret] `json:"secrets"`
	Keys      List[ClientKey]    `json:"keys"`
	CreatedAt time.Time          `json:"created_at"`
	UpdatedAt time.Time          `json:"updated_at"`
}

// CreatedClient is the answer to making a client: with its secret, if it has one,
// which is shown this once.
type CreatedClient struct {
	Client
	ClientSecret string `json:"client_secret,omitempty"`
}

// ClientSecret names one of a client's secrets; nobody can read it again.
type ClientSecret struct {
	// ID is the 8 characters that stand in a generated secret.
	ID        string    `json:"id"`
	Label     string    `json:"label"`
	CreatedAt time.Time `json:"created_at"`
	// ExpiresAt is null for one that does not expire.
	ExpiresAt *time.Time `json:"expires_at"`
	// LastUsedAt is a few seconds late, and null before the first use.
	LastUsedAt *time.Time `json:"last_used_at"`
}

// CreatedSecret is the answer to making a secret, which is shown this once.
type CreatedSecret struct {
	ClientSecret
	// Secret is absent where the request was done before (Idempotency-Key).
	Secret string `json:"client_secret,omitempty"`
}

// ClientKey is one of a client's public keys.
type ClientKey struct {
	ID string `json:"id"`
	// KID is the RFC 7638 thumbprint, which an assertion may name.
	KID string `json:"kid"`
	// Algorithm is the one to which the key is bound by its JWK, or the first
	// that fits it.
	Algorithm  string     `json:"algorithm"`
	Label      string     `json:"label"`
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
}

// Role is a named set of permissions.
type Role struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Permissions List[string] `json:"permissions"`
	CreatedAt   time.Time    `json:"created_at"`
	UpdatedAt   time.Time    `json:"updated_at"`
}

// Audience is what the register says of tokens for an audience.
type Audience struct {
	ID       string `json:"id"`
	Audience string `json:"audience"`
	Name     string `json:"name"`
	// Permissions are all that a token for it can carry; null is no limit.
	Permissions *List[string] `json:"permissions"`
	// TokenExpiration is the lifetime of such a token in seconds; null is as
	// configured.
	TokenExpiration *int64 `json:"token_expiration"`
	// Algorithm signs it; null is the default key's.
	Algorithm *string `json:"algorithm"`
	// IntrospectionClient is the client that may introspect tokens for it; null is nobody.
	IntrospectionClient *string   `json:"introspection_client"`
	CreatedAt           time.Time `json:"created_at"`
	UpdatedAt           time.Time `json:"updated_at"`
}

// Event is one entry of the audit.
type Event struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
	// Event is the kind of thing and what happened to it, such as "user.created".
	Event string `json:"event"`
	// Outcome is "success" or "failure".
	Outcome string `json:"outcome"`
	// Actor is the id of who did it, or "system:…" for somebody local; of a refusal who was
	// refused, as far as there is somebody.
	Actor string `json:"actor"`
	// Target is the id of what it was done to.
	Target    string `json:"target"`
	IP        string `json:"ip"`
	RequestID string `json:"request_id"`
	// Detail is an EventDetail: of a change "before" and "after", with secrets "[redacted]";
	// of other events the rest, as far as it is known.
	Detail json.RawMessage `json:"detail"`
}

// EventDetail is what the detail of an Event has.
type EventDetail struct {
	// Before and After are what differs.
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
	// Check is the stable name of the check that failed, and Reason what was found, in plain
	// words; docs/why.md lists the checks.
	Check  string `json:"check,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Code and Status are what the caller was told, Method and Route what they asked for.
	Code   string `json:"code,omitempty"`
	Status int    `json:"status,omitempty"`
	Method string `json:"method,omitempty"`
	Route  string `json:"route,omitempty"`
	// Audience is that of the token.
	Audience string `json:"audience,omitempty"`
	// Credential is the id of the secret or key, and Key that of the key where there was a
	// secret too.
	Credential string `json:"credential,omitempty"`
	Key        string `json:"key,omitempty"`
	// EndedBy is what ended a session.
	EndedBy string `json:"ended_by,omitempty"`
	// Facts are what was compared: times as RFC 3339, lengths of time in seconds.
	Facts json.RawMessage `json:"facts,omitempty"`
	// Network is where refusals came from that share an event.
	Network string `json:"network,omitempty"`
	// Count is how many are in this event, where that is more than one, from First to Last.
	Count int64      `json:"count,omitempty"`
	First *time.Time `json:"first,omitempty"`
	Last  *time.Time `json:"last,omitempty"`
}
