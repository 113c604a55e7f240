package api_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/api"
)

func TestWireShapes(t *testing.T) {
	n, s := int64(0), ""
	for name, tc := range map[string]struct {
		value any
		want  string
	}{
		"login":               {api.LoginRequest{Username: "u", Password: "p"}, `{"username":"u","password":"p"}`},
		"login for audience":  {api.LoginRequest{Username: "u", Password: "p", Audience: "a"}, `{"username":"u","password":"p","audience":"a"}`},
		"token by secret":     {api.TokenRequest{ClientID: "c", ClientSecret: "s", Audience: "a"}, `{"client_id":"c","client_secret":"s","audience":"a"}`},
		"token by signature":  {api.TokenRequest{ClientID: "c", Signature: "s", Audience: "a"}, `{"client_id":"c","signature":"s","audience":"a"}`},
		"token response":      {api.TokenResponse{Token: "t", Audience: "a", TokenType: api.TokenTypeBearer, ExpiresIn: 900}, `{"token":"t","audience":"a","token_type":"Bearer","expires_in":900}`},
		"configuration":       {api.Configuration{PublicKey: "p", KID: "k", Algorithm: "RS256", JWTExpiration: 900, JWTIssuer: "i", UpdatedAt: time.Unix(0, 0).UTC()}, `{"public_key":"p","kid":"k","algorithm":"RS256","jwt_expiration":900,"jwt_issuer":"i","jwt_max_refreshes":0,"refresh_grace":0,"session_max_age":0,"key_rotation_interval":0,"updated_at":"1970-01-01T00:00:00Z"}`},
		"session":             {api.SessionResponse{TokenResponse: api.TokenResponse{Token: "t", Audience: "a", TokenType: "Bearer", ExpiresIn: 900}, RefreshToken: "r", RefreshesLeft: &n}, `{"token":"t","audience":"a","token_type":"Bearer","expires_in":900,"refresh_token":"r","refreshes_left":0}`},
		"no session":          {api.SessionResponse{TokenResponse: api.TokenResponse{Token: "t", Audience: "a", TokenType: "Bearer", ExpiresIn: 900}}, `{"token":"t","audience":"a","token_type":"Bearer","expires_in":900}`},
		"refresh":             {api.RefreshRequest{RefreshToken: "r"}, `{"refresh_token":"r"}`},
		"signing key":         {api.SigningKey{KID: "k", Algorithm: "ES256", State: "next", CreatedAt: time.Unix(0, 0).UTC()}, `{"kid":"k","algorithm":"ES256","state":"next","default":false,"quarantined":false,"created_at":"1970-01-01T00:00:00Z","activates_at":null,"superseded_at":null,"retires_at":null}`},
		"activation":          {api.ActivateKeyRequest{}, `{}`},
		"empty update":        {api.ConfigurationUpdate{}, `{}`},
		"update to zero":      {api.ConfigurationUpdate{JWTMaxRefreshes: &n, RefreshGrace: &n, JWTIssuer: &s}, `{"jwt_issuer":"","jwt_max_refreshes":0,"refresh_grace":0}`},
		"update of the key":   {api.ConfigurationUpdate{PrivateKey: &s, PublicKey: &s, JWTExpiration: &n}, `{"private_key":"","public_key":"","jwt_expiration":0}`},
		"problem":             {api.Problem{Type: "about:blank", Title: "Not Found", Status: 404, Code: "not_found", RequestID: "r"}, `{"type":"about:blank","title":"Not Found","status":404,"detail":"","code":"not_found","request_id":"r"}`},
		"problem with fields": {api.Problem{Errors: []api.ProblemField{{Loc: []string{"body", "m"}, Msg: "is required", Type: "missing"}}}, `{"type":"","title":"","status":0,"detail":"","code":"","request_id":"","errors":[{"loc":["body","m"],"msg":"is required","type":"missing"}]}`},
		"discovery":           {api.Discovery{Issuer: "i", JWKSURI: "j"}, `{"issuer":"i","jwks_uri":"j","token_endpoint":"","grant_types_supported":[],"token_endpoint_auth_methods_supported":[],"token_endpoint_auth_signing_alg_values_supported":[],"introspection_endpoint":"","introspection_endpoint_auth_methods_supported":[],"introspection_endpoint_auth_signing_alg_values_supported":[],"introspection_signing_alg_values_supported":[],"revocation_endpoint":"","revocation_endpoint_auth_methods_supported":[],"revocation_endpoint_auth_signing_alg_values_supported":[],"revocation_list_uri":"","response_types_supported":[],"subject_types_supported":[],"id_token_signing_alg_values_supported":[]}`},
		"no keys":             {api.JWKS{}, `{"keys":[]}`},
		"keys":                {api.JWKS{Keys: api.List[api.JWK]{{KeyType: "OKP", Use: "sig", Algorithm: "EdDSA", KID: "k", Curve: "Ed25519", X: "x"}}}, `{"keys":[{"kty":"OKP","use":"sig","alg":"EdDSA","kid":"k","crv":"Ed25519","x":"x"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(tc.value)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// A private key that is read as a JWK loses everything but its public half.
func TestJWKHasNoPrivateMembers(t *testing.T) {
	const private = `{"kty":"RSA","kid":"k","n":"n","e":"AQAB","d":"canary","p":"canary","q":"canary","dp":"canary","dq":"canary","qi":"canary","oth":["canary"],"k":"canary"}`
	var key api.JWK
	if err := json.Unmarshal([]byte(private), &key); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(api.JWKS{Keys: api.List[api.JWK]{key}})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"keys":[{"kty":"RSA","kid":"k","n":"n","e":"AQAB"}]}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A list leaves the choice about HTML escaping to the encoder around it.
func TestListEscaping(t *testing.T) {
	list := api.List[string]{"a&b<c>"}
	var plain bytes.Buffer
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(list); err != nil {
		t.Fatal(err)
	}
	if want := "[\"a&b<c>\"]\n"; plain.String() != want {
		t.Errorf("without escaping: got %q, want %q", plain.String(), want)
	}
	escaped, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	if want := `["a\u0026b\u003cc\u003e"]`; string(escaped) != want {
		t.Errorf("with escaping: got %s, want %s", escaped, want)
	}
}
