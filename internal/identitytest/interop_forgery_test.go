package identitytest_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// attack is a message that a verifier must refuse. Each differs in one thing from
// one that it accepts.
type attack struct {
	name  string
	token string
	// issuer and audience are those that the verifier expects, where they are
	// not the usual ones.
	issuer, audience string
}

// forger makes attacks with the service's own signing key and with others.
type forger struct {
	t         *testing.T
	algorithm jose.Algorithm
	key       jose.PrivateKey
	kid       string
	jwk       []byte // as it is published
	claims    map[string]any
}

// again is the good token signed anew: that the forger's hand is good.
func (f forger) again() string { return f.sign(f.algorithm, private(f.t, f.key), nil, nil) }

// attacks are made of a good token.
func (f forger) attacks(good string) []attack {
	other := f.another()
	embedded := &gojose.JSONWebKey{Key: private(f.t, other), Algorithm: string(f.algorithm), KeyID: f.kid}
	parts := strings.Split(good, ".")
	own := func(changes map[string]any, header map[string]any) string {
		return f.sign(f.algorithm, private(f.t, f.key), changes, header)
	}
	list := []attack{
		{name: "alg none", token: f.unsigned("none") + "."},
		{name: "alg none, signature kept", token: f.unsigned("none") + "." + parts[2]},
		{name: "alg nOnE", token: f.unsigned("nOnE") + "."},
		{name: "no signature", token: parts[0] + "." + parts[1] + "."},
		{name: "two parts", token: parts[0] + "." + parts[1]},
		{name: "payload changed, signature kept", token: parts[0] + "." + f.payload(map[string]any{"sub": "somebody-else"}) + "." + parts[2]},
		{name: "HS256 keyed with the public key's PEM", token: f.sign("HS256", []byte(f.key.Public().PEM()), nil, nil)},
		{name: "HS256 keyed with the published JWK", token: f.sign("HS256", f.jwk, nil, nil)},
		{name: "another key under the kid", token: f.sign(f.algorithm, private(f.t, other), nil, nil)},
		{name: "another key, embedded as jwk", token: f.sign(f.algorithm, private(f.t, other), nil, map[string]any{"jwk": embedded.Public()})},
		{name: "another key with its own kid", token: f.sign(f.algorithm, private(f.t, other), nil, map[string]any{"kid": other.Public().KID()})},
		{name: "another type of token", token: own(nil, map[string]any{"typ": "JWT"})},
		{name: "expired", token: own(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}, nil)},
		{name: "no exp", token: own(map[string]any{"exp": nil}, nil)},
		{name: "another audience in the token", token: own(map[string]any{"aud": "other-api"}, nil)},
		{name: "no aud", token: own(map[string]any{"aud": nil}, nil)},
		{name: "no sub", token: own(map[string]any{"sub": nil}, nil)},
		{name: "another issuer in the token", token: own(map[string]any{"iss": "https://evil.test"}, nil)},
		{name: "another audience expected", token: good, audience: "other-api"},
		{name: "another issuer expected", token: good, issuer: "https://other.test"},
	}
	for _, a := range f.key.Algorithms() {
		if a != f.algorithm {
			list = append(list, attack{name: "the same key under " + string(a), token: f.sign(a, private(f.t, f.key), nil, nil)})
		}
	}
	return list
}

// another is a key that the service does not know.
func (f forger) another() jose.PrivateKey {
	f.t.Helper()
	key, err := jose.GeneratePrivateKey(f.algorithm)
	if err != nil {
		f.t.Fatal(err)
	}
	return key
}

// sign signs the claims, with changes laid over them (nil takes away), under the
// header of a good token with changes of its own.
func (f forger) sign(algorithm jose.Algorithm, key any, changes, header map[string]any) string {
	f.t.Helper()
	options := &gojose.SignerOptions{}
	options.WithHeader("typ", "at+jwt").WithHeader("kid", f.kid)
	for name, v := range header {
		options.WithHeader(gojose.HeaderKey(name), v)
	}
	signer, err := gojose.NewSigner(gojose.SigningKey{Algorithm: gojose.SignatureAlgorithm(algorithm), Key: key}, options)
	if err != nil {
		f.t.Fatal(err)
	}
	signed, err := signer.Sign(f.changed(changes))
	if err != nil {
		f.t.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		f.t.Fatal(err)
	}
	return compact
}

func (f forger) changed(changes map[string]any) []byte {
	f.t.Helper()
	claims := maps.Clone(f.claims)
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(claims)
	if err != nil {
		f.t.Fatal(err)
	}
	return text
}

func (f forger) payload(changes map[string]any) string {
	return base64.RawURLEncoding.EncodeToString(f.changed(changes))
}

// unsigned is a header with any alg, and the claims.
func (f forger) unsigned(alg string) string {
	header := `{"alg":"` + alg + `","kid":"` + f.kid + `","typ":"at+jwt"}`
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + f.payload(nil)
}

// private is the key in the form of the standard library.
func private(t *testing.T, key jose.PrivateKey) any {
	t.Helper()
	parsed, err := x509.ParsePKCS8PrivateKey(key.PKCS8())
	if err != nil {
		t.Fatal(err)
	}
	switch parsed.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
		return parsed
	}
	t.Fatalf("a key of type %T", parsed)
	return nil
}
