package oauth_test

import (
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// A client that is registered for one method (RFC 7591 section 2) can use no other, though its
// proof is the same; /auth/token knows no methods.
func TestRegisteredMethod(t *testing.T) {
	s := identitytest.New(t)
	chosen := identity.NewSecret(clientSecret)
	key := s.Key(jose.ES256)
	s.AddClient(admin.NewClient{ID: "basic", Secret: &chosen, AuthMethod: identity.AuthSecretBasic})
	s.AddClient(admin.NewClient{ID: "post", Secret: &chosen, AuthMethod: identity.AuthSecretPost})
	s.AddClient(admin.NewClient{ID: "jwt", Secret: &chosen, PublicKey: key.Public().PEM(), Require: []string{"signature"}, AuthMethod: identity.AuthPrivateKeyJWT})
	for _, id := range []string{"basic", "post", "jwt"} {
		ways := map[string]identitytest.Response{
			"basic": postForm(s, standardPath, grant(), basic(id, clientSecret)...),
			"post":  postForm(s, standardPath, grant("client_id", id, "client_secret", clientSecret)),
			"jwt":   postForm(s, standardPath, grant(asserted(s.Assertion(key, id))...)),
		}
		for way, r := range ways {
			if way == id {
				wantStatus(t, r, 200)
			} else {
				wantOAuthError(t, r, 401, "invalid_client")
			}
		}
	}
	wantStatus(t, s.Do("POST", "/auth/token", object("client_id", "post", "client_secret", clientSecret, "audience", "x")), 200)
}

// RFC 8725 section 3.1: an algorithm that the client is not registered with is refused, though its
// key could have made the signature.
func TestRegisteredAlgorithm(t *testing.T) {
	s := identitytest.New(t)
	key := s.Key(jose.RS256)
	s.AddClient(admin.NewClient{ID: "bound", PublicKey: key.Public().PEM(), AssertionAlgorithm: "PS256"})
	s.AddClient(admin.NewClient{ID: "any", PublicKey: key.Public().PEM()})
	for _, algorithm := range []jose.Algorithm{jose.RS256, jose.RS384, jose.PS256, jose.PS384, jose.PS512} {
		for _, id := range []string{"bound", "any"} {
			signer, err := jose.NewSigner(key, algorithm, "JWT")
			if err != nil {
				t.Fatal(err)
			}
			sign := func(jti string) string {
				text, err := signer.Sign([]byte(object("iss", id, "sub", id, "aud", s.Issuer, "exp", s.Clock.Now().Unix()+60, "jti", jti+string(algorithm))))
				if err != nil {
					t.Fatal(err)
				}
				return text
			}
			good := id == "any" || algorithm == jose.PS256
			r := postForm(s, standardPath, grant(asserted(sign("a"))...))
			if good {
				wantStatus(t, r, 200)
			} else {
				wantOAuthError(t, r, 401, "invalid_client")
			}
			if r := s.Do("POST", "/auth/token", object("client_id", id, "signature", sign("b"), "audience", "x")); (r.Status == 200) != good {
				t.Errorf("%s with %s at /auth/token: status %d", id, algorithm, r.Status)
			}
		}
	}
}

// An assertion for the token endpoint is for clients that are registered so, at the endpoints of
// the standards, and for its exact URL.
func TestAssertionAudience(t *testing.T) {
	s := identitytest.New(t)
	key := s.Key(jose.ES256)
	s.AddClient(admin.NewClient{ID: "endpoint", PublicKey: key.Public().PEM(), AssertionAudience: identity.AssertionForTokenEndpoint})
	s.AddClient(admin.NewClient{ID: "issuer", PublicKey: key.Public().PEM()})
	endpoint := s.Issuer + standardPath
	for name, c := range map[string]struct {
		client string
		aud    any
		path   string
		good   bool
	}{
		"the endpoint":                   {"endpoint", endpoint, standardPath, true},
		"the endpoint, in a list":        {"endpoint", []string{endpoint}, standardPath, true},
		"the endpoint, at introspection": {"endpoint", endpoint, introspectPath, true},
		"the endpoint, at revocation":    {"endpoint", endpoint, revokePath, true},
		"the issuer":                     {"endpoint", s.Issuer, standardPath, true},
		"both":                           {"endpoint", []string{s.Issuer, endpoint}, standardPath, false},
		"the endpoint and another":       {"endpoint", []string{endpoint, "https://evil.test"}, standardPath, false},
		"a slash more":                   {"endpoint", endpoint + "/", standardPath, false},
		"another host":                   {"endpoint", "https://evil.test" + standardPath, standardPath, false},
		"introspection's own URL":        {"endpoint", s.Issuer + introspectPath, introspectPath, false},
		"not registered so":              {"issuer", endpoint, standardPath, false},
	} {
		r := postForm(s, c.path, grant(append(asserted(s.Assertion(key, c.client, map[string]any{"aud": c.aud})), "token", "x")...))
		if (r.Status == 200) != c.good {
			t.Errorf("%s: status %d %s", name, r.Status, r.Body)
		}
	}
	body := object("client_id", "endpoint", "signature", s.Assertion(key, "endpoint", map[string]any{"aud": endpoint}), "audience", "x")
	wantProblem(t, s.Do("POST", "/auth/token", body), "POST", 401, "invalid_credentials", nil)
}

// RFC 9068 section 5: nobody can take a client's sub for a user's, since no client can have the
// id of a user.
func TestAccessTokenSubjects(t *testing.T) {
	s := identitytest.New(t)
	user := s.AddUser("alice", password)
	if _, _, err := s.Installation.Admin.CreateClient(t.Context(), local, admin.NewClient{ID: user.ID, Name: "n"}); identity.KindOf(err) != identity.Conflict {
		t.Errorf("a client has the id of a user: %v", err)
	}
	_, secret := s.AddClient(admin.NewClient{ID: "machine"})
	_, machine := verifiedToken(t, s, s.Object(postForm(s, standardPath, grant(), basic("machine", secret)...))["access_token"])
	_, person := verifiedToken(t, s, s.Login("alice", password, ""))
	if machine["sub"] != machine["client_id"] || person["client_id"] != "identity" || person["sub"] == person["client_id"] {
		t.Errorf("machine %v, person %v", machine, person)
	}
}
