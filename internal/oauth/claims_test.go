package oauth_test

import (
	"encoding/json"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// verified returns the header and the claims of the token in a response, verified
// by another implementation with nothing but the published keys.
func verified(t *testing.T, s *identitytest.Service, r identitytest.Response) (header, claims map[string]any) {
	t.Helper()
	wantStatus(t, r, 200)
	return verifiedToken(t, s, s.Object(r)["token"])
}

// verifiedToken is verified for a token itself.
func verifiedToken(t *testing.T, s *identitytest.Service, compact any) (header, claims map[string]any) {
	t.Helper()
	text, _ := compact.(string)
	var keys gojose.JSONWebKeySet
	if err := json.Unmarshal(s.JWKS(), &keys); err != nil {
		t.Fatal(err)
	}
	token, err := gojose.ParseSignedCompact(text, []gojose.SignatureAlgorithm{gojose.RS256, gojose.PS256, gojose.ES256, gojose.ES384, gojose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := token.Verify(keys)
	if err != nil {
		t.Fatalf("the token does not verify: %v", err)
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	protected := token.Signatures[0].Protected
	header = map[string]any{"alg": protected.Algorithm, "kid": protected.KeyID}
	for name, value := range protected.ExtraHeaders {
		header[string(name)] = value
	}
	return header, claims
}

// Whole tokens and responses: every member, and no other.
func TestTokensAndResponses(t *testing.T) {
	for _, algorithm := range jose.SigningAlgorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			s := identitytest.New(t, identitytest.Options{Algorithm: algorithm})
			alice := s.AddUser("alice", password, "orders:write", "identity:users:read", "orders:read")
			_, secret := s.AddClient(admin.NewClient{ID: "machine", Permissions: []string{"b", "a"}})
			_, plain := s.AddClient(admin.NewClient{ID: "plain"})
			now := float64(s.Clock.Now().Unix())
			user := map[string]any{
				"iss": s.Issuer, "sub": alice.ID, "iat": now, "exp": now + 900, "client_id": "identity", "auth_time": now,
				"amr": []any{"pwd"}, "gty": "user-credentials", "permissions": []any{"identity:users:read", "orders:read", "orders:write"},
			}
			machine := map[string]any{
				"iss": s.Issuer, "sub": "machine", "iat": now, "exp": now + 900, "client_id": "machine",
				"gty": "client-credentials", "permissions": []any{"a", "b"},
			}
			with := func(claims map[string]any, changes ...any) map[string]any {
				c := map[string]any{}
				for k, v := range claims {
					c[k] = v
				}
				for i := 0; i < len(changes); i += 2 {
					c[changes[i].(string)] = changes[i+1]
				}
				return c
			}
			for name, c := range map[string]struct {
				path, body, aud string
				claims          map[string]any
			}{
				"user":               {"/auth/login", object("username", "alice", "password", password, "audience", "orders"), "orders", user},
				"user, this service": {"/auth/login", object("username", "alice", "password", password), s.Issuer, user},
				"machine":            {"/auth/token", object("client_id", "machine", "client_secret", secret, "audience", "orders"), "orders", machine},
				"without permissions": {"/auth/token", object("client_id", "plain", "client_secret", plain, "audience", "orders"), "orders",
					with(machine, "sub", "plain", "client_id", "plain", "permissions", []any{})},
			} {
				t.Run(name, func(t *testing.T) {
					r := s.Do("POST", c.path, c.body)
					header, claims := verified(t, s, r)
					kid, _ := header["kid"].(string)
					wantHeader := map[string]any{"alg": string(algorithm), "kid": publishedKID(t, s), "typ": "at+jwt"}
					if diff := cmp.Diff(wantHeader, header); diff != "" || len(kid) != 43 {
						t.Errorf("header: %s", diff)
					}
					jti, _ := claims["jti"].(string)
					if len(jti) < 22 { // 128 bits
						t.Errorf("jti is %q", jti)
					}
					got := s.Object(r)
					wantClaims := with(c.claims, "aud", c.aud, "jti", jti)
					want := map[string]any{"token": got["token"], "audience": c.aud, "token_type": "Bearer", "expires_in": 900.0}
					if c.path == "/auth/login" { // a machine has no session
						refreshToken, _ := got["refresh_token"].(string)
						want["refresh_token"], want["refreshes_left"] = refreshToken, 100.0
						wantClaims["sid"] = sessionOf(t, refreshToken)
						s.WantNoCanary(refreshToken)
					}
					if diff := cmp.Diff(wantClaims, claims); diff != "" {
						t.Errorf("claims: %s", diff)
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("response: %s", diff)
					}
					for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"} {
						if r.Header.Get(name) != want {
							t.Errorf("%s is %q", name, r.Header.Get(name))
						}
					}
					if r.Header.Get("X-Request-Id") == "" {
						t.Error("no X-Request-Id")
					}
					s.WantNoCanary(canary, r)
					s.WantNoCanary(got["token"].(string))
				})
			}
		})
	}
}

func publishedKID(t *testing.T, s *identitytest.Service) string {
	t.Helper()
	var set struct{ Keys []struct{ KID string } }
	if err := json.Unmarshal(s.JWKS(), &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("want one published key, have %d (%v)", len(set.Keys), err)
	}
	return set.Keys[0].KID
}

// No two tokens have the same jti, also in the same instant for the same principal.
func TestJTIIsUnique(t *testing.T) {
	s := identitytest.New(t)
	_, secret := s.AddClient(admin.NewClient{ID: "machine"})
	seen := map[any]bool{}
	for range 50 {
		_, claims := verified(t, s, s.Do("POST", "/auth/token", object("client_id", "machine", "client_secret", secret, "audience", "x")))
		if seen[claims["jti"]] {
			t.Fatal("a jti came twice")
		}
		seen[claims["jti"]] = true
	}
}

// The lifetime is that of the configuration.
func TestExpiresInFollowsConfiguration(t *testing.T) {
	s := identitytest.New(t)
	s.AddUser("alice", password)
	s.Change("configuration", "", `UPDATE configuration SET expiration = 1234000`)
	r := s.Do("POST", "/auth/login", object("username", "alice", "password", password))
	_, claims := verified(t, s, r)
	if got := s.Object(r)["expires_in"]; got != 1234.0 || claims["exp"].(float64)-claims["iat"].(float64) != 1234 {
		t.Errorf("expires_in is %v, the token lives %v s, want 1234", got, claims["exp"].(float64)-claims["iat"].(float64))
	}
}
