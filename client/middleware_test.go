package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/client"
	"github.com/seed-60f9e3ad/identity/client/clienttest"
)

// ask sends a request with these Authorization headers through the middleware, to a handler
// that says whose token it is.
func ask(through func(http.Handler) http.Handler, authorization ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/orders?access_token=x", http.NoBody)
	r.Header["Authorization"] = authorization
	w := httptest.NewRecorder()
	through(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, client.TokenOf(r.Context()).Subject())
	})).ServeHTTP(w, r)
	return w
}

// TestMiddleware answers as RFC 6750 section 3 says.
func TestMiddleware(t *testing.T) {
	issuer := clienttest.New(t)
	v := newVerifier(t, issuer)
	good := issuer.Token(audience, clienttest.Permissions("orders:read"))
	const realm = `Bearer realm="api"`
	for name, test := range map[string]struct {
		headers   []string
		status    int
		challenge string
	}{
		"good":              {[]string{"Bearer " + good}, 200, ""},
		"lower case":        {[]string{"bearer " + good}, 200, ""},
		"none":              {nil, 401, realm},
		"another scheme":    {[]string{"Basic cm9ib3Q6eA=="}, 401, realm},
		"a scheme like it":  {[]string{"BearerX " + good}, 401, realm},
		"no token":          {[]string{"Bearer"}, 400, realm + `, error="invalid_request", error_description="there must be one Authorization header, with one bearer token in it"`},
		"two spaces":        {[]string{"Bearer  " + good}, 200, ""},
		"two tokens":        {[]string{"Bearer " + good + " " + good}, 400, realm + `, error="invalid_request", error_description="there must be one Authorization header, with one bearer token in it"`},
		"two in one":        {[]string{"Bearer " + good + ",Bearer " + good}, 400, realm + `, error="invalid_request", error_description="there must be one Authorization header, with one bearer token in it"`},
		"two headers":       {[]string{"Bearer " + good, "Bearer " + good}, 400, realm + `, error="invalid_request", error_description="there must be one Authorization header, with one bearer token in it"`},
		"good after bad":    {[]string{"Basic x", "Bearer " + good}, 400, realm + `, error="invalid_request", error_description="there must be one Authorization header, with one bearer token in it"`},
		"garbage":           {[]string{"Bearer x\"y"}, 401, realm + `, error="invalid_token", error_description="the token is not a compact JWS as it should be"`},
		"forged":            {[]string{"Bearer " + issuer.Token(audience, clienttest.Forged())}, 401, realm + `, error="invalid_token", error_description="the token's signature does not verify"`},
		"expired":           {[]string{"Bearer " + issuer.Token(audience, clienttest.Expired())}, 401, realm + `, error="invalid_token", error_description="the token has expired"`},
		"for another":       {[]string{"Bearer " + issuer.Token("billing-api")}, 401, realm + `, error="invalid_token", error_description="the token is for another audience"`},
		"without the right": {[]string{"Bearer " + issuer.Token(audience, clienttest.Permissions("orders:list"))}, 403, realm + `, error="insufficient_scope", scope="orders:read"`},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(v.Require("orders:read"), test.headers...)
			if got.Code != test.status || got.Header().Get("WWW-Authenticate") != test.challenge {
				t.Errorf("%d, %s\nwant %d, %s", got.Code, got.Header().Get("WWW-Authenticate"), test.status, test.challenge)
			}
			if test.status == http.StatusOK {
				if got.Body.String() != "robot" {
					t.Errorf("body %q", got.Body)
				}
				return
			}
			var problem api.Problem
			if err := json.Unmarshal(got.Body.Bytes(), &problem); err != nil || problem.Status != test.status || problem.Code == "" || problem.Detail == "" {
				t.Errorf("%s: %v", got.Body, err)
			}
			if got.Header().Get("Content-Type") != "application/problem+json" || got.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v", got.Header())
			}
		})
	}
}

// TestMiddlewareWithoutService is 503 and never lets anybody through, nor says that a token
// was bad.
func TestMiddlewareWithoutService(t *testing.T) {
	issuer := clienttest.New(t)
	issuer.Fail(http.StatusInternalServerError)
	v := newVerifier(t, issuer)
	got := ask(v.Require(), "Bearer "+issuer.Token(audience))
	if got.Code != http.StatusServiceUnavailable || got.Header().Get("WWW-Authenticate") != "" || got.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", got.Code, got.Header())
	}
	if got := ask(v.Require()); got.Code != http.StatusUnauthorized {
		t.Errorf("without a token: %d", got.Code)
	}
}

// TestRequireKeepsWhatIsRequired, whatever becomes of the caller's list.
func TestRequireKeepsWhatIsRequired(t *testing.T) {
	issuer := clienttest.New(t)
	permissions := []string{"orders:write"}
	through := newVerifier(t, issuer).Require(permissions...)
	permissions[0] = "orders:read"
	if got := ask(through, "Bearer "+issuer.Token(audience, clienttest.Permissions("orders:read"))); got.Code != http.StatusForbidden {
		t.Errorf("status %d", got.Code)
	}
}

// TestNoTokenInOtherContexts.
func TestNoTokenInOtherContexts(t *testing.T) {
	if got := client.TokenOf(t.Context()); got != nil {
		t.Errorf("got %v", got)
	}
	r := httptest.NewRequest(http.MethodPost, "/?access_token=x", http.NoBody)
	if got, err := client.BearerToken(r); got != "" || !errors.Is(err, client.ErrNoToken) {
		t.Errorf("got %q, %v", got, err)
	}
}
