package oauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// Pages of exactly the allowed origins may call /auth and /.well-known, and no
// other path.
func TestCORS(t *testing.T) {
	s := identitytest.New(t, identitytest.Options{AllowedOrigins: []string{"https://app.test", "http://localhost:3000"}})
	methods := map[string]string{
		"/auth/login": "POST", "/auth/token": "POST", jwksPath: "GET", openIDPath: "GET", oauthPath: "GET",
		"/api/configuration": "GET", "/healthz": "GET", "/readyz": "GET", "/metrics": "GET", "/nowhere": "GET",
	}
	origins := map[string]bool{
		"https://app.test": true, "http://localhost:3000": true,
		"http://app.test": false, "https://app.test:443": false, "https://app.test:8443": false, "https://app.test.evil.test": false, "https://evil-app.test": false,
		"https://sub.app.test": false, "https://APP.test": false, "https://app.test/": false, "https://app.tes": false, "https://app.test evil": false, "null": false, "*": false,
		"http://localhost": false, "http://localhost:30000": false, "https://app.test, https://evil.test": false, "https://evil.test#https://app.test": false,
	}
	for path, method := range methods {
		public := strings.HasPrefix(path, "/auth/") || strings.HasPrefix(path, "/.well-known/")
		for origin, listed := range origins {
			want := ""
			if public && listed {
				want = origin
			}
			for kind, r := range map[string]identitytest.Response{
				"request":   s.Do(method, path, "", "Origin", origin),
				"preflight": s.Do("OPTIONS", path, "", "Origin", origin, "Access-Control-Request-Method", method, "Access-Control-Request-Headers", "content-type"),
			} {
				if got := r.Header.Get("Access-Control-Allow-Origin"); got != want {
					t.Errorf("%s to %s from %s: allowed origin %q, want %q", kind, path, origin, got, want)
				}
				if r.Header.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("%s to %s from %s: credentials are allowed", kind, path, origin)
				}
				if allowed := kind == "preflight" && want != ""; allowed != (r.Status == http.StatusNoContent) {
					t.Errorf("%s to %s from %s: status %d", kind, path, origin, r.Status)
				}
				if public && r.Header.Get("Vary") != "Origin" {
					t.Errorf("%s to %s: Vary is %q", kind, path, r.Header.Get("Vary"))
				}
			}
		}
	}

	preflight := s.Do("OPTIONS", "/auth/login", "", "Origin", "https://app.test", "Access-Control-Request-Method", "POST")
	for name, want := range map[string]string{"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Request-Id"} {
		if got := preflight.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	// A method that the route lacks is not granted.
	wantStatus(t, s.Do("OPTIONS", "/auth/login", "", "Origin", "https://app.test", "Access-Control-Request-Method", "DELETE"), 405)
	wantStatus(t, s.Do("OPTIONS", "/auth/login", "", "Origin", "https://app.test"), 405)
}

// By default no origin is allowed.
func TestNoCORSByDefault(t *testing.T) {
	s := identitytest.New(t)
	for _, r := range []identitytest.Response{
		s.Get(jwksPath, "Origin", "https://app.test"),
		s.Do("OPTIONS", "/auth/login", "", "Origin", "https://app.test", "Access-Control-Request-Method", "POST"),
	} {
		for name := range r.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s is sent", name)
			}
		}
	}
}
