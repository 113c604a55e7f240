package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

var b64 = base64.RawURLEncoding

// clientKey is what the libraries of the original Python service made.
type clientKey struct {
	ClientID   string `json:"client_id"`
	PKCS8      string `json:"private_key_pkcs8"`
	PKCS1      string `json:"private_key_pkcs1"`
	SPKI       string `json:"public_key_spki"`
	Signatures []struct {
		Salt      string `json:"salt"`
		Signature []byte `json:"signature"`
	} `json:"static_signatures"`
	Thumbprint string `json:"jwk_thumbprint_rfc7638"`
	JWS        string `json:"jwcrypto_rs256_jws"`
}

func loadClientKey(t testing.TB) clientKey {
	t.Helper()
	data, err := os.ReadFile("testdata/client_key.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		ClientKey clientKey `json:"client_key"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.ClientKey
}

// newKey makes a key for alg; for RSA it takes the client's, which is quicker.
func newKey(t testing.TB, alg jose.Algorithm) jose.PrivateKey {
	t.Helper()
	var key jose.PrivateKey
	var err error
	if strings.HasPrefix(string(alg), "RS") || strings.HasPrefix(string(alg), "PS") {
		key, err = jose.ParsePrivateKey([]byte(loadClientKey(t).PKCS8))
	} else {
		key, err = jose.GeneratePrivateKey(alg)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, key jose.PrivateKey, alg jose.Algorithm, payload string) string {
	t.Helper()
	signer, err := jose.NewSigner(key, alg, "")
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

// standardKey returns the key in the standard library's form.
func standardKey(t testing.TB, key jose.PrivateKey) crypto.Signer {
	t.Helper()
	k, err := x509.ParsePKCS8PrivateKey(key.PKCS8())
	if err != nil {
		t.Fatal(err)
	}
	return k.(crypto.Signer)
}

// forge signs any header and payload with SHA-256 (or Ed25519): the signature is
// always true, so what refuses the message is its form.
func forge(t testing.TB, key crypto.Signer, header, payload string) string {
	t.Helper()
	input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(payload))
	return input + "." + b64.EncodeToString(rawSignature(t, key, input))
}

func rawSignature(t testing.TB, key crypto.Signer, input string) []byte {
	t.Helper()
	h := crypto.SHA256.New()
	h.Write([]byte(input))
	digest := h.Sum(nil)
	var signature []byte
	var err error
	switch k := key.(type) {
	case *rsa.PrivateKey:
		signature, err = rsa.SignPKCS1v15(nil, k, crypto.SHA256, digest)
	case *ecdsa.PrivateKey:
		signature, err = ecdsa.SignASN1(rand.Reader, k, digest)
	case ed25519.PrivateKey:
		signature = ed25519.Sign(k, []byte(input))
	}
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

func spkiPEM(t testing.TB, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pemText("PUBLIC KEY", der)
}

func pemText(typ string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}))
}
