package identitytest_test

import (
	"crypto/rand"
	"net/url"
	"strings"

	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// oauthSpecs are those of the standard endpoints, which take forms.
func (d *driver) oauthSpecs() map[string]spec {
	secret := d.marked()
	key := d.Key(jose.ES256)
	d.keepPrivate("the private key of a client of OAuth", key)
	d.client("form", map[string]any{"client_secret": secret})
	d.client("form-signing", map[string]any{"public_key": key.Public().PEM(), "token_endpoint_auth_method": "private_key_jwt"})
	d.client("form-both", map[string]any{"client_secret": secret, "public_key": key.Public().PEM()})
	d.created("/api/audiences", "/api/audiences", map[string]any{"audience": "served", "name": "n", "introspection_client": "form"})
	form := func(parameters ...string) string {
		values := url.Values{}
		for i := 0; i+1 < len(parameters); i += 2 {
			values.Add(parameters[i], parameters[i+1])
		}
		return values.Encode()
	}
	proof := []string{"client_id", "form", "client_secret", secret}
	grant := func(more ...string) string {
		return form(append([]string{"grant_type", "client_credentials"}, more...)...)
	}
	asserted := func(assertion string) []string {
		d.keep("an assertion at /oauth2, "+rand.Text()[:4], signatureOf(assertion))
		return []string{"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", assertion}
	}
	issued := func() string {
		r := d.do(web.Route{Method: "POST", Pattern: "/oauth2/token"}, "/oauth2/token", grant(append(proof, "audience", "served")...))
		return d.Object(r)["access_token"].(string)
	}
	// refused are proofs and tokens that are good for nothing.
	refused := func(do ask, request func(...string) string) {
		for _, parameters := range [][]string{
			{"client_id", "form", "client_secret", d.marked()}, {"client_id", d.marked(), "client_secret", secret}, {"client_id", "form-both", "client_secret", secret},
			{"client_id", "form-signing", "client_secret", secret}, {"client_id", "form"}, {d.mark, d.mark},
			{"client_id", "form", "client_secret", secret, "client_assertion", d.marked()}, asserted(d.Assertion(d.Key(jose.ES256), "form-signing")),
			asserted(d.Assertion(key, "form-signing", map[string]any{"jti": d.mark, "exp": d.mark})), {"client_assertion_type", d.marked(), "client_assertion", d.marked()},
		} {
			do("", request(parameters...))
		}
		good := asserted(d.Assertion(key, "form-signing"))
		do("", request(good...))
		do("", request(good...))
		do("", request(append(proof, "client_secret", d.marked())...))
		do("", request(proof...)+"&x=%zz"+d.mark)
	}
	withToken := func(do ask) {
		refused(do, func(parameters ...string) string { return form(append(parameters, "token", issued())...) })
		for _, token := range []string{d.marked(), d.admin, "idr_" + strings.Repeat("A", 76), ""} {
			do("", form(append(proof, "token", token)...))
		}
	}
	return map[string]spec{
		"POST /oauth2/token": {body: func() string { return grant(proof...) }, more: func(do ask) {
			refused(do, grant)
			for _, more := range [][]string{{"scope", d.marked()}, {"scope", "not:held"}, {"audience", d.marked()}, {"resource", d.marked()}} {
				do("", grant(append(proof, more...)...))
			}
			do("", form(append(proof, "grant_type", d.marked())...))
			do("", form(append(proof, "grant_type", "password", "username", "admin", "password", d.marked())...))
		}},
		"POST /oauth2/introspect": {body: func() string { return form(append(proof, "token", issued())...) }, more: withToken},
		"POST /oauth2/revoke":     {body: func() string { return form(append(proof, "token", issued())...) }, more: withToken},
		"POST /api/revocations": {body: func() string { return object(map[string]any{"kind": "jti", "value": rand.Text()}) }, more: func(do ask) {
			for _, members := range []map[string]any{
				{"kind": "sub", "value": "form"}, {"kind": "sub", "value": d.userID(nil)}, {"kind": "sub", "value": d.marked()}, {"kind": "sid", "value": d.marked()},
				{"kind": d.marked()}, {"kind": "jti"}, {"kind": "all", "value": d.marked()}, {"kind": "all", "before": d.marked()}, {"kind": "kid", "value": d.marked()},
				{"kind": "all", "before": "2001-01-01T00:00:00Z"},
			} {
				do("", object(members))
			}
			for _, key := range d.listed("/api/keys") {
				if key["state"] == "active" {
					do("", object(map[string]any{"kind": "kid", "value": key["kid"]}))
				}
			}
		}},
	}
}
