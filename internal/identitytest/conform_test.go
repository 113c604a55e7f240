package identitytest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// What is not described must not get past the kit.
func TestConforms(t *testing.T) {
	header := func(pairs ...string) http.Header {
		h := http.Header{"X-Request-Id": {"r"}, "Cache-Control": {"no-store"}}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	asJSON := header("Content-Type", "application/json")
	problem := header("Content-Type", "application/problem+json")
	const (
		token    = `{"token":"a.b.c","audience":"a","token_type":"Bearer","expires_in":1}`
		notFound = `{"type":"about:blank","title":"Not Found","status":404,"detail":"","code":"not_found","request_id":"r"}`
		conflict = `{"type":"about:blank","title":"Conflict","status":404,"detail":"","code":"conflict","request_id":"r"}`
	)
	text, err := json.Marshal(api.Discovery{
		Issuer: "https://id.test", JWKSURI: "https://id.test/k", TokenEndpoint: "https://id.test/t", IntrospectionEndpoint: "https://id.test/i",
		RevocationEndpoint: "https://id.test/r", RevocationListURI: "https://id.test/l",
	})
	if err != nil {
		t.Fatal(err)
	}
	metadata := string(text)
	for _, tc := range []struct {
		name, method, path string
		status             int
		header             http.Header
		body               string
		want               string // part of the error; empty for none
	}{
		{"described", "POST", "/auth/login", 200, asJSON, token, ""},
		{"with a query", "POST", "/auth/login?x=1", 200, asJSON, token, ""},
		{"another status", "POST", "/auth/login", 201, asJSON, token, "does not say that it answers 201"},
		{"another media type", "POST", "/auth/login", 200, problem, token, "media type"},
		{"no request id", "POST", "/auth/login", 200, http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}}, token, "X-Request-Id is missing"},
		{"a member too many", "POST", "/auth/login", 200, asJSON, strings.Replace(token, "{", `{"secret":"s",`, 1), "secret"},
		{"a member missing", "POST", "/auth/login", 200, asJSON, `{"token":"a.b.c"}`, "missing propert"},
		{"another type", "POST", "/auth/login", 200, asJSON, strings.Replace(token, `"expires_in":1`, `"expires_in":"1"`, 1), "expires_in"},
		{"no JSON", "POST", "/auth/login", 200, asJSON, "token", "no JSON"},
		{"another method", "GET", "/auth/login", 405, problem, strings.ReplaceAll(notFound, "404", "405"), ""},
		{"another method that works", "PUT", "/auth/login", 200, asJSON, token, "not described"},
		{"an unknown path", "GET", "/nowhere", 404, problem, notFound, ""},
		{"an unknown path that is there", "GET", "/nowhere", 200, asJSON, "{}", "not described"},
		{"an unknown path with another page", "GET", "/nowhere", 404, header("Content-Type", "text/html"), "<p>", "media type"},
		{"a failure", "GET", "/api/users/1", 404, problem, notFound, ""},
		{"a failure with the code of another", "GET", "/api/users/1", 404, problem, conflict, "code"},
		{"a failure without a challenge", "GET", "/api/users", 401, problem, strings.ReplaceAll(notFound, "404", "401"), "WWW-Authenticate is missing"},
		{"nothing", "DELETE", "/api/roles/1", 204, header(), "", ""},
		{"nothing that is something", "DELETE", "/api/roles/1", 204, asJSON, "{}", "has none"},
		{"no entity tag", "GET", "/api/roles/1", 200, asJSON, "{}", "ETag is missing"},
		{"a preflight", "OPTIONS", "/auth/login", 204, header(), "", ""},
		{"under the issuer's path", "GET", "/tenant/.well-known/openid-configuration", 200, asJSON, metadata, ""},
		{"a time that is none", "GET", "/api/roles/1", 200, header("Content-Type", "application/json", "ETag", `"1"`),
			`{"id":"1","name":"n","permissions":[],"created_at":"yesterday","updated_at":"2026-01-02T03:04:05Z"}`, "created_at"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := identitytest.Conforms(tc.method, tc.path, identitytest.Response{Status: tc.status, Header: tc.header, Body: []byte(tc.body)})
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want something about %q", err, tc.want)
			}
		})
	}
}
