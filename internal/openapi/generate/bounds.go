package main

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/doctor"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// bound narrows the schema of a member.
type bound func(*huma.Schema)

// Patterns, in the syntax that Go and ECMA-262 share.
const (
	printable  = `^[!-~]+$`
	scopeToken = `^[!#-\[\]-~]+$` // RFC 6749 section 3.3
	clientID   = `^[A-Za-z0-9._~-]+$`
	roleName   = `^[A-Za-z0-9._:-]+$`
	noControl  = `^[^\x00-\x1f\x7f]+$`
	requestID  = `^[A-Za-z0-9._-]+$`
	thumbprint = `^[A-Za-z0-9_-]{43}$` // RFC 7638 with SHA-256
	compactJWS = `^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`
	base64url  = `^[A-Za-z0-9_-]+$`
)

// bounds are those of members of this name, wherever they are, or of a member of one
// type: what the contract says and package identity checks.
var bounds = map[string]bound{
	"audience":           text(1, 255, printable),
	"jwt_issuer":         text(1, 255, printable),
	"issuer":             text(1, 255, printable),
	"jwt_expiration":     seconds(identity.MinExpiration.Seconds(), identity.MaxExpiration.Seconds()),
	"jwt_max_refreshes":  number(0, identity.MaxMaxRefreshes),
	"refresh_grace":      seconds(0, identity.MaxRefreshGrace.Seconds()),
	"token_expiration":   seconds(identity.MinExpiration.Seconds(), identity.MaxExpiration.Seconds()),
	"expires_in":         seconds(1, identity.MaxExpiration.Seconds()),
	"permissions":        items(text(1, 128, scopeToken)),
	"audiences":          items(text(1, 255, printable)),
	"roles":              items(text(1, 128, roleName)),
	"require":            some(oneOf("secret", "signature")),
	"client_id":          text(1, 128, clientID),
	"username":           text(1, 255, ""),
	"name":               text(1, 255, noControl),
	"label":              text(0, 255, ""),
	"id":                 text(1, 128, ""),
	"kid":                text(43, 43, thumbprint),
	"token":              text(1, 0, compactJWS),
	"token_type":         constant("Bearer"),
	"Discovery.jwks_uri": isURI,
	"request_id":         text(1, 128, requestID),

	"CreateUserRequest.password":                     password,
	"UserPatch.password":                             password,
	"PasswordRequest.new_password":                   password,
	"CreateUserRequest.password_hash":                both(text(1, 0, ""), writeOnly),
	"CreateClientRequest.client_secret":              chosenSecret,
	"CreateSecretRequest.client_secret":              chosenSecret,
	"CreateClientRequest.public_key":                 publicKey,
	"CreateKeyRequest.public_key":                    publicKey,
	"CreateClientRequest.token_expiration":           orNull,
	"Client.token_algorithm":                         algorithm,
	"CreateClientRequest.token_algorithm":            both(algorithm, orNull),
	"ClientPatch.token_algorithm":                    algorithm,
	"CreateUserRequest.enabled":                      byDefault(true),
	"CreateClientRequest.enabled":                    byDefault(true),
	"CreateUserRequest.one_time":                     byDefault(false),
	"CreateClientRequest.static_signature":           byDefault(false),
	"ConfigurationUpdate.private_key":                both(text(1, 0, ""), writeOnly),
	"ConfigurationUpdate.public_key":                 text(1, 0, ""),
	"Configuration.algorithm":                        algorithm,
	"ClientKey.algorithm":                            oneOf(words(jose.AssertionAlgorithms())...),
	"Role.name":                                      text(1, 128, roleName),
	"Throttle.name":                                  text(0, 255, ""), // empty where nobody has it
	"CreateRoleRequest.name":                         text(1, 128, roleName),
	"RolePatch.name":                                 text(1, 128, roleName),
	"Audience.algorithm":                             algorithm,
	"CreateAudienceRequest.algorithm":                both(algorithm, orNull),
	"AudiencePatch.algorithm":                        algorithm,
	"CreateAudienceRequest.permissions":              orNull,
	"CreateAudienceRequest.token_expiration":         orNull,
	"JWK.kty":                                        oneOf("RSA", "EC", "OKP"),
	"JWK.use":                                        constant("sig"),
	"JWK.alg":                                        algorithm,
	"JWK.crv":                                        oneOf("P-256", "P-384", "Ed25519"),
	"JWK.n":                                          text(1, 0, base64url),
	"JWK.e":                                          text(1, 0, base64url),
	"JWK.x":                                          text(1, 0, base64url),
	"JWK.y":                                          text(1, 0, base64url),
	"DeclaredAudience.token_expiration":              number(0, identity.MaxExpiration.Seconds()),
	"DeclaredClient.token_expiration":                number(0, identity.MaxExpiration.Seconds()),
	"Declaration.version":                            number(1, 1),
	"PlannedChange.action":                           oneOf("create", "update", "delete"),
	"PlannedChange.kind":                             oneOf("configuration", "role", "audience", "client", "user"),
	"PlannedChange.name":                             text(0, 255, ""),
	"MustMake.kind":                                  oneOf("client_secret", "password"),
	"Finding.id":                                     text(1, 64, `^[a-z_]+\.[a-z_]+$`),
	"Finding.severity":                               oneOf(string(doctor.Care), string(doctor.Note)),
	"SettingValue.origin":                            oneOf(doctor.OriginEnvironment, doctor.OriginFile, doctor.OriginStored, doctor.OriginDefault),
	"LeakRequest.found":                              both(text(1, 16<<10, ""), writeOnly),
	"LeakRequest.revoke":                             byDefault(false),
	"Leak.kind":                                      oneOf(admin.LeakKinds()...),
	"Leak.id":                                        text(0, 128, ""),
	"LeakOwner.type":                                 oneOf("user", "client"),
	"LeakUse.outcome":                                oneOf("success", "failure"),
	"Event.outcome":                                  oneOf("success", "failure"),
	"Event.event":                                    text(1, 0, `^[a-z_]+(\.[a-z_]+)+$`),
	"Client.token_endpoint_auth_method":              authMethod,
	"CreateClientRequest.token_endpoint_auth_method": both(authMethod, orNull),
	"ClientPatch.token_endpoint_auth_method":         authMethod,
	"DeclaredClient.token_endpoint_auth_method":      authMethod,
	"Client.token_endpoint_auth_signing_alg":         assertionAlgorithm,
	"CreateClientRequest.token_endpoint_auth_signing_alg": both(assertionAlgorithm, orNull),
	"ClientPatch.token_endpoint_auth_signing_alg":         assertionAlgorithm,
	"DeclaredClient.token_endpoint_auth_signing_alg":      assertionAlgorithm,
	"assertion_audience":                                  oneOf("issuer", "token_endpoint"),
	"Client.jwks_uri":                                     jwksURI,
	"CreateClientRequest.jwks_uri":                        both(jwksURI, orNull),
	"ClientPatch.jwks_uri":                                jwksURI,
	"DeclaredClient.jwks_uri":                             jwksURI,
	"Audience.introspection_client":                       text(1, 128, clientID),
	"CreateAudienceRequest.introspection_client":          both(text(1, 128, clientID), orNull),
	"AudiencePatch.introspection_client":                  text(1, 128, clientID),
	"DeclaredAudience.introspection_client":               text(1, 128, clientID),
	"RevokeRequest.kind":                                  oneOf(revocationKinds()...),
	"RevokeRequest.value":                                 text(1, 255, ""),
	"Revocation.kind":                                     oneOf(revocationKinds()...),
	"Revocation.value":                                    text(1, 255, ""),
	"OAuthTokenRequest.grant_type":                        constant("client_credentials"),
	"OAuthTokenRequest.audience":                          items(text(1, 255, printable)),
	"OAuthTokenRequest.resource":                          items(both(text(1, 255, printable), isURI)),
	"OAuthTokenRequest.client_assertion_type":             constant("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
	"OAuthTokenForm.client_assertion_type":                constant("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
	"OAuthTokenForm.token":                                both(text(1, 0, ""), writeOnly),
	"OAuthTokenResponse.access_token":                     text(1, 0, compactJWS),
	"Introspection.token_type":                            constant("Bearer"),
	"Introspection.aud":                                   some(text(1, 255, printable)),
	"OAuthError.error":                                    oneOf(oauthErrors...),
	"OAuthError.error_description":                        text(1, 0, `^[ !#-\[\]-~]+$`),
	"Discovery.revocation_list_uri":                       isURI,
	"Discovery.token_endpoint":                            isURI,
	"Discovery.introspection_endpoint":                    isURI,
	"Discovery.revocation_endpoint":                       isURI,
	"Problem.type":                                        constant("about:blank"),
	"Problem.status":                                      number(400, 599),
	"Problem.code":                                        oneOf(codes()...),
	"ProblemField.type":                                   oneOf("missing", "unknown", "wrong_type", "invalid_value"),
	"ProblemField.loc":                                    some(nil),
	"Health.status":                                       oneOf("alive", "ready"),
}

// unbound are the members that may hold anything: at the door every wrong proof is
// refused in the same way.
var unbound = []string{
	"LoginRequest.username", "PasswordRequest.username", "TokenRequest.client_id", "Event.request_id",
}

// refinements say what no member alone can.
var refinements = map[string]func(*huma.Schema){
	"CreateUserRequest": func(s *huma.Schema) {
		s.OneOf = []*huma.Schema{{Required: []string{"password"}}, {Required: []string{"password_hash"}}}
	},
	"OAuthTokenRequest": anyOther,
	"OAuthTokenForm":    anyOther,
	"Event": func(s *huma.Schema) {
		detail := s.Properties["detail"]
		detail.Properties, detail.AdditionalProperties = eventDetail(), false
	},
}

// eventDetail are the members of an event's detail: api.EventDetail says what they are.
func eventDetail() map[string]*huma.Schema {
	members := map[string]*huma.Schema{}
	for field := range reflect.TypeFor[api.EventDetail]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		schema := &huma.Schema{Type: huma.TypeString}
		switch field.Type {
		case reflect.TypeFor[json.RawMessage]():
			schema.Type = huma.TypeObject
		case reflect.TypeFor[int](), reflect.TypeFor[int64]():
			schema.Type = huma.TypeInteger
		case reflect.TypeFor[*time.Time]():
			schema.Format = "date-time"
		}
		members[name] = schema
	}
	return members
}

func text(least, most int, pattern string) bound {
	return func(s *huma.Schema) {
		s.MinLength, s.MaxLength, s.Pattern = nil, nil, pattern
		if least > 0 {
			s.MinLength = &least
		}
		if most > 0 {
			s.MaxLength = &most
		}
	}
}

func number(least, most float64) bound {
	return func(s *huma.Schema) { s.Minimum, s.Maximum = &least, &most }
}

func seconds(least, most float64) bound { return number(least, most) }

func items(b bound) bound { return func(s *huma.Schema) { b(s.Items) } }

// some is a list that is not empty. It is a set: to repeat an item is no fault.
func some(b bound) bound {
	least := 1
	return func(s *huma.Schema) {
		s.MinItems = &least
		if b != nil {
			b(s.Items)
		}
	}
}

func oneOf(values ...string) bound {
	return func(s *huma.Schema) {
		s.Enum = nil
		for _, v := range values {
			s.Enum = append(s.Enum, v)
		}
		if s.Nullable {
			s.Enum = append(s.Enum, nil)
		}
	}
}

func constant(value string) bound { return func(s *huma.Schema) { s.Const = value } }

func isURI(s *huma.Schema) { s.Format = "uri" }

func byDefault(value any) bound { return func(s *huma.Schema) { s.Default = value } }

func both(first, second bound) bound {
	return func(s *huma.Schema) { first(s); second(s) }
}

// orNull lets null mean the same as absent.
func orNull(s *huma.Schema) {
	s.Nullable = true
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, nil) {
		s.Enum = append(s.Enum, nil)
	}
}

func writeOnly(s *huma.Schema) { s.WriteOnly = true }

func password(s *huma.Schema) {
	text(8, 1024, "")(s)
	s.Format = "password"
	s.WriteOnly = true
}

func chosenSecret(s *huma.Schema) {
	text(16, 512, "")(s)
	s.Not = &huma.Schema{Pattern: "^ids_"}
}

func publicKey(s *huma.Schema) {
	s.Type = ""
	s.AnyOf = []*huma.Schema{{Type: huma.TypeString}, {Type: huma.TypeObject}}
}

func algorithm(s *huma.Schema) { oneOf(words(jose.SigningAlgorithms())...)(s) }

func words(list []jose.Algorithm) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = string(a)
	}
	return out
}

// kinds are all kinds of failure that package identity knows.
func kinds() []identity.Kind {
	list := []identity.Kind{identity.Internal}
	for k := identity.Internal + 1; k.String() != identity.Internal.String(); k++ {
		list = append(list, k)
	}
	return list
}

func codes() []string {
	var list []string
	for _, k := range kinds() {
		if !slices.Contains([]identity.Kind{identity.InvalidScope, identity.UnauthorizedClient, identity.UnsupportedGrantType, identity.UnsupportedTokenType}, k) {
			list = append(list, k.String()) // those are of /oauth2 alone
		}
	}
	return list
}

func authMethod(s *huma.Schema) {
	var methods []string
	for _, m := range identity.AuthMethods() {
		methods = append(methods, string(m))
	}
	oneOf(methods...)(s)
}

func assertionAlgorithm(s *huma.Schema) { oneOf(words(jose.AssertionAlgorithms())...)(s) }

func jwksURI(s *huma.Schema) { both(text(1, 2000, ""), isURI)(s) }

func revocationKinds() []string {
	var kinds []string
	for _, k := range identity.RevocationKinds() {
		kinds = append(kinds, string(k))
	}
	return kinds
}
