package oauth_test

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const jwksPath = "/.well-known/jwks.json"

// jwks returns the published keys by kid.
func jwks(t *testing.T, s *identitytest.Service) map[string]map[string]any {
	t.Helper()
	var set map[string][]map[string]any
	if err := json.Unmarshal(s.JWKS(), &set); err != nil || len(set) != 1 {
		t.Fatalf("the set has %d members, want keys only (%v)", len(set), err)
	}
	keys := map[string]map[string]any{}
	for _, k := range set["keys"] {
		keys[k["kid"].(string)] = k
	}
	if len(keys) != len(set["keys"]) {
		t.Errorf("%d keys have %d kids", len(set["keys"]), len(keys))
	}
	return keys
}

// The members of every kind of key: the public ones, and no other.
func TestJWKSMembers(t *testing.T) {
	members := map[jose.Algorithm][]string{
		jose.RS256: {"alg", "e", "kid", "kty", "n", "use"},
		jose.PS256: {"alg", "e", "kid", "kty", "n", "use"},
		jose.ES256: {"alg", "crv", "kid", "kty", "use", "x", "y"},
		jose.ES384: {"alg", "crv", "kid", "kty", "use", "x", "y"},
		jose.EdDSA: {"alg", "crv", "kid", "kty", "use", "x"},
	}
	for _, algorithm := range jose.SigningAlgorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			s := identitytest.New(t, identitytest.Options{Algorithm: algorithm})
			keys := jwks(t, s)
			if len(keys) != 1 {
				t.Fatalf("%d keys, want 1", len(keys))
			}
			for kid, k := range keys {
				var names []string
				for name := range k {
					names = append(names, name)
				}
				slices.Sort(names)
				if diff := cmp.Diff(members[algorithm], names); diff != "" {
					t.Errorf("members: %s", diff) // none of d, p, q, dp, dq, qi, k
				}
				text, _ := json.Marshal(k)
				key, err := jose.ParsePublicKey(text)
				if err != nil || key.KID() != kid || k["use"] != "sig" || k["alg"] != string(algorithm) {
					t.Errorf("kid %s, use %v, alg %v, thumbprint %s (%v)", kid, k["use"], k["alg"], key.KID(), err)
				}
			}
		})
	}
}

// The set follows the keys: what will sign, signs, and has signed live tokens.
func TestJWKSOfEveryKeyState(t *testing.T) {
	s := identitytest.New(t)
	login := func() (kid string) {
		header, _ := verified(t, s, s.Post("/auth/login", map[string]string{"username": s.AdminUsername, "password": s.AdminPassword.Reveal()}))
		return header["kid"].(string)
	}
	first := login()
	want := func(when string, kids ...string) {
		t.Helper()
		keys := jwks(t, s)
		for _, kid := range kids {
			if keys[kid] == nil {
				t.Errorf("%s: key %s is not published", when, kid)
			}
		}
		if len(keys) != len(kids) {
			t.Errorf("%s: %d keys are published, want %d", when, len(keys), len(kids))
		}
	}
	want("at first", first)
	etag := s.Get(jwksPath).Header.Get("Etag")

	key := s.Key(jose.EdDSA)
	second := key.Public().KID()
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key.PKCS8()}))
	admin := []string{"Authorization", "Bearer " + s.AdminToken()}
	body, _ := json.Marshal(map[string]string{"private_key": private})
	wantStatus(t, s.Do("PATCH", "/api/configuration", string(body), admin...), 200)
	want("imported, next", first, second)
	if changed := s.Get(jwksPath).Header.Get("Etag"); changed == etag {
		t.Error("the ETag did not change with the set")
	}
	if got := login(); got != first {
		t.Error("the new key signs before others can know it")
	}
	s.Clock.Move(2 * time.Second)
	if got := login(); got != second {
		t.Error("the new key does not sign after two seconds")
	}
	want("the first retired", first, second)
	s.Clock.Move(899 * time.Second)
	want("its last token lives", first, second)
	s.Clock.Move(10 * time.Minute)
	want("its last token has expired", second)
	login()
	s.WantNoCanary(strings.Split(private, "\n")[1])
}

func TestJWKSOverHTTP(t *testing.T) {
	s := identitytest.New(t)
	r := s.Get(jwksPath)
	wantStatus(t, r, 200)
	etag := r.Header.Get("Etag")
	if len(etag) < 10 || etag[0] != '"' || etag[len(etag)-1] != '"' {
		t.Fatalf("ETag is %s", etag)
	}
	public := map[string]string{"Cache-Control": "public, max-age=300", "Etag": etag, "Content-Type": "application/json"}
	wantHeader := func(r identitytest.Response, want map[string]string) {
		t.Helper()
		for name, value := range want {
			if got := r.Header.Get(name); got != value {
				t.Errorf("%s is %q, want %q", name, got, value)
			}
		}
	}
	wantHeader(r, public)
	if again := s.Get(jwksPath); again.Header.Get("Etag") != etag || string(again.Body) != string(r.Body) {
		t.Error("the set is not the same the second time")
	}
	// What the caller would rather have changes nothing.
	html := s.Get(jwksPath, "Accept", "text/html", "Authorization", "Bearer x", "Cookie", "a=b")
	wantStatus(t, html, 200)
	wantHeader(html, public)

	for _, held := range []string{etag, "W/" + etag, `"x", ` + etag, "*"} {
		same := s.Get(jwksPath, "If-None-Match", held)
		wantStatus(t, same, 304)
		wantHeader(same, map[string]string{"Cache-Control": "public, max-age=300", "Etag": etag})
		if len(same.Body) != 0 {
			t.Error("a 304 has a body")
		}
	}
	for _, other := range []string{`"x"`, `""`, etag[1 : len(etag)-1], `"x", W/"y"`} {
		wantStatus(t, s.Get(jwksPath, "If-None-Match", other), 200)
	}

	head := s.Do("HEAD", jwksPath, "")
	wantStatus(t, head, 200)
	wantHeader(head, public)
	if len(head.Body) != 0 {
		t.Error("HEAD has a body")
	}

	refuse(t, s, jwksPath, []refusal{
		{name: "POST", body: "{}", status: 405, code: "method_not_allowed"},
		{name: "PUT", method: "PUT", body: "{}", status: 405, code: "method_not_allowed"},
		{name: "DELETE", method: "DELETE", status: 405, code: "method_not_allowed"},
		{name: "OPTIONS", method: "OPTIONS", status: 405, code: "method_not_allowed"},
		{name: "overridden method", headers: []string{"X-Http-Method-Override", "GET"}, status: 405, code: "method_not_allowed"},
		{name: "query", method: "GET", path: jwksPath + "?kid=" + canary, status: 422, code: "invalid_request", fields: []string{"query.kid unknown"}},
		{name: "trailing slash", method: "GET", path: jwksPath + "/", status: 404, code: "not_found"},
		{name: "double slash", method: "GET", path: "/" + jwksPath, status: 404, code: "not_found"},
		{name: "encoded slash", method: "GET", path: "/.well-known%2fjwks.json", status: 404, code: "not_found"},
		{name: "dots", method: "GET", path: "/x/..;/.well-known/jwks.json", status: 404, code: "not_found"},
		{name: "upper case", method: "GET", path: "/.well-known/JWKS.json", status: 404, code: "not_found"},
	})
	if allow := s.Do("POST", jwksPath, "{}").Header.Get("Allow"); allow != "GET, HEAD" {
		t.Errorf("Allow is %q", allow)
	}
	if allow := s.Get("/auth/login").Header.Get("Allow"); allow != "POST" {
		t.Errorf("Allow of login is %q", allow)
	}
}

// In the steady state keys, metadata and a token for a proven secret need no
// database; and what memory knows is used for a second, not longer. Only verifying goes
// on: the published keys stay.
func TestSteadyStateNeedsNoDatabase(t *testing.T) {
	m := newMachines(t)
	body := object("client_id", "secret", "client_secret", clientSecret, "audience", "x")
	requests := func() []identitytest.Response {
		return []identitytest.Response{m.Do("POST", "/auth/token", body), m.Get(jwksPath), m.Get("/.well-known/openid-configuration")}
	}
	for _, r := range requests() {
		wantStatus(t, r, http.StatusOK)
	}
	hashes := m.Installation.Pool.Stats().Hashes
	if err := m.Installation.Follower.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Installation.DB.Close(); err != nil {
		t.Fatal(err)
	}
	for _, r := range requests() {
		wantStatus(t, r, http.StatusOK)
	}
	if m.Installation.Pool.Stats().Hashes != hashes {
		t.Error("a proven secret was hashed again")
	}
	time.Sleep(1100 * time.Millisecond)
	for i, r := range requests() {
		if want := []int{http.StatusServiceUnavailable, http.StatusOK, http.StatusServiceUnavailable}[i]; r.Status != want {
			t.Errorf("request %d: status %d when nobody could check memory for more than a second, want %d", i+1, r.Status, want)
		}
	}
}
