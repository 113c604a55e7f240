package jose_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func TestPrivateKeysOfTheOriginal(t *testing.T) {
	original := loadClientKey(t)
	for _, text := range []string{original.PKCS8, original.PKCS1, "\n " + original.PKCS8 + "\r\n"} {
		key, err := jose.ParsePrivateKey([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if key.Public().KID() != original.Thumbprint {
			t.Errorf("kid %s, want %s", key.Public().KID(), original.Thumbprint)
		}
	}
}

func TestGeneratedKeysReadBack(t *testing.T) {
	for _, alg := range jose.AssertionAlgorithms() {
		key, err := jose.GeneratePrivateKey(alg)
		if err != nil {
			t.Fatal(err)
		}
		if !key.Public().Fits(alg) || !slices.Contains(key.Algorithms(), alg) {
			t.Errorf("the key made for %s does not fit it", alg)
		}
		again, err := jose.ParsePKCS8(key.PKCS8())
		if err != nil {
			t.Fatal(err)
		}
		if !again.Public().Equal(key.Public()) || !bytes.Equal(again.PKCS8(), key.PKCS8()) {
			t.Errorf("%s: another key came back", alg)
		}
		if _, err := jose.ParsePKCS8(append(key.PKCS8(), 0)); err == nil {
			t.Errorf("%s: trailing DER was accepted", alg)
		}
	}
	for _, alg := range []jose.Algorithm{"", "none", "HS256", "ES512"} {
		if _, err := jose.GeneratePrivateKey(alg); err == nil {
			t.Errorf("a key was made for %q", alg)
		}
	}
}

func TestAlgorithmsOfPrivateKeys(t *testing.T) {
	for alg, want := range map[jose.Algorithm][]jose.Algorithm{
		jose.RS256: {jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512},
		jose.ES256: {jose.ES256}, jose.ES384: {jose.ES384}, jose.EdDSA: {jose.EdDSA},
	} {
		if got := newKey(t, alg).Algorithms(); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", alg, got, want)
		}
	}
}

func pkcs8PEM(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pemText("PRIVATE KEY", der)
}

func TestHostilePrivateKeys(t *testing.T) {
	original := loadClientKey(t)
	small, _ := rsa.GenerateKey(rand.Reader, 1024)
	p521, _ := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	p224, _ := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	encryptedDER := "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"
	for name, v := range map[string]struct{ text, message string }{
		"nothing":             {"", "PEM block"},
		"garbage":             {"hello", "PEM block"},
		"text before":         {"hello\n" + original.PKCS8, "PEM block"},
		"text after":          {original.PKCS8 + "hello", "PEM block"},
		"two":                 {original.PKCS8 + original.PKCS8, "PEM block"},
		"with its public key": {original.PKCS8 + original.SPKI, "PEM block"},
		"headers":             {strings.Replace(original.PKCS8, "KEY-----\n", "KEY-----\nA: b\n\n", 1), "PEM block"},
		"EC PARAMETERS alone": {pemText("EC PARAMETERS", []byte{5, 0}), "PEM block"},
		"EC PARAMETERS, RSA":  {pemText("EC PARAMETERS", []byte{5, 0}) + original.PKCS1, "PEM block"},
		"encrypted PKCS#8":    {pemText("ENCRYPTED PRIVATE KEY", []byte{5, 0}), "encrypted"},
		"encrypted PKCS#1":    {encryptedDER, "encrypted"},
		"OpenSSH":             {pemText("OPENSSH PRIVATE KEY", []byte{5, 0}), "OpenSSH"},
		"public key":          {original.SPKI, "public key"},
		"certificate":         {pemText("CERTIFICATE", []byte{5, 0}), "certificate"},
		"mislabelled":         {strings.ReplaceAll(original.PKCS1, "RSA PRIVATE", "EC PRIVATE"), "well-formed"},
		"empty DER":           {pemText("PRIVATE KEY", nil), "well-formed"},
		"RSA-1024":            {pkcs8PEM(t, small), "2048 to 8192"},
		"P-521":               {pkcs8PEM(t, p521), "P-256 or P-384"},
		"P-224":               {pkcs8PEM(t, p224), "P-256 or P-384"},
		"too large":           {original.PKCS8 + strings.Repeat("\n", 16<<10), "16 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := jose.ParsePrivateKey([]byte(v.text))
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), v.message) || strings.Contains(err.Error(), "MII") {
				t.Errorf("message %q, want %q in it", err, v.message)
			}
		})
	}
}

func TestInconsistentRSAPrivateKeysAreRefused(t *testing.T) {
	original := standardKey(t, newKey(t, jose.RS256)).(*rsa.PrivateKey)
	for name, spoil := range map[string]func(der []byte, n int){
		"another modulus":          func(der []byte, n int) { der[n] ^= 2 },
		"another private exponent": func(der []byte, _ int) { der[bytes.Index(der, original.D.Bytes())+8] ^= 1 },
		"another prime":            func(der []byte, _ int) { der[bytes.Index(der, original.Primes[0].Bytes())+8] ^= 1 },
	} {
		der := x509.MarshalPKCS1PrivateKey(original)
		modulus := original.N.Bytes()
		spoil(der, bytes.Index(der, modulus)+len(modulus)-1)
		if _, err := jose.ParsePrivateKey([]byte(pemText("RSA PRIVATE KEY", der))); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	// e = 3 with a true d: the arithmetic agrees, the policy does not.
	p, q := original.Primes[0], original.Primes[1]
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	for e := int64(3); e < 65537; e += 2 {
		if d := new(big.Int).ModInverse(big.NewInt(e), phi); d != nil {
			weak := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: original.N, E: int(e)}, D: d, Primes: original.Primes}
			weak.Precompute()
			_, err := jose.ParsePrivateKey([]byte(pkcs8PEM(t, weak)))
			if err == nil || !strings.Contains(err.Error(), "exponent") {
				t.Errorf("exponent %d: %v", e, err)
			}
			break
		}
	}
}

func TestPrivateKeysDoNotPrint(t *testing.T) {
	type holder struct{ key jose.PrivateKey }
	type outer struct{ Key jose.PrivateKey }
	seed := ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))
	der, err := x509.MarshalPKCS8PrivateKey(seed)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jose.ParsePKCS8(der)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(key, jose.EdDSA, "JWT")
	if err != nil {
		t.Fatal(err)
	}
	needles := []string{
		"0123456789abcdef", hex.EncodeToString(seed[:16]), strings.ToUpper(hex.EncodeToString(seed[:16])),
		"48 49 50 51 52", base64.StdEncoding.EncodeToString(seed[:15]), "0x30, 0x31, 0x32",
	}
	check := func(how, text string) {
		t.Helper()
		for _, n := range needles {
			if strings.Contains(text, n) {
				t.Fatalf("%q prints the key", how)
			}
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%t", "%p", "%T", "%c", "%U", "%w", "%e", "%!"} {
		if text := fmt.Sprintf(verb, key); text != "[redacted]" && !slices.Contains([]string{"%p", "%T", "%w", "%!"}, verb) {
			t.Errorf("%s prints %q", verb, text)
		}
		for _, v := range []any{key, &key, holder{key}, &holder{key}, []holder{{key}}, outer{key}, &outer{key}, [1]holder{{key}}, map[string]holder{"k": {key}}, struct{ h *holder }{&holder{key}}, signer, *signer} {
			check(verb, fmt.Sprintf(verb, v))
		}
	}
	if data, err := json.Marshal(outer{key}); err != nil || string(data) != `{"Key":"[redacted]"}` {
		t.Errorf("JSON %s %v", data, err)
	}
	data, err := json.Marshal([]any{holder{key}, signer, map[string]any{"k": key}})
	if err != nil {
		t.Fatal(err)
	}
	check("JSON", string(data))
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("x", "key", key, "holder", holder{key}, "outer", &outer{key}, "signer", signer)
	}
	check("slog", log.String())
	if !strings.Contains(log.String(), "key=[redacted]") {
		t.Error("slog does not say redacted")
	}
}

func TestZeroPrivateKey(t *testing.T) {
	var key jose.PrivateKey
	if key.PKCS8() != nil || len(key.Algorithms()) > 0 || key.Public().Key() != nil || fmt.Sprint(key) != "[redacted]" {
		t.Error("the zero key is a key")
	}
	if _, err := jose.NewSigner(key, jose.ES256, ""); err == nil {
		t.Error("the zero key signs")
	}
}
