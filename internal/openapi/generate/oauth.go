package main

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

var oauthErrors = []string{
	"invalid_request", "invalid_client", "invalid_scope", "invalid_target", "unauthorized_client", "unsupported_grant_type",
	"unsupported_token_type", "temporarily_unavailable", "server_error",
}

// anyOther lets a form have other parameters: RFC 6749 section 3.2 has them ignored.
func anyOther(s *huma.Schema) { s.AdditionalProperties = true }

func (d *document) oauth() {
	common := []identity.Kind{
		identity.InvalidCredentials, identity.PayloadTooLarge, identity.InvalidRequest, identity.UnauthorizedClient, identity.RateLimited, identity.Unavailable,
	}
	const oneWay = "The client proves itself by its secret, in the Authorization header or in the form, or by a client assertion. " +
		"One that requires both is refused here with `unauthorized_client`: it takes POST /auth/token."
	limits := slices.Clone(limitHeaders)
	d.add(operation{
		method: "POST", path: "/oauth2/token", id: "issueOAuthToken", tag: oauthTag, summary: "A machine gets a token (RFC 6749 section 4.4)",
		text: oneWay + "\n\nThe one grant is `client_credentials`: people log in with POST /auth/login.",
		body: api.OAuthTokenRequest{}, oauth: true,
		examples: []example{{"token", "A token for an audience, limited to a permission", api.OAuthTokenRequest{
			GrantType: "client_credentials", Scope: "orders:read", Audience: []string{"orders-api"},
		}}},
		success: []answer{{status: 200, text: "The machine is the one it says, and this is its token.", body: api.OAuthTokenResponse{}, headers: append(limits, "Pragma"), examples: []example{
			{"token", "A token", api.OAuthTokenResponse{AccessToken: exampleToken, TokenType: api.TokenTypeBearer, ExpiresIn: 900, Scope: "orders:read"}},
		}}},
		fails: append(common, identity.InvalidAudience, identity.InvalidScope, identity.UnsupportedGrantType),
	})
	form := []example{{"token", "A token", api.OAuthTokenForm{Token: exampleToken}}}
	d.add(operation{
		method: "POST", path: "/oauth2/introspect", id: "introspectToken", tag: oauthTag, summary: "What a token is worth now (RFC 7662)",
		text: oneWay + "\n\nOnly the client that is registered as `introspection_client` of the token's audience learns of it; for others it is not active. " +
			"Whoever accepts `application/token-introspection+jwt` gets the answer signed (RFC 9701).",
		body: api.OAuthTokenForm{}, oauth: true, examples: form,
		success: []answer{{status: 200, text: "What it is worth.", body: api.Introspection{}, also: "application/token-introspection+jwt", headers: append(limits, "Pragma"), examples: []example{
			{"inactive", "Nothing, or nothing that the caller may know", api.Introspection{}},
			{"active", "An active token", api.Introspection{
				Active: true, Scope: "orders:read", ClientID: "billing", TokenType: api.TokenTypeBearer, Expires: 1767323945, IssuedAt: 1767323045, Subject: "billing",
				Audience: []string{"orders-api"}, Issuer: exampleIssuer, ID: "4F7QKXN2B5VZ3MDA6HJ2WYC7RE", GrantType: "client-credentials", Permissions: []string{"orders:read"},
			}},
		}}},
		fails: common,
	})
	d.add(operation{
		method: "POST", path: "/oauth2/revoke", id: "revokeToken", tag: oauthTag, summary: "A token of the client's own counts no more (RFC 7009)",
		text: oneWay + "\n\nIt is refused here and by introspection at once, and is on the revocation list that verifiers keep.",
		body: api.OAuthTokenForm{}, oauth: true, examples: form,
		success: []answer{{status: 200, text: "The token counts no more, or never did.", headers: append(limits, "Pragma")}},
		fails:   append(common, identity.UnsupportedTokenType),
	})
	d.add(operation{
		method: "GET", path: "/.well-known/revocation-list", id: "getRevocationList", tag: oauthTag, summary: "The signed list of what was revoked",
		text: "A JWS of type `revocation-list+jwt` with `iss`, `iat`, `exp` and `entries`: each has a `kind` (jti, sid, sub, kid or all), the first 16 bytes of the SHA-256 of the value " +
			"as `hash` in base64url, and `before`. A token with that value which was issued before that counts no more. Also served under the issuer's path.",
		parameters: parameters(ifNoneMatch()),
		success: []answer{
			{status: 200, text: "The list.", mediaType: "application/revocation-list+jwt", headers: []string{"ETag"}},
			{status: 304, text: "The caller has it already.", headers: []string{"ETag"}},
		},
		fails: []identity.Kind{identity.InvalidRequest, identity.Unavailable},
	})
}

// oauthFailures is failures for an endpoint of OAuth.
func (d *document) oauthFailures(kinds []identity.Kind) map[string]*huma.Response {
	byStatus := map[int][]identity.Kind{}
	for _, kind := range append(kinds, identity.Internal) {
		status := d.problems[kind].oauthStatus
		if !slices.Contains(byStatus[status], kind) {
			byStatus[status] = append(byStatus[status], kind)
		}
	}
	responses := map[string]*huma.Response{}
	for status, kinds := range byStatus {
		slices.Sort(kinds)
		name := "OAuth" + componentName(kinds)
		if d.doc.Components.Responses[name] == nil {
			d.doc.Components.Responses[name] = d.oauthFailure(status, kinds)
		}
		responses[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + name}
	}
	return responses
}

func (d *document) oauthFailure(status int, kinds []identity.Kind) *huma.Response {
	media := &huma.MediaType{Schema: &huma.Schema{AllOf: []*huma.Schema{d.schemas.of(api.OAuthError{})}}, Examples: map[string]*huma.Example{}}
	var words, others []string
	for _, kind := range kinds {
		p := d.problems[kind]
		if !slices.Contains(words, p.oauth.Error) {
			words = append(words, p.oauth.Error)
		}
		media.Examples[p.oauth.Error] = &huma.Example{Summary: p.oauth.Description, Value: p.oauth}
		for name := range headerTexts {
			if p.oauthHeader.Get(name) != "" && name != "X-Request-Id" && name != "Cache-Control" && !slices.Contains(others, name) {
				others = append(others, name)
			}
		}
	}
	word := &huma.Schema{}
	oneOf(words...)(word)
	media.Schema.Properties = map[string]*huma.Schema{"error": word}
	return &huma.Response{
		Description: fmt.Sprintf("%s: %v.", http.StatusText(status), words), Headers: headers(others...), Content: map[string]*huma.MediaType{"application/json": media},
	}
}
