package main

import (
	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

// What stands in examples. None of it works anywhere.
const (
	exampleToken = "eyJhbGciOiJFUzI1NiIsImtpZCI6IkQ3eEwwd2xJZDV6azR4SUl3TmtZN1R6b1RqTlU5dWZJbWpPSkxxTTJsVzQiLCJ0eXAiOiJhdCtqd3QifQ" +
		".eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tIiwic3ViIjoiYmlsbGluZyIsImF1ZCI6Im9yZGVycy1hcGkifQ" +
		".MEUCIQDc0x3v2l7cV8uKcZrYq3s8m6m0N4xk3pYkq1d1bXw5LQIgT0d5"
	exampleAssertion = "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9" +
		".eyJpc3MiOiJiaWxsaW5nIiwic3ViIjoiYmlsbGluZyIsImF1ZCI6Imh0dHBzOi8vaWQuZXhhbXBsZS5jb20iLCJqdGkiOiI0ZjE3In0" +
		".c2lnbmF0dXJlLW9mLWFuLWV4YW1wbGUtd2hpY2gtdmVyaWZpZXMtbm93aGVyZS1hdC1hbGw"
	exampleStatic = "c3RhdGljIHNpZ25hdHVyZSBvdmVyIHRoZSBieXRlcyBvZiB0aGUgY2xpZW50X2lk"
	exampleSecret = "ids_8h2k4m6q_dGhpcyBpcyBhbiBleGFtcGxlIG9mIGEgc2VjcmV0IGFAbA"
	exampleIssuer = "https://id.example.com"
	exampleKID    = "D7xL0wlId5zk4xIIwNkY7TzoTjNU9ufImjOJLqM2lW4"
	exampleTime   = "2026-01-02T03:04:05Z"
)

func (d *document) authentication() {
	issued := func(audience string, seconds int64) []example {
		return []example{{"token", "A token for " + audience, api.TokenResponse{
			Token: exampleToken, Audience: audience, TokenType: api.TokenTypeBearer, ExpiresIn: seconds,
		}}}
	}
	common := []identity.Kind{
		identity.InvalidJSON, identity.InvalidCredentials, identity.PayloadTooLarge, identity.UnsupportedMediaType,
		identity.InvalidRequest, identity.RateLimited, identity.Unavailable,
	}
	d.add(operation{
		method: "POST", path: "/auth/login", id: "login", tag: "Authentication", summary: "A person gets a token",
		text: "Any wrong, missing or unusable proof is answered with the same 401, whoever it names, and too many of them with the same 429.\n\n" +
			"Without `audience` the token is for this service itself. It comes with a refresh token unless `jwt_max_refreshes` is 0.",
		body: api.LoginRequest{},
		examples: []example{
			{"password", "A password, for an audience", api.LoginRequest{Username: "ada", Password: "correct horse battery staple", Audience: "orders-api"}},
			{"this-service", "A password, for this service itself", api.LoginRequest{Username: "admin", Password: "correct horse battery staple"}},
		},
		success: []answer{{status: 200, text: "The person is who they say, and this is their token.", body: api.SessionResponse{}, examples: session("orders-api", 100)}},
		fails:   append(common, identity.InvalidAudience, identity.PasswordChangeRequired),
	})
	d.add(operation{
		method: "POST", path: "/auth/token", id: "issueToken", tag: "Authentication", summary: "A machine gets a token",
		text: "What must be presented is what the client's registration requires: a secret, a signature, or both. " +
			"A proof that is not required is not looked at.\n\n" +
			"`signature` is a client assertion (RFC 7523 section 3), a compact JWS whose `iss` and `sub` are the client_id and whose `aud` is the issuer, with `exp` at most 300 s ahead " +
			"and a `jti` that works once. Clients with `static_signature` may send padded base64 of an RSASSA-PSS signature (SHA-256) over the bytes of their client_id instead.",
		body: api.TokenRequest{},
		examples: []example{
			{"secret", "A secret", api.TokenRequest{ClientID: "billing", ClientSecret: exampleSecret, Audience: "orders-api"}},
			{"signature", "A signature: a client assertion", api.TokenRequest{ClientID: "billing", Signature: exampleAssertion, Audience: "orders-api"}},
			{"static-signature", "A signature: the static form of the original service", api.TokenRequest{ClientID: "billing", Signature: exampleStatic, Audience: "orders-api"}},
			{"both", "A secret and a signature", api.TokenRequest{ClientID: "billing", ClientSecret: exampleSecret, Signature: exampleAssertion, Audience: "orders-api"}},
			{"this-service", "For this service itself: the audience is the issuer", api.TokenRequest{ClientID: "billing", ClientSecret: exampleSecret, Audience: exampleIssuer}},
		},
		success: []answer{{status: 200, text: "The machine is the one it says, and this is its token.", body: api.TokenResponse{}, examples: issued("orders-api", 900)}},
		fails:   append(common, identity.InvalidAudience),
	})
	d.add(operation{
		method: "POST", path: "/auth/password", id: "changePassword", tag: "Authentication", summary: "A person sets another password",
		text: "Also for a password that was marked as one-time, whose mark it takes away.",
		body: api.PasswordRequest{},
		examples: []example{{"password", "A new password", api.PasswordRequest{
			Username: "ada", Password: "correct horse battery staple", NewPassword: "nine quiet rivers of copper",
		}}},
		success: []answer{{status: 204, text: "The new password holds."}},
		fails:   common,
	})
}

func (d *document) keys() {
	common := []identity.Kind{identity.InvalidRequest, identity.Unavailable}
	d.add(operation{
		method: "GET", path: "/.well-known/jwks.json", id: "getKeys", tag: "Keys and discovery", summary: "The published keys (RFC 7517)",
		text:       "Also served under the issuer's path.",
		parameters: parameters(ifNoneMatch()),
		success: []answer{
			{status: 200, text: "Every key that a verifier needs now or soon.", body: api.JWKS{}, headers: []string{"ETag"}, examples: []example{{"keys", "One key", api.JWKS{Keys: api.List[api.JWK]{{
				KeyType: "EC", Use: "sig", Algorithm: "ES256", KID: exampleKID, Curve: "P-256",
				X: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", Y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
			}}}}}},
			{status: 304, text: "The caller has them already.", headers: []string{"ETag"}},
		},
		fails: common,
	})
	metadata := answer{status: 200, text: "The metadata.", body: api.Discovery{}, examples: []example{{"metadata", "An issuer without a path", api.Discovery{
		Issuer: exampleIssuer, JWKSURI: exampleIssuer + "/.well-known/jwks.json", RevocationListURI: exampleIssuer + "/.well-known/revocation-list",
		TokenEndpoint: exampleIssuer + "/oauth2/token", IntrospectionEndpoint: exampleIssuer + "/oauth2/introspect", RevocationEndpoint: exampleIssuer + "/oauth2/revoke",
		GrantTypesSupported: []string{"client_credentials"}, SubjectTypesSupported: []string{"public"}, IDTokenAlgorithms: []string{"ES256"},
	}}}}
	for _, o := range []operation{
		{path: "/.well-known/openid-configuration", id: "getOpenIDConfiguration", summary: "Metadata, where OpenID Connect Discovery puts them"},
		{path: "/.well-known/oauth-authorization-server", id: "getAuthorizationServerMetadata", summary: "Metadata, where RFC 8414 puts them"},
	} {
		o.method, o.tag, o.success, o.fails = "GET", "Keys and discovery", []answer{metadata}, append(common, identity.NotFound)
		o.text = "Only there where the issuer is an http or https URL without query and fragment. Also served under the issuer's path."
		d.add(o)
	}
}

func (d *document) operations() {
	health := func(status string, checks map[string]string) []example {
		return []example{{status, "The service is " + status, api.Health{Status: status, Checks: checks}}}
	}
	d.add(operation{
		method: "GET", path: "/healthz", id: "getHealth", tag: "Operations", summary: "Is the process alive?",
		success: []answer{{status: 200, text: "It is.", body: api.Health{}, examples: health("alive", nil)}},
		fails:   []identity.Kind{identity.InvalidRequest},
	})
	d.add(operation{
		method: "GET", path: "/readyz", id: "getReadiness", tag: "Operations", summary: "Can the service issue tokens?",
		success: []answer{{status: 200, text: "It can.", body: api.Health{}, examples: health("ready", map[string]string{
			"accepting requests": "ok", "database": "ok", "signing key": "ok",
		})}},
		fails: []identity.Kind{identity.InvalidRequest, identity.Unavailable},
	})
	d.add(operation{
		method: "GET", path: "/metrics", id: "getMetrics", tag: "Operations", summary: "Metrics for Prometheus",
		text:    "With `OPS_PORT` set they are served there, and not here.",
		success: []answer{{status: 200, text: "The metrics, in the text format unless the scraper asks for another.", mediaType: "text/plain"}},
		fails:   []identity.Kind{identity.NotFound},
	})
	d.healthReport()
	static := func(path, id, summary string, success answer) {
		success.status, success.headers = 200, []string{"ETag"}
		d.add(operation{
			method: "GET", path: path, id: id, tag: "Operations", summary: summary,
			text:       "Not there with `API_DOCS=off`.",
			parameters: parameters(ifNoneMatch()),
			success:    []answer{success, {status: 304, text: "The caller has it already.", headers: []string{"ETag"}}},
			fails:      []identity.Kind{identity.InvalidRequest, identity.NotFound},
		})
	}
	static("/openapi.json", "getDescription", "This description (OpenAPI 3.1)", answer{text: "The description.", body: anyObject()})
	static("/docs", "getSwaggerUI", "This description to read and try, by Swagger UI", answer{text: "The page.", mediaType: "text/html"})
	static("/redoc", "getRedoc", "This description to read, by Redoc", answer{text: "The page.", mediaType: "text/html"})
	asset := answer{text: "The file.", mediaType: "*/*"}
	static("/docs/{file}", "getSwaggerUIFile", "A file of the page", asset)
	static("/redoc/{file}", "getRedocFile", "A file of the page", asset)
}
