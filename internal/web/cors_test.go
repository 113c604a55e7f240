package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/web"
)

func TestCORS(t *testing.T) {
	k := newKit(t, web.Config{AllowedOrigins: []string{"https://ours.test", "http://localhost:3000"}})
	k.Handle(http.MethodPost, "/auth/login", func(w http.ResponseWriter, r *http.Request) error {
		return web.NoQuery(r)
	}, web.CORS)
	k.Handle(http.MethodGet, "/keys", ok, web.CORS)
	k.Handle(http.MethodPut, "/keys", ok)
	k.Handle(http.MethodPost, "/api/users", ok)

	evil := []string{
		"https://ours.test.evil.test", "https://evil-ours.test", "https://evilours.test", "https://sub.ours.test", "http://ours.test",
		"https://ours.test:443", "https://ours.test:8443", "https://ours.test/", "https://OURS.test", "https://ours.test.", "null", "*", "",
		"https://ours.test https://evil.test", "https://ours.test, https://evil.test", "https://ours.test@evil.test",
		"http://localhost", "http://localhost:30001", "http://127.0.0.1:3000", "file://",
	}
	for _, origin := range evil {
		for _, method := range []string{http.MethodPost, http.MethodOptions} {
			a := k.do(t, method, "/auth/login", nil, "Origin: "+origin, "Access-Control-Request-Method: POST")
			if wantStatus := map[string]int{"POST": 200, "OPTIONS": 405}[method]; a.StatusCode != wantStatus {
				t.Errorf("%s from %q: %d", method, origin, a.StatusCode)
			}
			for name := range a.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s from %q: %s: %s", method, origin, name, a.Header.Get(name))
				}
			}
			if a.Header.Get("Vary") != "Origin" {
				t.Errorf("%s from %q: Vary %q", method, origin, a.Header.Get("Vary"))
			}
		}
	}

	for _, tc := range []struct {
		name, method, target string
		headers              []string
		status               int
		allowed              string
	}{
		{"preflight", "OPTIONS", "/auth/login", []string{"Origin: https://ours.test", "Access-Control-Request-Method: POST"}, 204, "https://ours.test"},
		{"preflight with port", "OPTIONS", "/auth/login", []string{"Origin: http://localhost:3000", "Access-Control-Request-Method: POST"}, 204, "http://localhost:3000"},
		{"preflight of another method", "OPTIONS", "/auth/login", []string{"Origin: https://ours.test", "Access-Control-Request-Method: GET"}, 405, ""},
		{"preflight of a method without CORS", "OPTIONS", "/keys", []string{"Origin: https://ours.test", "Access-Control-Request-Method: PUT"}, 405, ""},
		{"no preflight", "OPTIONS", "/auth/login", []string{"Origin: https://ours.test"}, 405, ""},
		{"preflight of a route without CORS", "OPTIONS", "/api/users", []string{"Origin: https://ours.test", "Access-Control-Request-Method: POST"}, 405, ""},
		{"preflight of no route", "OPTIONS", "/none", []string{"Origin: https://ours.test", "Access-Control-Request-Method: POST"}, 404, ""},
		{"two origins", "OPTIONS", "/auth/login", []string{"Origin: https://ours.test", "Origin: https://evil.test", "Access-Control-Request-Method: POST"}, 405, ""},
		{"request", "POST", "/auth/login", []string{"Origin: https://ours.test"}, 200, "https://ours.test"},
		{"failing request", "POST", "/auth/login?a=b", []string{"Origin: https://ours.test"}, 422, "https://ours.test"},
		{"GET", "GET", "/keys", []string{"Origin: https://ours.test"}, 200, "https://ours.test"},
		{"HEAD", "HEAD", "/keys", []string{"Origin: https://ours.test"}, 200, "https://ours.test"},
		{"method without CORS", "PUT", "/keys", []string{"Origin: https://ours.test"}, 200, ""},
		{"method that is none", "DELETE", "/keys", []string{"Origin: https://ours.test"}, 405, ""},
		{"route without CORS", "POST", "/api/users", []string{"Origin: https://ours.test"}, 200, ""},
		{"same origin", "POST", "/auth/login", nil, 200, ""},
	} {
		a := k.do(t, tc.method, tc.target, nil, tc.headers...)
		if got := a.Header.Get("Access-Control-Allow-Origin"); a.StatusCode != tc.status || got != tc.allowed {
			t.Errorf("%s: %d, allowed %q", tc.name, a.StatusCode, got)
		}
		if got := a.Header.Get("Access-Control-Allow-Credentials"); got != "" {
			t.Errorf("%s: credentials %q", tc.name, got)
		}
		if tc.status == 204 {
			h := a.Header
			if h.Get("Access-Control-Allow-Methods") != "POST" || h.Get("Access-Control-Max-Age") != "600" ||
				h.Get("Access-Control-Allow-Headers") != "Authorization, Content-Type, X-Request-Id" || a.body != "" {
				t.Errorf("%s: %v", tc.name, h)
			}
		}
		if strings.HasPrefix(tc.target, "/api") && a.Header.Get("Vary") != "" {
			t.Errorf("%s: Vary %q", tc.name, a.Header.Get("Vary"))
		}
	}
}

func TestNoOriginIsAllowedByDefault(t *testing.T) {
	k := newKit(t, web.Config{})
	k.Handle(http.MethodGet, "/keys", ok, web.CORS)
	for _, origin := range []string{"https://ours.test", "null", "", "http://localhost"} {
		if a := k.do(t, http.MethodGet, "/keys", nil, "Origin: "+origin); a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%q is allowed", origin)
		}
	}
}
