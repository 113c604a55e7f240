package jose_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func FuzzParse(f *testing.F) {
	// Those that verify; the hostile ones are files.
	genuine := []string{rfc7515RS256, rfc7515ES256, rfc8037EdDSA, loadClientKey(f).JWS}
	for _, seed := range genuine {
		f.Add(seed)
	}
	var keys []jose.PublicKey
	for _, text := range []string{rfc7515RSA, rfc7515EC, rfc8037Ed, loadClientKey(f).SPKI} {
		key, err := jose.ParsePublicKey([]byte(text))
		if err != nil {
			f.Fatal(err)
		}
		keys = append(keys, key)
	}
	verifier := newVerifier(f)
	f.Fuzz(func(t *testing.T, compact string) {
		m, err := jose.Parse(compact, jose.AssertionAlgorithms())
		if err != nil {
			return
		}
		if strings.Count(compact, ".") != 2 || len(compact) > jose.MaxMessage {
			t.Error("not a compact JWS")
		}
		if !slices.Contains(jose.AssertionAlgorithms(), m.Algorithm()) || len(m.KID()) > 256 {
			t.Errorf("algorithm %q, kid of %d bytes", m.Algorithm(), len(m.KID()))
		}
		if b64.EncodeToString(m.UnverifiedPayload()) != strings.Split(compact, ".")[1] {
			t.Error("the payload has a second spelling")
		}
		for _, key := range keys {
			_, err := m.Verify(key)
			if _, err2 := verifier.Verify(m, key); (err == nil) != (err2 == nil) {
				t.Errorf("Verify says %v, Verifier %v", err, err2)
			}
			if err == nil && !slices.Contains(genuine, compact) {
				t.Error("a forgery verified")
			}
		}
	})
}

func FuzzParsePublicKey(f *testing.F) {
	original := loadClientKey(f)
	for _, seed := range []string{
		rfc7515RSA, rfc7515EC, rfc8037Ed, rfc7638RSA, original.SPKI, original.PKCS8, "{}", "",
		newKey(f, jose.ES384).Public().PEM(), newKey(f, jose.EdDSA).Public().PEM(),
		strings.TrimSuffix(rfc7515EC, "}") + `,"alg":"ES256","use":"sig","key_ops":["verify"]}`,
		"-----BEGIN PUBLIC KEY-----\n-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := jose.ParsePublicKey(text)
		if err != nil {
			return
		}
		again, err := jose.ParsePublicKey([]byte(key.JWK()))
		if err != nil || again.JWK() != key.JWK() || !again.Equal(key) {
			t.Errorf("the JWK came back otherwise: %v", err)
		}
		fromPEM, err := jose.ParsePublicKey([]byte(key.PEM()))
		if err != nil || fromPEM.KID() != key.KID() {
			t.Errorf("the PEM came back otherwise: %v", err)
		}
		if !slices.ContainsFunc(jose.AssertionAlgorithms(), key.Fits) {
			t.Error("the key fits no algorithm")
		}
	})
}

func FuzzParsePrivateKey(f *testing.F) {
	original := loadClientKey(f)
	for _, seed := range []string{
		original.PKCS8, original.PKCS1, original.SPKI, "",
		pemText("PRIVATE KEY", newKey(f, jose.ES256).PKCS8()), pemText("PRIVATE KEY", newKey(f, jose.EdDSA).PKCS8()),
		pemText("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}) + pemText("EC PRIVATE KEY", []byte{0x30, 0}),
		"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := jose.ParsePrivateKey(text)
		if err != nil {
			return
		}
		again, err := jose.ParsePKCS8(key.PKCS8())
		if err != nil || !again.Public().Equal(key.Public()) {
			t.Errorf("the key came back otherwise: %v", err)
		}
		if len(key.Algorithms()) == 0 {
			t.Error("the key fits no algorithm")
		}
	})
}
