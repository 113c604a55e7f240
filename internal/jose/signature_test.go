package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// A public key is no secret: an HMAC keyed with any of its forms proves nothing
// (CVE-2026-33322 and many before it), even when a caller's list asks for it.
func TestHMACWithThePublicKeyIsRefused(t *testing.T) {
	key := newKey(t, jose.RS256).Public()
	der, err := x509.MarshalPKIXPublicKey(key.Key())
	if err != nil {
		t.Fatal(err)
	}
	for _, alg := range []string{"HS256", "hs256", "none"} {
		for _, secret := range [][]byte{[]byte(key.PEM()), []byte(strings.TrimSpace(key.PEM())), der, []byte(key.JWK()), nil} {
			input := b64.EncodeToString([]byte(`{"alg":"`+alg+`"}`)) + "." + b64.EncodeToString([]byte(claims))
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(input))
			compact := input + "." + b64.EncodeToString(mac.Sum(nil))
			for _, allowed := range [][]jose.Algorithm{jose.AssertionAlgorithms(), {jose.RS256, jose.Algorithm(alg)}} {
				if m, err := jose.Parse(compact, allowed); err == nil {
					t.Errorf("%s: parsed as %s", alg, m.Algorithm())
				}
			}
		}
	}
}

func TestTheKeyDecidesTheAlgorithm(t *testing.T) {
	keys := map[jose.Algorithm]jose.PrivateKey{}
	for _, alg := range jose.AssertionAlgorithms() {
		keys[alg] = newKey(t, alg)
	}
	for made, key := range keys {
		compact := sign(t, key, made, claims)
		m, err := jose.Parse(compact, jose.AssertionAlgorithms())
		if err != nil {
			t.Fatal(err)
		}
		for bind, other := range keys {
			bound, err := other.Public().Bind(bind)
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.Verify(bound)
			if (err == nil) != (bind == made) {
				t.Errorf("%s under the key bound to %s: %v", made, bind, err)
			}
		}
		if _, err := m.Verify(jose.PublicKey{}); err == nil {
			t.Errorf("%s under no key: accepted", made)
		}
		if stranger, err := jose.GeneratePrivateKey(made); err != nil {
			t.Fatal(err)
		} else if _, err := m.Verify(stranger.Public()); !errors.Is(err, jose.ErrSignature) {
			t.Errorf("%s under another key of its kind: %v", made, err)
		}
	}
}

func TestECDSASignaturesHaveFixedWidth(t *testing.T) {
	for alg, width := range map[jose.Algorithm]int{jose.ES256: 32, jose.ES384: 48} {
		key := newKey(t, alg)
		raw := standardKey(t, key).(*ecdsa.PrivateKey)
		verify := func(name string, signature []byte) {
			t.Helper()
			compact := sign(t, key, alg, claims)
			compact = compact[:strings.LastIndex(compact, ".")+1] + b64.EncodeToString(signature)
			m, err := jose.Parse(compact, []jose.Algorithm{alg})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Verify(key.Public()); err == nil {
				t.Errorf("%s: %s was accepted", alg, name)
			}
		}
		// The same numbers that verify as r||s are refused in other clothes.
		compact := sign(t, key, alg, claims)
		input, encoded, _ := strings.Cut(compact[strings.Index(compact, ".")+1:], ".")
		input = compact[:strings.Index(compact, ".")+1] + input
		good, err := b64.DecodeString(encoded)
		if err != nil || len(good) != 2*width {
			t.Fatalf("%s: %d bytes of signature", alg, len(good))
		}
		hash := map[jose.Algorithm]crypto.Hash{jose.ES256: crypto.SHA256, jose.ES384: crypto.SHA384}[alg].New()
		hash.Write([]byte(input))
		asn1, err := ecdsa.SignASN1(rand.Reader, raw, hash.Sum(nil))
		if err != nil {
			t.Fatal(err)
		}
		verify("ASN.1", asn1)
		verify("one byte less", good[:len(good)-1])
		verify("one byte more", append(slices.Clone(good), 0))
		verify("wider numbers", slices.Concat([]byte{0}, good[:width], []byte{0}, good[width:]))
		verify("zeros", make([]byte, 2*width))
		verify("swapped", slices.Concat(good[width:], good[:width]))
	}
}

func TestPSSSaltOfAMessageIsAsLongAsTheHash(t *testing.T) {
	key := newKey(t, jose.PS256)
	raw := standardKey(t, key).(*rsa.PrivateKey)
	input := b64.EncodeToString([]byte(`{"alg":"PS256"}`)) + "." + b64.EncodeToString([]byte(claims))
	digest := sha256.Sum256([]byte(input))
	for salt, good := range map[int]bool{32: true, 31: false, 33: false, 222: false, 0: false} {
		length := salt
		if salt == 0 {
			length = 1 // 0 is PSSSaltLengthAuto
		}
		signature, err := rsa.SignPSS(rand.Reader, raw, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: length})
		if err != nil {
			t.Fatal(err)
		}
		m, err := jose.Parse(input+"."+b64.EncodeToString(signature), jose.AssertionAlgorithms())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Verify(key.Public()); (err == nil) != good {
			t.Errorf("salt of %d bytes: %v", length, err)
		}
	}
}
