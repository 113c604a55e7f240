package api

import (
	"bytes"
	"encoding/json"
)

// Discovery is the metadata at /.well-known/openid-configuration and
// /.well-known/oauth-authorization-server (RFC 8414 section 2).
type Discovery struct {
	// Issuer is the "iss" of every token: an http or https URL without query
	// and fragment.
	Issuer string `json:"issuer"`
	// JWKSURI is the URL of the published keys.
	JWKSURI string `json:"jwks_uri"`
	// TokenEndpoint is where machines get tokens; GrantTypesSupported has the one way.
	TokenEndpoint       string       `json:"token_endpoint"`
	GrantTypesSupported List[string] `json:"grant_types_supported"`
	// The methods are those by which clients prove themselves there, the algorithms those of
	// client assertions.
	TokenEndpointAuthMethods    List[string] `json:"token_endpoint_auth_methods_supported"`
	TokenEndpointAuthAlgorithms List[string] `json:"token_endpoint_auth_signing_alg_values_supported"`
	// IntrospectionEndpoint is that of RFC 7662; IntrospectionAlgorithms sign its answers
	// (RFC 9701 section 7).
	IntrospectionEndpoint       string       `json:"introspection_endpoint"`
	IntrospectionAuthMethods    List[string] `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectionAuthAlgorithms List[string] `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	IntrospectionAlgorithms     List[string] `json:"introspection_signing_alg_values_supported"`
	// RevocationEndpoint is that of RFC 7009.
	RevocationEndpoint       string       `json:"revocation_endpoint"`
	RevocationAuthMethods    List[string] `json:"revocation_endpoint_auth_methods_supported"`
	RevocationAuthAlgorithms List[string] `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	// RevocationListURI is the URL of the signed list of revoked tokens, which no standard
	// has a name for.
	RevocationListURI string `json:"revocation_list_uri"`
	// ResponseTypesSupported is required by RFC 8414, and empty while there is
	// no authorization endpoint.
	ResponseTypesSupported List[string] `json:"response_types_supported"`
	// SubjectTypesSupported and IDTokenAlgorithms are required by OpenID Connect Discovery
	// section 3. There are no ID tokens: the algorithms are those of the published keys, with
	// which access tokens are signed.
	SubjectTypesSupported List[string] `json:"subject_types_supported"`
	IDTokenAlgorithms     List[string] `json:"id_token_signing_alg_values_supported"`
}

// JWKS is the answer of GET /.well-known/jwks.json (RFC 7517 section 5).
type JWKS struct {
	// Keys are all keys a verifier needs now or soon: the next, the active and
	// those retired ones under which tokens are still alive.
	Keys List[JWK] `json:"keys"`
}

// JWK is a public key (RFC 7517 section 4). It has no member for a private or
// symmetric parameter (RFC 7518 sections 6.2.2, 6.3.2 and 6.4), so none can be
// published by mistake.
type JWK struct {
	// KeyType is "RSA", "EC" or "OKP".
	KeyType string `json:"kty"`
	// Use is always "sig".
	Use string `json:"use,omitempty"`
	// Algorithm is the one JWS algorithm of the key, such as RS256.
	Algorithm string `json:"alg,omitempty"`
	// KID is the RFC 7638 thumbprint of the key (SHA-256, base64url).
	KID string `json:"kid,omitempty"`
	// N and E are the modulus and the exponent of an RSA key, big-endian in
	// base64url (RFC 7518 section 6.3.1).
	N string `json:"n,omitempty"`
	E string `json:"e,omitempty"`
	// Curve is "P-256" or "P-384" of an EC key, "Ed25519" of an OKP key.
	Curve string `json:"crv,omitempty"`
	// X and Y are the coordinates of an EC key (RFC 7518 section 6.2.1), X
	// alone the public key of an OKP key (RFC 8037 section 2), in base64url.
	X string `json:"x,omitempty"`
	Y string `json:"y,omitempty"`
}

// List is a JSON array. Nil renders as [] and never as null, which strict
// readers of RFC 7517 and RFC 8414 refuse.
type List[T any] []T

// MarshalJSON implements json.Marshaler.
func (l List[T]) MarshalJSON() ([]byte, error) {
	if l == nil {
		return []byte("[]"), nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // the outer encoder decides about that
	if err := enc.Encode([]T(l)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
