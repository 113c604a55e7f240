package oauth_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const clientSecret = canary + " secret"

// machines are clients of all kinds, all with the chosen secret and the key.
type machines struct {
	*identitytest.Service
	key jose.PrivateKey
}

func newMachines(t *testing.T) machines {
	t.Helper()
	s := identitytest.New(t)
	m := machines{s, s.Key(jose.ES256)}
	for id, require := range map[string][]string{"secret": {"secret"}, "key": {"signature"}, "both": {"secret", "signature"}, "disabled": {"secret"}} {
		chosen := identity.NewSecret(clientSecret)
		s.AddClient(admin.NewClient{ID: id, Secret: &chosen, PublicKey: m.key.Public().PEM(), Require: require})
	}
	s.DisableClient("disabled")
	return m
}

// signed is a request of the client that is right but for the changes of its
// assertion.
func (m machines) signed(id string, changes map[string]any) string {
	return object("client_id", id, "client_secret", clientSecret, "signature", m.Assertion(m.key, id, changes), "audience", "billing")
}

// wrong are requests that prove nothing.
func (m machines) wrong() map[string]string {
	request := func(id string, members ...any) string {
		return object(append([]any{"client_id", id, "audience", "billing"}, members...)...)
	}
	now := m.Clock.Now().Unix()
	encode := func(header string) string {
		claims, _ := json.Marshal(map[string]any{"iss": "both", "sub": "both", "aud": m.Issuer, "exp": now + 60, "jti": canary})
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	}
	mac := func(key string) string {
		input := encode(`{"alg":"HS256"}`)
		h := hmac.New(sha256.New, []byte(key))
		h.Write([]byte(input))
		return input + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
	}
	long := strings.Repeat(canary, 55_000/len(canary))
	bodies := map[string]string{
		"unknown client":             request("nobody", "client_secret", clientSecret),
		"unknown client, signed":     request("nobody", "signature", m.Assertion(m.key, "nobody")),
		"wrong secret":               request("secret", "client_secret", canary),
		"empty secret":               request("secret", "client_secret", ""),
		"secret in other case":       request("secret", "client_secret", strings.ToUpper(clientSecret)),
		"long secret":                request("secret", "client_secret", long),
		"generated form":             request("secret", "client_secret", "ids_abcdefgh_"+strings.Repeat("A", 49)),
		"disabled":                   request("disabled", "client_secret", clientSecret),
		"no proof":                   request("secret"),
		"no proof, by key":           request("key"),
		"signature for secret":       request("secret", "signature", m.Assertion(m.key, "secret")),
		"secret for signature":       request("key", "client_secret", clientSecret),
		"both, secret only":          request("both", "client_secret", clientSecret),
		"both, signature only":       request("both", "signature", m.Assertion(m.key, "both")),
		"both, wrong secret":         request("both", "client_secret", canary, "signature", m.Assertion(m.key, "both")),
		"both, wrong signature":      request("both", "client_secret", clientSecret, "signature", m.Assertion(m.Key(jose.ES256), "both")),
		"empty signature":            request("both", "client_secret", clientSecret, "signature", ""),
		"unasked static signature":   request("key", "signature", base64.StdEncoding.EncodeToString(make([]byte, 256))),
		"none":                       request("both", "client_secret", clientSecret, "signature", encode(`{"alg":"none"}`)+"."),
		"nOnE":                       request("both", "client_secret", clientSecret, "signature", encode(`{"alg":"nOnE"}`)+"."),
		"HS256 with the public PEM":  request("both", "client_secret", clientSecret, "signature", mac(m.key.Public().PEM())),
		"HS256 with the secret":      request("both", "client_secret", clientSecret, "signature", mac(clientSecret)),
		"dots":                       request("both", "client_secret", clientSecret, "signature", strings.Repeat(".", 60_000)),
		"encrypted":                  request("both", "client_secret", clientSecret, "signature", encode(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483648}`)+".a.b.c"),
		"zipped":                     request("both", "client_secret", clientSecret, "signature", encode(`{"alg":"ES256","zip":"DEF"}`)+".AA"),
		"administrator as a client":  request(m.AdminUsername, "client_secret", m.AdminPassword.Reveal()),
		"client_id empty":            request("", "client_secret", clientSecret),
		"client_id long":             request(long, "client_secret", clientSecret),
		"client_id in other case":    request("Secret", "client_secret", clientSecret),
		"client_id with line breaks": request("secret\r\n{\"msg\":\"request\"}", "client_secret", clientSecret),
		"client_id SQL":              request("' OR 1=1--", "client_secret", clientSecret),
		"client_id a path":           request("../secret", "client_secret", clientSecret),
		"client_id of user logins":   request("identity", "client_secret", clientSecret),
	}
	for name, change := range map[string]map[string]any{
		"aud missing": {"aud": nil}, "aud foreign": {"aud": "https://other.test"}, "aud two": {"aud": []string{m.Issuer, "https://other.test"}},
		"iss another": {"iss": "secret"}, "sub another": {"sub": "secret"}, "iss and sub another": {"iss": "secret", "sub": "secret"},
		"exp missing": {"exp": nil}, "exp past": {"exp": now - 61}, "exp beyond": {"exp": now + 362}, "exp huge": {"exp": json.RawMessage("1e308")},
		"iat future": {"iat": now + 62}, "nbf future": {"nbf": now + 62}, "jti missing": {"jti": nil}, "jti empty": {"jti": ""},
		"claims of wrong types": {"exp": canary},
	} {
		bodies[name] = m.signed("both", change)
	}
	return bodies
}

func TestTokenRefusals(t *testing.T) {
	m := newMachines(t)
	good := []any{"client_id", "secret", "client_secret", clientSecret, "audience", "billing"}
	rows := commonRefusals("/auth/token", object(good...))
	rows = append(rows, memberRefusals("client_id", true, good...)...)
	rows = append(rows, memberRefusals("audience", true, good...)...)
	rows = append(rows, memberRefusals("client_secret", false, good...)...)
	rows = append(rows, memberRefusals("signature", false, append(good, "signature", canary)...)...)
	rows = append(rows,
		refusal{name: "nothing", body: "{}", status: 422, code: "invalid_request", fields: []string{"body.client_id missing", "body.audience missing"}},
		refusal{name: "secret with NUL", body: `{"client_id":"secret","client_secret":"` + canary + `\u0000","audience":"x"}`, status: 400, code: "invalid_json"},
		refusal{name: "credentials in the query", path: "/auth/token?client_id=secret&client_secret=" + canary, body: object("audience", "x"), status: 422, code: "invalid_request",
			fields: []string{"body.client_id missing", "query.client_id unknown", "query.client_secret unknown"}},
		refusal{name: "422 before 401", body: object("client_id", "secret", "client_secret", canary, "audience", ""), status: 422, code: "invalid_request",
			fields: []string{"body.audience invalid_value"}},
		refusal{name: "OAuth form", body: "grant_type=client_credentials&client_id=secret&client_secret=" + canary,
			headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415, code: "unsupported_media_type"},
		refusal{name: "Basic", body: object("client_id", "secret", "audience", "x"), headers: []string{"Authorization", "Basic c2VjcmV0OmNBbkFyWS03ZjNhOTEgc2VjcmV0"},
			status: 401, code: "invalid_credentials"},
	)
	for name, body := range m.wrong() {
		rows = append(rows, refusal{name: name, body: body, status: 401, code: "invalid_credentials"})
	}
	replayed := m.signed("both", nil)
	wantStatus(t, m.Do("POST", "/auth/token", replayed), 200)
	rows = append(rows, refusal{name: "jti used before", body: replayed, status: 401, code: "invalid_credentials"})
	refuse(t, m.Service, "/auth/token", rows)
	wantStatus(t, m.Do("POST", "/auth/token", object(good...)), 200)
	wantStatus(t, m.Do("POST", "/auth/token", m.signed("both", nil)), 200)
}

func TestTokenRefusalsAreTheSame(t *testing.T) {
	m := newMachines(t)
	m.AddClient(admin.NewClient{ID: "nowhere", Audiences: &[]string{}})
	bodies := m.wrong()
	bodies["wrong secret, audience not allowed"] = object("client_id", "nowhere", "client_secret", canary, "audience", "billing")
	replayed := m.signed("both", nil)
	wantStatus(t, m.Do("POST", "/auth/token", replayed), 200)
	bodies["jti used before"] = replayed
	wantSameBytes(t, m.Service, "/auth/token", bodies)
}

// Of 50 simultaneous requests with one assertion, one gets a token.
func TestOneAssertionOneToken(t *testing.T) {
	m := newMachines(t)
	body := m.signed("both", nil)
	var mu sync.Mutex
	statuses := map[int]int{}
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			r := m.Do("POST", "/auth/token", body)
			mu.Lock()
			defer mu.Unlock()
			statuses[r.Status]++
		})
	}
	group.Wait()
	if want := map[int]int{200: 1, 401: 49}; !maps.Equal(statuses, want) {
		t.Errorf("statuses %v, want %v", statuses, want)
	}
}

// A proof that is not required is not looked at.
func TestUnrequiredProofIsNotLookedAt(t *testing.T) {
	m := newMachines(t)
	for _, body := range []string{
		object("client_id", "secret", "client_secret", clientSecret, "signature", canary, "audience", "x"),
		object("client_id", "secret", "client_secret", clientSecret, "signature", "", "audience", "x"),
		object("client_id", "key", "client_secret", canary, "signature", m.Assertion(m.key, "key"), "audience", "x"),
		object("client_id", "key", "client_secret", "", "signature", m.Assertion(m.key, "key"), "audience", "x"),
	} {
		r := m.Do("POST", "/auth/token", body)
		wantStatus(t, r, 200)
		m.WantNoCanary(canary, r)
	}
}
