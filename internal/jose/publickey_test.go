package jose_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func TestHostilePEM(t *testing.T) {
	original := loadClientKey(t)
	for name, v := range map[string]struct{ text, message string }{
		"garbage":              {"hello", "SPKI"},
		"text before":          {"hello\n" + original.SPKI, "SPKI"},
		"text after":           {original.SPKI + "hello", "SPKI"},
		"two":                  {original.SPKI + original.SPKI, "SPKI"},
		"broken, then good":    {"-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----\n" + original.SPKI, "SPKI"},
		"cut":                  {original.SPKI[:len(original.SPKI)/2], "SPKI"},
		"headers":              {strings.Replace(original.SPKI, "KEY-----\n", "KEY-----\nA: b\n\n", 1), "SPKI"},
		"private key":          {original.PKCS8, "private key was sent"},
		"PKCS#1 private key":   {original.PKCS1, "private key was sent"},
		"public, then private": {original.SPKI + original.PKCS8, "private key was sent"},
		"encrypted":            {pemText("ENCRYPTED PRIVATE KEY", []byte("x")), "private key was sent"},
		"private JWK":          {strings.TrimSuffix(rfc7515EC, "}") + `,"d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`, "private key was sent"},
		"certificate":          {pemText("CERTIFICATE", []byte("x")), "certificate"},
		"PKCS#1 public key":    {pemText("RSA PUBLIC KEY", []byte("x")), "PKCS#1"},
		"other DER":            {pemText("PUBLIC KEY", []byte("x")), "well-formed"},
		"empty DER":            {pemText("PUBLIC KEY", nil), "well-formed"},
		"too large":            {original.SPKI + strings.Repeat("\n", 16<<10), "16 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := jose.ParsePublicKey([]byte(v.text))
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), v.message) {
				t.Errorf("message %q, want %q in it", err, v.message)
			}
			if strings.Contains(err.Error(), "MII") || strings.Contains(err.Error(), "jpsQ") {
				t.Error("the message repeats the input")
			}
		})
	}
}

func TestTrailingDERIsRefused(t *testing.T) {
	der, err := x509.MarshalPKIXPublicKey(standardKey(t, newKey(t, jose.EdDSA)).Public())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jose.ParsePublicKey([]byte(pemText("PUBLIC KEY", append(der, 0)))); err == nil {
		t.Error("accepted")
	}
}

func TestPublicKeysReadBack(t *testing.T) {
	for _, alg := range jose.SigningAlgorithms() {
		key, err := newKey(t, alg).Public().Bind(alg)
		if err != nil {
			t.Fatal(err)
		}
		fromJWK, err := jose.ParsePublicKey([]byte(key.JWK()))
		if err != nil {
			t.Fatal(err)
		}
		if bound, _ := fromJWK.Bound(); !fromJWK.Equal(key) || bound != alg || fromJWK.JWK() != key.JWK() {
			t.Errorf("%s: the JWK came back as %s", alg, fromJWK.JWK())
		}
		fromPEM, err := jose.ParsePublicKey([]byte("\r\n" + strings.ReplaceAll(key.PEM(), "\n", "\r\n") + " \n"))
		if err != nil {
			t.Fatal(err)
		}
		if !fromPEM.Equal(key) || fromPEM.KID() != key.KID() || fromPEM.PEM() != key.PEM() {
			t.Errorf("%s: the PEM came back as another key", alg)
		}
		if key.Equal(newKey(t, jose.ES256).Public()) || key.Equal(jose.PublicKey{}) {
			t.Errorf("%s: equal to another key", alg)
		}
	}
}

func TestFits(t *testing.T) {
	for _, own := range []jose.Algorithm{jose.RS256, jose.ES256, jose.ES384, jose.EdDSA} {
		key := newKey(t, own).Public()
		for _, alg := range append(jose.AssertionAlgorithms(), "none", "HS256", "ES512", "") {
			rsaBoth := own == jose.RS256 && (strings.HasPrefix(string(alg), "RS") || strings.HasPrefix(string(alg), "PS"))
			want := alg == own || rsaBoth
			if key.Fits(alg) != want {
				t.Errorf("the %s key fits %q: %v, want %v", own, alg, !want, want)
			}
			if _, err := key.Bind(alg); (err == nil) != want {
				t.Errorf("the %s key binds to %q: %v", own, alg, err)
			}
		}
	}
	bound, err := newKey(t, jose.RS256).Public().Bind(jose.RS256)
	if err != nil {
		t.Fatal(err)
	}
	for _, alg := range jose.AssertionAlgorithms() {
		if bound.Fits(alg) != (alg == jose.RS256) {
			t.Errorf("the key bound to RS256 fits %s: %v", alg, bound.Fits(alg))
		}
	}
	if _, err := bound.Bind(jose.PS256); err == nil {
		t.Error("a bound key was bound again")
	}
}

func TestZeroPublicKey(t *testing.T) {
	var key jose.PublicKey
	for _, alg := range jose.AssertionAlgorithms() {
		if key.Fits(alg) {
			t.Errorf("fits %s", alg)
		}
	}
	if _, err := json.Marshal(key); err == nil || key.PEM() != "" || key.JWK() != "" || key.KID() != "" {
		t.Error("the zero key has a form")
	}
}

func TestPublicKeyIsACopy(t *testing.T) {
	raw := &rsa.PublicKey{N: oddNumber(t, 2048), E: 65537}
	key, err := jose.NewPublicKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	raw.E = 3
	raw.N.SetInt64(15)
	if got := key.Key().(*rsa.PublicKey); got.E != 65537 || got.N.BitLen() != 2048 {
		t.Error("changing the original changed the key")
	}
}

func TestAlgorithmNames(t *testing.T) {
	for _, a := range jose.AssertionAlgorithms() {
		if got, err := jose.ParseAlgorithm(string(a)); got != a || err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
	for _, name := range []string{"", "none", "None", "nOnE", "HS256", "HS512", "rs256", "RS256 ", "RS1", "ES512", "ES256K", "Ed25519", "Ed448", "RSA-OAEP", "dir"} {
		if _, err := jose.ParseAlgorithm(name); err == nil {
			t.Errorf("%q was accepted", name)
		}
	}
	list := jose.SigningAlgorithms()
	list[0] = "none"
	if jose.SigningAlgorithms()[0] != jose.RS256 {
		t.Error("a caller can change the list")
	}
}
