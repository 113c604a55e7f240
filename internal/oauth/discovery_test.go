package oauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
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
			want := wantMetadata(c.issuer, strings.TrimSuffix(c.jwks, jwksPath))
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
			// The endpoints are where the metadata say, also under the issuer's path.
			at := strings.TrimSuffix(c.jwks, jwksPath)
			at = at[strings.Index(at+"/", "//")+2:]
			_, path, _ := strings.Cut(at, "/")
			if path != "" {
				path = "/" + path
			}
			for _, endpoint := range []string{standardPath, introspectPath, revokePath} {
				wantOAuthError(t, postForm(s, path+endpoint, "x=y"), 400, "invalid_request")
			}
			wantStatus(t, s.Get(path+listPath), 200)
			s.WantNoCanary(canary)
		})
	}
}

// wantMetadata is what both documents say, under the URL at which the issuer is reached.
func wantMetadata(issuer, at string) map[string]any {
	list := func(words ...string) []any {
		all := make([]any, len(words))
		for i, word := range words {
			all[i] = word
		}
		return all
	}
	methods := list("client_secret_basic", "client_secret_post", "private_key_jwt")
	algorithms := list("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
	return map[string]any{
		"issuer": issuer, "jwks_uri": at + jwksPath, "revocation_list_uri": at + listPath, "response_types_supported": []any{},
		"token_endpoint": at + standardPath, "introspection_endpoint": at + introspectPath, "revocation_endpoint": at + revokePath,
		"grant_types_supported":                 list("client_credentials"),
		"token_endpoint_auth_methods_supported": methods, "introspection_endpoint_auth_methods_supported": methods, "revocation_endpoint_auth_methods_supported": methods,
		"token_endpoint_auth_signing_alg_values_supported": algorithms, "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
		"revocation_endpoint_auth_signing_alg_values_supported": algorithms,
		"subject_types_supported":                               list("public"), "id_token_signing_alg_values_supported": list("ES256"), "introspection_signing_alg_values_supported": list("ES256"),
	}
}

// The metadata tell the truth (RFC 8414 section 2): every endpoint of theirs is served, and what is
// served as one is in them; each method, grant and algorithm works, and no other does.
func TestMetadataAreTrue(t *testing.T) {
	s := identitytest.New(t)
	metadata := s.Object(s.Get(oauthPath))
	named := map[string]bool{}
	for member, value := range metadata {
		if strings.HasSuffix(member, "_endpoint") || strings.HasSuffix(member, "_uri") {
			path, found := strings.CutPrefix(value.(string), s.Issuer)
			if !found {
				t.Errorf("%s is %v, which is not under the issuer", member, value)
			}
			named[path] = true
		}
	}
	for _, route := range s.Routes {
		standard := strings.HasPrefix(route.Pattern, "/oauth2/") || strings.HasPrefix(route.Pattern, "/.well-known/") && route.Pattern != openIDPath && route.Pattern != oauthPath
		if standard && !named[route.Pattern] {
			t.Errorf("%s %s is served and in no metadata", route.Method, route.Pattern)
		}
		delete(named, route.Pattern)
	}
	if len(named) > 0 {
		t.Errorf("the metadata name what is not served: %v", named)
	}
	for _, endpoint := range []string{"token", "introspection", "revocation"} {
		works := map[string]bool{}
		for _, algorithm := range jose.AssertionAlgorithms() {
			key := s.Key(algorithm)
			id := "key-" + endpoint + "-" + string(algorithm)
			bound := string(algorithm)
			s.AddClient(admin.NewClient{ID: id, PublicKey: key.Public().PEM(), AssertionAlgorithm: bound})
			signer, err := jose.NewSigner(key, algorithm, "JWT")
			if err != nil {
				t.Fatal(err)
			}
			now := s.Clock.Now().Unix()
			assertion, err := signer.Sign([]byte(object("iss", id, "sub", id, "aud", s.Issuer, "jti", id, "exp", now+60)))
			if err != nil {
				t.Fatal(err)
			}
			path := strings.TrimPrefix(metadata[endpoint+"_endpoint"].(string), s.Issuer)
			works[bound] = postForm(s, path, grant(append(asserted(assertion), "token", "x")...)).Status == 200
		}
		for _, listed := range metadata[endpoint+"_endpoint_auth_signing_alg_values_supported"].([]any) {
			if !works[listed.(string)] {
				t.Errorf("%s: %s is listed and does not work", endpoint, listed)
			}
			delete(works, listed.(string))
		}
		if len(works) > 0 {
			t.Errorf("%s: works and is not listed: %v", endpoint, works)
		}
	}
	// The algorithms are those of the published keys, as they change.
	if _, err := s.Installation.Admin.MakeKey(t.Context(), local, "EdDSA"); err != nil {
		t.Fatal(err)
	}
	if got := s.Object(s.Get(openIDPath))["id_token_signing_alg_values_supported"]; cmp.Diff([]any{"ES256", "EdDSA"}, got) != "" {
		t.Errorf("the algorithms of two keys are %v", got)
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
