package identitytest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// verification is a line for a verifier and what it must make of it.
type verification struct {
	name      string
	algorithm jose.Algorithm
	good      bool
	request   verifyRequest
}

type verifyRequest struct {
	JWKS     json.RawMessage `json:"jwks"`
	Issuer   string          `json:"issuer"`
	Audience string          `json:"audience"`
	Token    string          `json:"token"`
}

type verifyAnswer struct {
	Claims  map[string]any `json:"claims"`
	Refused string         `json:"refused"`
}

const demoAPI = "demo-api"

// Tokens of every kind and algorithm are verified, from the published keys alone,
// by programs that share no code with us; and what they accept is no accident,
// for they refuse every attack.
func TestOthersVerifyOurTokens(t *testing.T) {
	var wanted []verification
	for _, a := range jose.SigningAlgorithms() {
		wanted = append(wanted, tokensAndAttacks(t, a)...)
	}
	languages := map[jose.Algorithm]map[string]bool{}
	var mu sync.Mutex
	missing := 0
	t.Run("with", func(t *testing.T) {
		for _, p := range verifiers {
			t.Run(p.implementation, func(t *testing.T) {
				t.Parallel()
				here := p.here(t)
				var accepted []jose.Algorithm
				if here {
					accepted = p.verifyAll(t, wanted)
				}
				mu.Lock()
				defer mu.Unlock()
				if !here {
					missing++
				}
				for _, a := range accepted {
					if languages[a] == nil {
						languages[a] = map[string]bool{}
					}
					languages[a][p.language] = true
				}
			})
		}
	})
	if missing > 0 {
		return // each has said so
	}
	for _, a := range jose.SigningAlgorithms() {
		if len(languages[a]) < 2 {
			t.Errorf("%s: verified in %d other languages, want 2", a, len(languages[a]))
		}
	}
}

// verifyAll gives the verifier all lines and compares. It returns the algorithms
// whose good tokens it accepted.
func (p program) verifyAll(t *testing.T, wanted []verification) (accepted []jose.Algorithm) {
	t.Helper()
	if p.slow {
		wanted = slices.DeleteFunc(slices.Clone(wanted), func(w verification) bool {
			return !w.good && w.algorithm != jose.PS256 && w.algorithm != jose.ES256
		})
	}
	requests := make([]verifyRequest, len(wanted))
	for i, w := range wanted {
		requests[i] = w.request
	}
	list, refused := answers[verifyRequest, verifyAnswer](t, p, requests)
	if !refused {
		t.Error("the exit code does not tell that something was refused")
	}
	for i, w := range wanted {
		answer := list[i]
		_, lacking := p.lacks[w.algorithm]
		switch {
		case answer.Claims != nil == (answer.Refused != ""):
			t.Errorf("%s, %s: neither accepted nor refused", w.algorithm, w.name)
		case w.good && lacking:
			if answer.Refused == "" {
				t.Errorf("%s was accepted: it is not lacking any more", w.algorithm)
			}
		case w.good:
			if diff := cmp.Diff(payload(t, w.request.Token), answer.Claims); diff != "" {
				t.Errorf("%s, %s: %s (-want +got)\n%s", w.algorithm, w.name, answer.Refused, diff)
				continue
			}
			accepted = append(accepted, w.algorithm)
		case answer.Refused == "":
			t.Errorf("%s, %s: was accepted", w.algorithm, w.name)
		default:
			t.Logf("%s, %s: %s", w.algorithm, w.name, strings.TrimSpace(answer.Refused))
		}
	}
	return accepted
}

// tokensAndAttacks are a token of a person and of each kind of machine, of a
// service that signs with the algorithm, and forgeries of them.
func tokensAndAttacks(t *testing.T, algorithm jose.Algorithm) []verification {
	t.Helper()
	s := identitytest.New(t, identitytest.Options{Algorithm: algorithm})
	s.AddUser("ann", "correct horse battery", "demo:write", "demo:read")
	early := s.Login("ann", "correct horse battery", demoAPI)
	key := signWith(t, s, algorithm)

	_, secret := s.AddClient(admin.NewClient{ID: "with-secret", Permissions: []string{"demo:read"}})
	clientKey := s.Key(jose.ES256)
	s.AddClient(admin.NewClient{ID: "with-key", PublicKey: clientKey.Public().PEM()})
	_, second := s.AddClient(admin.NewClient{ID: "with-both", PublicKey: clientKey.Public().PEM(), GenerateSecret: true})

	good := s.Login("ann", "correct horse battery", demoAPI)
	tokens := map[string]string{
		"a person, under the first key": early,
		"a person":                      good,
		"a machine with a secret":       s.Token(demoAPI, map[string]string{"client_id": "with-secret", "client_secret": secret}),
		"a machine with a key": s.Token(demoAPI, map[string]string{
			"client_id": "with-key", "signature": s.Assertion(clientKey, "with-key"),
		}),
		"a machine with both": s.Token(demoAPI, map[string]string{
			"client_id": "with-both", "client_secret": second, "signature": s.Assertion(clientKey, "with-both"),
		}),
	}
	f := forger{t: t, algorithm: algorithm, key: key, kid: key.Public().KID(), claims: payload(t, good)}
	jwks := s.JWKS()
	f.jwk = published(t, jwks, f.kid, algorithm)
	tokens["the forger without an attack"] = f.again()

	var list []verification
	request := verifyRequest{JWKS: jwks, Issuer: s.Issuer, Audience: demoAPI}
	for name, token := range tokens {
		request.Token = token
		list = append(list, verification{name, algorithm, true, request})
	}
	for _, a := range f.attacks(good) {
		r := request
		r.Token = a.token
		if a.issuer != "" {
			r.Issuer = a.issuer
		}
		if a.audience != "" {
			r.Audience = a.audience
		}
		list = append(list, verification{a.name, algorithm, false, r})
	}
	return list
}

// signWith gives the service a signing key that the test knows.
func signWith(t *testing.T, s *identitytest.Service, algorithm jose.Algorithm) jose.PrivateKey {
	t.Helper()
	key := s.Key(algorithm)
	body, err := json.Marshal(map[string]string{"private_key": privatePEM(key)})
	if err != nil {
		t.Fatal(err)
	}
	r := s.Do(http.MethodPatch, "/api/configuration", string(body), "Authorization", "Bearer "+s.AdminToken())
	if r.Status != http.StatusOK {
		t.Fatalf("the key was not taken: status %d\n%s", r.Status, r.Body)
	}
	s.Clock.Move(2 * time.Second)
	return key
}

// published returns the key as the JWKS has it, beside the one that signed before.
func published(t *testing.T, jwks []byte, kid string, algorithm jose.Algorithm) []byte {
	t.Helper()
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(jwks, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 2 {
		t.Errorf("%d keys are published, want the former and the new one", len(set.Keys))
	}
	for _, k := range set.Keys {
		var members struct{ KID, Alg string }
		if err := json.Unmarshal(k, &members); err != nil {
			t.Fatal(err)
		}
		if members.KID == kid {
			if members.Alg != string(algorithm) {
				t.Errorf("the published key is for %s, want %s", members.Alg, algorithm)
			}
			return k
		}
	}
	t.Fatal("the new key is not published")
	return nil
}

// payload reads the claims of a token without verifying it.
func payload(t *testing.T, token string) (claims map[string]any) {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}
