package oauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

const (
	openIDPath = "/.well-known/openid-configuration"
	oauthPath  = "/.well-known/oauth-authorization-server"
)

// Both documents and the keys, under every issuer that can have them, where their
// standards put them and nowhere else.
func TestDiscoveryLocations(t *testing.T) {
	for _, c := range []struct {
		issuer string
		jwks   string
		found  []string // beside the locations at the root
		not    []string
	}{
		{"https://id.test", "https://id.test" + jwksPath, nil, []string{"/x" + openIDPath, oauthPath + "/x", openIDPath + "/x"}},
		{"https://id.test/", "https://id.test" + jwksPath, nil, []string{"/x" + openIDPath}},
		{"http://localhost:8080", "http://localhost:8080" + jwksPath, nil, nil},
		{
			"https://id.test/tenant/a", "https://id.test/tenant/a" + jwksPath,
			[]string{"/tenant/a" + openIDPath, oauthPath + "/tenant/a", "/tenant/a" + jwksPath},
			[]string{
				"/tenant/a" + oauthPath, openIDPath + "/tenant/a", "/tenant" + openIDPath, "/tenant/b" + openIDPath, oauthPath + "/tenant/b", oauthPath + "/tenant",
				oauthPath + "/tenant/a/", "/tenant/a/" + openIDPath, "/tenant/a" + openIDPath + "/", "/Tenant/a" + openIDPath, "/tenant%2fa" + openIDPath,
				"/tenant/a/.well-known/../auth/token", "/tenant/a/auth/token", "/tenant/a/healthz", "/tenant/a/tenant/a" + openIDPath, "/tenant/a/.well-known/x",
			},
		},
		{"https://id.test/t/", "https://id.test/t" + jwksPath, []string{"/t" + openIDPath, oauthPath + "/t", "/t" + jwksPath}, []string{"/t/" + openIDPath, oauthPath + "/t/"}},
		{"https://id.test/a%20b", "https://id.test/a%20b" + jwksPath, []string{"/a%20b" + openIDPath, oauthPath + "/a%20b"}, nil},
	} {
		t.Run(c.issuer, func(t *testing.T) {
			s := identitytest.New(t, identitytest.Options{Issuer: c.issuer})
			want := map[string]any{"issuer": c.issuer, "jwks_uri": c.jwks, "response_types_supported": []any{}}
			keys := string(s.JWKS())
			for _, path := range append(c.found, openIDPath, oauthPath, jwksPath) {
				r := s.Get(path)
				wantStatus(t, r, 200)
				if got := r.Header.Get("Cache-Control"); got != "public, max-age=300" {
					t.Errorf("%s: Cache-Control is %q", path, got)
				}
				if strings.HasSuffix(path, jwksPath) {
					if string(r.Body) != keys {
						t.Errorf("%s has other keys", path)
					}
					continue
				}
				// No token_endpoint: POST /auth/token is not that of RFC 6749.
				if diff := cmp.Diff(want, s.Object(r)); diff != "" {
					t.Errorf("%s: %s", path, diff)
				}
				head := s.Do("HEAD", path, "")
				if head.Status != 200 || len(head.Body) != 0 || head.Header.Get("Content-Length") != r.Header.Get("Content-Length") {
					t.Errorf("%s: HEAD is not GET without its body", path)
				}
				wantProblem(t, s.Do("POST", path, "{}"), "POST", 405, "method_not_allowed", nil)
				wantProblem(t, s.Get(path+"?x="+canary), "GET", 422, "invalid_request", []string{"query.x unknown"})
			}
			for _, path := range c.not {
				wantProblem(t, s.Get(path), "GET", 404, "not_found", nil)
			}
			s.WantNoCanary(canary)
		})
	}
}

// An issuer that is no URL has keys, and tokens, but no metadata.
func TestIssuerWithoutMetadata(t *testing.T) {
	s := identitytest.New(t)
	for _, issuer := range []string{
		"identity", "urn:example:identity", "ftp://id.test", "//id.test", "https://", "https:///path", "https://id.test?tenant=a", "https://id.test/a?", "https://id.test#a",
		"https://id.test/a#", "https://user@id.test", "https://user:pass@id.test", "HTTPS//id.test", "/a", "https://[::1", "javascript:alert(1)",
	} {
		t.Run(issuer, func(t *testing.T) {
			s.Change("configuration", "", `UPDATE configuration SET issuer = ?`, issuer)
			for _, path := range []string{openIDPath, oauthPath, "/a" + openIDPath, oauthPath + "/a"} {
				wantProblem(t, s.Get(path), "GET", 404, "not_found", nil)
			}
			r := s.Post("/auth/login", map[string]string{"username": s.AdminUsername, "password": s.AdminPassword.Reveal()})
			if _, claims := verified(t, s, r); claims["iss"] != issuer || claims["aud"] != issuer {
				t.Errorf("iss is %v, aud %v", claims["iss"], claims["aud"])
			}
		})
	}
}

// Nothing that a caller says of where it thinks it is has a say.
func TestHostIsNotBelieved(t *testing.T) {
	s := identitytest.New(t, identitytest.Options{Issuer: "https://id.test/a"})
	lies := http.Header{}
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Server", "X-Host", "X-Original-Host", "X-Original-Url", "X-Rewrite-Url", "X-Forwarded-Prefix", "X_Forwarded_Host"} {
		lies.Set(name, "evil.test")
	}
	lies.Set("X-Forwarded-Proto", "http")
	lies.Set("X-Forwarded-Port", "1")
	lies.Set("Forwarded", "host=evil.test;proto=http;for=evil.test")
	lies.Set("Origin", "https://evil.test")
	lies.Set("Referer", "https://evil.test/")
	lies.Set("Content-Type", "application/json")
	login := object("username", s.AdminUsername, "password", s.AdminPassword.Reveal())
	for path, body := range map[string]string{
		openIDPath: "", oauthPath: "", "/a" + openIDPath: "", jwksPath: "", "/nowhere": "", "/auth/login": login,
	} {
		method := "GET"
		if body != "" {
			method = "POST"
		}
		request, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Host, request.Header = "evil.test", lies.Clone()
		got, want := send(t, request), s.Do(method, path, body)
		if got.Status != want.Status {
			t.Errorf("%s: status %d, want %d", path, got.Status, want.Status)
		}
		for name, values := range got.Header {
			if strings.Contains(strings.Join(values, " "), "evil") || name == "Location" {
				t.Errorf("%s: %s repeats the lie", path, name)
			}
		}
		switch {
		case strings.Contains(string(got.Body), "evil"):
			t.Errorf("%s repeats the lie", path)
		case path == "/auth/login":
			if _, claims := verified(t, s, got); claims["iss"] != s.Issuer || claims["aud"] != s.Issuer {
				t.Errorf("iss is %v, aud %v", claims["iss"], claims["aud"])
			}
		case path != "/nowhere" && string(got.Body) != string(want.Body):
			t.Errorf("%s changed", path)
		}
	}
}
