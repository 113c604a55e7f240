package oauth_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const standardPath = "/oauth2/token"

// Each way of RFC 6749 section 2.3 and RFC 7523 section 2.2 gives a token (section 5.1).
func TestStandardToken(t *testing.T) {
	m := newMachines(t)
	for name, c := range map[string]struct {
		client  string
		body    string
		headers []string
	}{
		"client_secret_basic":            {"secret", grant("audience", "billing"), basic("secret", clientSecret)},
		"client_secret_basic, both ids":  {"secret", grant("audience", "billing", "client_id", "secret"), basic("secret", clientSecret)},
		"client_secret_basic, lowercase": {"secret", grant("audience", "billing"), []string{"Authorization", strings.Replace(basic("secret", clientSecret)[1], "Basic", "basic", 1)}},
		"client_secret_post":             {"secret", grant("audience", "billing", "client_id", "secret", "client_secret", clientSecret), nil},
		"private_key_jwt":                {"key", grant(append(asserted(m.Assertion(m.key, "key")), "audience", "billing")...), nil},
		"private_key_jwt with client_id": {"key", grant(append(asserted(m.Assertion(m.key, "key")), "audience", "billing", "client_id", "key")...), nil},
		"unknown and empty parameters":   {"secret", grant("audience", "billing", "x", "y", "scope", "", "client_secret", ""), basic("secret", clientSecret)},
		"empty pairs":                    {"secret", "&&" + grant("audience", "billing") + "&&", basic("secret", clientSecret)},
		"charset":                        {"secret", grant("audience", "billing"), append([]string{"Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"}, basic("secret", clientSecret)...)},
	} {
		t.Run(name, func(t *testing.T) {
			r := postForm(m.Service, standardPath, c.body, c.headers...)
			wantStatus(t, r, 200)
			for header, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"} {
				if got := r.Header.Get(header); got != want {
					t.Errorf("%s is %q, want %q", header, got, want)
				}
			}
			body := m.Object(r)
			header, claims := verifiedToken(t, m.Service, body["access_token"])
			if diff := cmp.Diff(map[string]any{"access_token": body["access_token"], "token_type": "Bearer", "expires_in": 900.0}, body); diff != "" {
				t.Errorf("the answer: %s", diff)
			}
			if header["typ"] != "at+jwt" || claims["sub"] != c.client || claims["client_id"] != c.client || claims["aud"] != "billing" || claims["gty"] != "client-credentials" {
				t.Errorf("header %v, claims %v", header, claims)
			}
			m.WantNoCanary(canary, r)
		})
	}
}

// RFC 6749 section 2.3.1: both parts are encoded before they are put into the header.
func TestBasicIsEncoded(t *testing.T) {
	s := identitytest.New(t)
	const id, text = "a.b~c-d_e", "100% a+b&c=d:e/ü ☃ secret"
	chosen := identity.NewSecret(text)
	s.AddClient(admin.NewClient{ID: id, Secret: &chosen})
	wantStatus(t, postForm(s, standardPath, grant(), basic(id, text)...), 200)
	raw := base64.StdEncoding.EncodeToString([]byte(id + ":" + text))
	wantOAuthError(t, postForm(s, standardPath, grant(), "Authorization", "Basic "+raw), 401, "invalid_client")
}

func TestStandardTokenRefusals(t *testing.T) {
	m := newMachines(t)
	proof := basic("secret", clientSecret)
	good := grant("audience", "billing")
	wantStatus(t, postForm(m.Service, standardPath, good, proof...), 200) // what all rows are changes of; memory knows the secret from here on
	rows := append(commonFormRefusals(good, proof), inQuery(standardPath, good, proof)...)
	request := func(name string, status int, code, body string, headers ...string) {
		rows = append(rows, oauthRefusal{name: name, body: body, headers: headers, status: status, code: code})
	}
	request("no grant type", 400, "invalid_request", form("audience", "billing"), proof...)
	request("empty grant type", 400, "invalid_request", form("grant_type", "", "audience", "billing"), proof...)
	// RFC 9700 section 2.4, and sessions of people belong to /auth.
	for _, other := range []string{
		"password", "refresh_token", "authorization_code", "implicit", "Client_Credentials", "client_credentials ", canary,
		"urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange",
	} {
		request("grant "+other, 400, "unsupported_grant_type", form("grant_type", other, "username", "alice", "password", canary), proof...)
	}
	for name, scope := range map[string]string{
		"two spaces": "a  b", "space before": " a", "space behind": "a ", "quote": `a"b`, "backslash": `a\b`, "not ASCII": "ü", "129": strings.Repeat("a", 129), "not held": "not-held",
	} {
		request("scope with "+name, 400, "invalid_scope", grant("audience", "billing", "scope", scope), proof...)
	}
	for name, audience := range map[string]string{"space": "a b", "not ASCII": "ü", "256 characters": strings.Repeat("a", 256)} {
		request("audience with "+name, 400, "invalid_target", grant("audience", audience), proof...)
		request("resource with "+name, 400, "invalid_target", grant("resource", "https://"+audience), proof...)
	}
	request("a relative resource", 400, "invalid_target", grant("resource", "billing"), proof...)
	request("a resource with fragment", 400, "invalid_target", grant("resource", "https://a.test/#x"), proof...)
	request("11 audiences", 400, "invalid_target", grant()+"&audience=1&audience=2&audience=3&audience=4&audience=5&audience=6&audience=7&audience=8&audience=9&audience=10&audience=11", proof...)

	// RFC 6749 section 2.3: one method.
	assertion := m.Assertion(m.key, "key")
	request("header and secret", 400, "invalid_request", grant("client_secret", clientSecret), proof...)
	request("header and assertion", 400, "invalid_request", grant(asserted(assertion)...), proof...)
	request("secret and assertion", 400, "invalid_request", grant(append(asserted(assertion), "client_id", "key", "client_secret", clientSecret)...))
	request("header for another client", 400, "invalid_request", grant("client_id", "both"), proof...)
	request("assertion for another client", 400, "invalid_request", grant(append(asserted(assertion), "client_id", "secret")...))
	request("assertion without type", 400, "invalid_request", grant("client_assertion", assertion))
	request("type without assertion", 400, "invalid_request", grant("client_assertion_type", assertionType, "client_id", "key"))
	request("assertion of SAML", 400, "invalid_request", grant("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "client_assertion", assertion))

	// Nobody learns of audiences and scopes without a proof.
	rows = append(rows,
		oauthRefusal{name: "wrong secret, no such scope", body: grant("scope", "x"), headers: basic("secret", canary), status: 401, code: "invalid_client", hashes: 1})
	refuseForms(t, m.Service, standardPath, rows)
}

// What must be refused as invalid_client, and costs what its shape costs.
func wrongForms(m machines) []oauthRefusal {
	one := func(name, body string, hashes uint64, headers ...string) oauthRefusal {
		return oauthRefusal{name: name, body: body, headers: headers, status: 401, code: "invalid_client", hashes: hashes}
	}
	bySecret := func(name, id, secret string) []oauthRefusal {
		return []oauthRefusal{
			one(name+", basic", grant(), 1, basic(id, secret)...),
			one(name+", post", grant("client_id", id, "client_secret", secret), 1),
		}
	}
	byKey := func(name, assertion string) oauthRefusal { return one(name, grant(asserted(assertion)...), 0) }
	header := func(name, value string) oauthRefusal { return one(name, grant(), 0, "Authorization", value) }
	rows := []oauthRefusal{
		one("no proof", grant(), 0),
		one("client_id only", grant("client_id", "secret"), 0),
		header("broken Basic", "Basic !!!"),
		header("Basic without colon", "Basic "+base64.StdEncoding.EncodeToString([]byte("secret"))),
		header("Basic unpadded", "Basic c2VjcmV0OnNlY3JldA"),
		header("Basic with a broken escape", "Basic "+base64.StdEncoding.EncodeToString([]byte("secret:%zz"+canary))),
		header("Basic with NUL", "Basic "+base64.StdEncoding.EncodeToString([]byte("secret:a%00"))),
		header("Basic alone", "Basic"),
		header("another scheme", "Bearer "+canary),
		header("Digest", `Digest username="secret"`),
		one("a static signature", grant(append(asserted(base64.StdEncoding.EncodeToString(make([]byte, 256))), "client_id", "key")...), 0),
		byKey("no message", canary), byKey("dots", strings.Repeat(".", 50_000)), byKey("signed by another key", m.Assertion(m.Key(jose.ES256), "key")),
		byKey("for a client without key", m.Assertion(m.key, "nobody")), byKey("of a client by secret", m.Assertion(m.key, "secret")),
		byKey("iss is another", m.Assertion(m.key, "key", map[string]any{"iss": "both"})), byKey("no sub", m.Assertion(m.key, "key", map[string]any{"sub": nil})),
		byKey("foreign audience", m.Assertion(m.key, "key", map[string]any{"aud": "https://other.test"})),
		byKey("the token endpoint, not registered so", m.Assertion(m.key, "key", map[string]any{"aud": m.Issuer + standardPath})),
		byKey("two audiences", m.Assertion(m.key, "key", map[string]any{"aud": []string{m.Issuer, "https://other.test"}})),
		byKey("expired", m.Assertion(m.key, "key", map[string]any{"exp": m.Clock.Now().Unix() - 61})),
		byKey("no exp", m.Assertion(m.key, "key", map[string]any{"exp": nil})), byKey("no jti", m.Assertion(m.key, "key", map[string]any{"jti": nil})),
		byKey("for a year", m.Assertion(m.key, "key", map[string]any{"exp": m.Clock.Now().Unix() + 365*86400})),
	}
	for name, of := range map[string][2]string{
		"unknown client": {"nobody", clientSecret}, "wrong secret": {"secret", canary}, "empty id": {"", clientSecret}, "disabled": {"disabled", clientSecret},
		"secret for signature": {"key", clientSecret}, "both, wrong secret": {"both", canary}, "long": {"secret", strings.Repeat(canary, 1000)},
	} {
		rows = append(rows, bySecret(name, of[0], of[1])...)
	}
	return rows
}

func TestStandardTokenWrongProofs(t *testing.T) {
	m := newMachines(t)
	refuseForms(t, m.Service, standardPath, wrongForms(m))
}

// Whatever is wrong with a proof, the answer is the same bytes.
func TestStandardRefusalsAreTheSame(t *testing.T) {
	m := newMachines(t)
	var first identitytest.Response
	for i, c := range wrongForms(m) {
		m.ForgetAttempts()
		r := postForm(m.Service, standardPath, c.body, append([]string{"X-Request-Id", "the-same"}, c.headers...)...)
		for _, name := range []string{"Date", "RateLimit", "RateLimit-Policy"} { // what cannot be a proof is no attempt
			r.Header.Del(name)
		}
		if i == 0 {
			first = r
			continue
		}
		if !bytes.Equal(first.Body, r.Body) || cmp.Diff(first.Header, r.Header) != "" {
			t.Errorf("%q is told apart: %s\n%s", c.name, cmp.Diff(first.Header, r.Header), r.Body)
		}
	}
}

// A client that requires a secret and a signature gets nothing for one of them. It learns
// that only once the one holds, and an assertion is not spent for it.
func TestBothAreRefused(t *testing.T) {
	m := newMachines(t)
	assertion := m.Assertion(m.key, "both")
	before := m.Tables()
	for range 2 {
		wantOAuthError(t, postForm(m.Service, standardPath, grant(), basic("both", clientSecret)...), 400, "unauthorized_client")
		wantOAuthError(t, postForm(m.Service, standardPath, grant("client_id", "both", "client_secret", clientSecret)), 400, "unauthorized_client")
		wantOAuthError(t, postForm(m.Service, standardPath, grant(asserted(assertion)...)), 400, "unauthorized_client")
	}
	if diff := cmp.Diff(before, m.Tables()); diff != "" {
		t.Errorf("a refusal stored something: %s", diff)
	}
	wantStatus(t, m.Do("POST", "/auth/token", object("client_id", "both", "client_secret", clientSecret, "signature", assertion, "audience", "x")), 200)
	for _, path := range []string{introspectPath, revokePath} {
		wantOAuthError(t, postForm(m.Service, path, form("token", "x"), basic("both", clientSecret)...), 400, "unauthorized_client")
	}
}

// An assertion works once, at whichever endpoint.
func TestAssertionWorksOnceAnywhere(t *testing.T) {
	m := newMachines(t)
	for _, first := range []string{standardPath, introspectPath, revokePath} {
		assertion := m.Assertion(m.key, "key")
		body := grant(append(asserted(assertion), "token", "x")...)
		wantStatus(t, postForm(m.Service, first, body), 200)
		for _, second := range []string{standardPath, introspectPath, revokePath} {
			wantOAuthError(t, postForm(m.Service, second, body), 401, "invalid_client")
		}
		wantProblem(t, m.Do("POST", "/auth/token", object("client_id", "key", "signature", assertion, "audience", "x")), "POST", 401, "invalid_credentials", nil)
	}
}

// The endpoint is limited as /auth/token is, and the two share what they count.
func TestStandardIsThrottled(t *testing.T) {
	m := newMachines(t)
	for range 3 {
		wantOAuthError(t, postForm(m.Service, standardPath, grant(), basic("secret", canary)...), 401, "invalid_client")
	}
	wantOAuthError(t, postForm(m.Service, standardPath, grant(), basic("secret", canary)...), 429, "temporarily_unavailable")
	wantProblem(t, m.Do("POST", "/auth/token", object("client_id", "secret", "client_secret", canary, "audience", "x")), "POST", 429, "rate_limited", nil)
	wantOAuthError(t, postForm(m.Service, introspectPath, form("token", "x"), basic("secret", canary)...), 429, "temporarily_unavailable")
}
