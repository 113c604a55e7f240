package client_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/client"
	"github.com/seed-60f9e3ad/identity/client/clienttest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const audience = "orders-api"

// newVerifier makes a verifier of the issuer's tokens, ready, until the end of the test.
func newVerifier(t testing.TB, issuer *clienttest.Issuer, change ...func(*client.VerifierConfig)) *client.Verifier {
	t.Helper()
	cfg := client.VerifierConfig{Issuer: issuer.URL(), Audience: audience, HTTPClient: issuer.HTTPClient()}
	for _, c := range change {
		c(&cfg)
	}
	v, err := client.NewVerifier(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// accepted fails the test if the token is not good.
func accepted(t testing.TB, v *client.Verifier, token string) *client.Token {
	t.Helper()
	got, err := v.Verify(t.Context(), token)
	if err != nil {
		t.Fatalf("a good token: %v", err)
	}
	return got
}

// refused fails the test if the token is good, or refused for another reason.
func refused(t testing.TB, v *client.Verifier, token string, want error) {
	t.Helper()
	got, err := v.Verify(t.Context(), token)
	if got != nil || !errors.Is(err, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if errors.Is(err, client.ErrInvalid) == errors.Is(err, client.ErrUnavailable) {
		t.Errorf("%v says both that the token is bad and that nobody knows, or neither", err)
	}
}

// forger has a key that an issuer publishes, and signs with it whatever it likes.
type forger struct {
	issuer *clienttest.Issuer
	key    *ecdsa.PrivateKey
	public jose.PublicKey
}

// newForger makes an issuer that publishes the forger's key beside its own.
func newForger(t testing.TB) *forger {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := jose.NewPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public, err = public.Bind(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	f := &forger{clienttest.New(t), key, public}
	f.publish(public.JWK(), ownKey(t, f.issuer))
	return f
}

// ownKey is the JWK that the issuer publishes.
func ownKey(t testing.TB, issuer *clienttest.Issuer) string {
	t.Helper()
	response, err := issuer.HTTPClient().Get(issuer.URL() + clienttest.KeysPath)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(response.Body).Decode(&set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("%d keys, %v", len(set.Keys), err)
	}
	return string(set.Keys[0])
}

// publish has the issuer publish these JWKs, as texts.
func (f *forger) publish(keys ...string) {
	text := `{"keys":[`
	for i, key := range keys {
		if i > 0 {
			text += ","
		}
		text += key
	}
	f.issuer.Answer(clienttest.KeysPath, constant(text+"]}"))
}

// constant is a handler that always answers the same.
func constant(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
}

// header is a good header, changed; nil takes a member away.
func (f *forger) header(changes ...map[string]any) string {
	return changed(map[string]any{"alg": "ES256", "typ": "at+jwt", "kid": f.public.KID()}, changes)
}

// claims are good claims, changed.
func (f *forger) claims(changes ...map[string]any) string {
	now := time.Now().Unix()
	return changed(map[string]any{
		"iss": f.issuer.URL(), "sub": "robot", "client_id": "robot", "aud": audience, "jti": rand.Text(),
		"iat": now, "exp": now + 900, "gty": "client-credentials", "permissions": []string{"orders:read"},
	}, changes)
}

func changed(members map[string]any, changes []map[string]any) string {
	for _, c := range changes {
		maps.Copy(members, c)
	}
	maps.DeleteFunc(members, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// sign signs a header and claims as they are.
func (f *forger) sign(header, payload string) string {
	input := encode(header) + "." + encode(payload)
	return input + "." + encode(f.signature(input))
}

func (f *forger) signature(input string) string {
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, f.key, sum[:])
	if err != nil {
		panic(err)
	}
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	s.FillBytes(raw[32:])
	return string(raw)
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// with is a change of one member.
func with(name string, value any) map[string]any { return map[string]any{name: value} }

// raw is JSON as it stands.
func raw(text string, values ...any) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(text, values...))
}
