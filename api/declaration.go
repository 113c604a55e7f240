package api

import "encoding/json"

// Declaration says how an installation is to be, without secrets. What an entry does not say
// is the default, and a section that is not there is left alone.
type Declaration struct {
	// Version is 1.
	Version       int64                  `json:"version"`
	Configuration *DeclaredConfiguration `json:"configuration,omitempty"`
	Roles         *[]DeclaredRole        `json:"roles,omitempty"`
	Audiences     *[]DeclaredAudience    `json:"audiences,omitempty"`
	Clients       *[]DeclaredClient      `json:"clients,omitempty"`
	Users         *[]DeclaredUser        `json:"users,omitempty"`
}

// DeclaredConfiguration is the configuration; what is absent is left alone.
type DeclaredConfiguration struct {
	JWTIssuer           *string `json:"jwt_issuer,omitempty"`
	JWTExpiration       *int64  `json:"jwt_expiration,omitempty"`
	JWTMaxRefreshes     *int64  `json:"jwt_max_refreshes,omitempty"`
	RefreshGrace        *int64  `json:"refresh_grace,omitempty"`
	SessionMaxAge       *int64  `json:"session_max_age,omitempty"`
	KeyRotationInterval *int64  `json:"key_rotation_interval,omitempty"`
}

// DeclaredRole is a role.
type DeclaredRole struct {
	Name        string   `json:"name"`
	Permissions []string `json:"permissions,omitempty"`
}

// DeclaredAudience is what the register says of an audience.
type DeclaredAudience struct {
	Audience string `json:"audience"`
	Name     string `json:"name"`
	// Permissions absent is no limit; an empty list is none at all.
	Permissions *[]string `json:"permissions,omitempty"`
	// TokenExpiration is in seconds; absent is as configured.
	TokenExpiration int64 `json:"token_expiration,omitempty"`
	// Algorithm absent is the default key's.
	Algorithm string `json:"algorithm,omitempty"`
	// IntrospectionClient absent is nobody.
	IntrospectionClient string `json:"introspection_client,omitempty"`
}

// DeclaredClient is a client with its public keys. Its secrets are made for themselves.
type DeclaredClient struct {
	ClientID string `json:"client_id"`
	Name     string `json:"name"`
	// Enabled absent is true.
	Enabled *bool `json:"enabled,omitempty"`
	// Require absent is "signature" for a client with keys, and "secret" for one without.
	Require         []string `json:"require,omitempty"`
	StaticSignature bool     `json:"static_signature,omitempty"`
	Permissions     []string `json:"permissions,omitempty"`
	Roles           []string `json:"roles,omitempty"`
	// Audiences absent is any.
	Audiences       *[]string `json:"audiences,omitempty"`
	TokenExpiration int64     `json:"token_expiration,omitempty"`
	TokenAlgorithm  string    `json:"token_algorithm,omitempty"`
	// AuthMethod and AssertionAlgorithm absent are any, AssertionAudience absent is "issuer".
	AuthMethod         string `json:"token_endpoint_auth_method,omitempty"`
	AssertionAlgorithm string `json:"token_endpoint_auth_signing_alg,omitempty"`
	AssertionAudience  string `json:"assertion_audience,omitempty"`
	// JWKSURI is where its keys are, instead of Keys.
	JWKSURI  string          `json:"jwks_uri,omitempty"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
	Keys     []DeclaredKey   `json:"keys,omitempty"`
}

// DeclaredKey is a public key of a client. The label is what it gets when it is registered.
type DeclaredKey struct {
	// PublicKey is PEM (SPKI) in a string, or a JWK.
	PublicKey json.RawMessage `json:"public_key"`
	Label     string          `json:"label,omitempty"`
}

// DeclaredUser is a user. The password is set for itself.
type DeclaredUser struct {
	Username string `json:"username"`
	// Enabled absent is true.
	Enabled     *bool    `json:"enabled,omitempty"`
	Permissions []string `json:"permissions,omitempty"`
	Roles       []string `json:"roles,omitempty"`
	// Audiences absent is any.
	Audiences *[]string       `json:"audiences,omitempty"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
}

// Plan is what a declaration changes, or has changed.
type Plan struct {
	Changes List[PlannedChange] `json:"changes"`
	// MustMake is what a declaration cannot hold, and what is missing now.
	MustMake List[MustMake] `json:"must_make"`
	// Applied reports whether it was done: false for a dry run, and where there was nothing to
	// do.
	Applied bool `json:"applied"`
}

// PlannedChange is one thing that is created, updated or deleted.
type PlannedChange struct {
	// Action is "create", "update" or "delete".
	Action string `json:"action"`
	// Kind is "configuration", "role", "audience", "client" or "user", and Name which; empty for
	// the configuration.
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Before and After have the members that differ; Before has none of what is created, and
	// After none of what is deleted.
	Before map[string]json.RawMessage `json:"before"`
	After  map[string]json.RawMessage `json:"after"`
}

// MustMake is a secret or password that is missing.
type MustMake struct {
	// Kind is "client_secret" or "password", and Name whose.
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Command makes it.
	Command string `json:"command"`
}
