package jose_test

import (
	"encoding/asn1"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// openssl returns a function that runs openssl in a fresh folder, or false where
// there is none. IDENTITY_INTEROP=require makes its absence a failure.
func openssl(t *testing.T) (run func(args ...string) []byte, dir string, ok bool) {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("IDENTITY_INTEROP") == "require" {
			t.Fatal("openssl is required and missing")
		}
		t.Log("openssl is missing: nothing was compared")
		return nil, "", false
	}
	dir = t.TempDir()
	return func(args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), path, args...)
		cmd.Dir = dir
		var errs strings.Builder
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("openssl %s: %v %s", args[0], err, errs.String())
		}
		return out
	}, dir, true
}

func TestKeysOfOpenSSLParse(t *testing.T) {
	run, _, ok := openssl(t)
	if !ok {
		return
	}
	rsaArgs := []string{"genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}
	for name, v := range map[string]struct {
		args []string
		alg  jose.Algorithm
		typ  string
	}{
		"RSA":               {rsaArgs, jose.PS256, "PRIVATE KEY"},
		"P-256, PKCS#8":     {[]string{"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}, jose.ES256, "PRIVATE KEY"},
		"P-384, PKCS#8":     {[]string{"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"}, jose.ES384, "PRIVATE KEY"},
		"P-256, parameters": {[]string{"ecparam", "-name", "prime256v1", "-genkey"}, jose.ES256, "EC PARAMETERS"},
		"P-384, parameters": {[]string{"ecparam", "-name", "secp384r1", "-genkey"}, jose.ES384, "EC PARAMETERS"},
		"P-256, SEC 1":      {[]string{"ecparam", "-name", "prime256v1", "-genkey", "-noout"}, jose.ES256, "EC PRIVATE KEY"},
		"Ed25519":           {[]string{"genpkey", "-algorithm", "ED25519"}, jose.EdDSA, "PRIVATE KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			text := run(v.args...)
			if !strings.HasPrefix(string(text), "-----BEGIN "+v.typ+"-----") {
				t.Fatalf("openssl wrote another form than %s", v.typ)
			}
			key, err := jose.ParsePrivateKey(text)
			if err != nil {
				t.Fatal(err)
			}
			if !key.Public().Fits(v.alg) {
				t.Errorf("does not fit %s", v.alg)
			}
		})
	}
	for name, args := range map[string][]string{
		"encrypted":  append(rsaArgs, "-aes256", "-pass", "pass:test"),
		"RSA-1024":   {"genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"},
		"exponent 3": {"genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_pubexp:3"},
		"3 primes":   {"genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_primes:3"},
		"secp256k1":  {"ecparam", "-name", "secp256k1", "-genkey"},
		"explicit":   {"ecparam", "-name", "prime256v1", "-genkey", "-param_enc", "explicit"},
		"X25519":     {"genpkey", "-algorithm", "X25519"},
		"RSA-PSS":    {"genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"},
	} {
		if _, err := jose.ParsePrivateKey(run(args...)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestOpenSSLVerifiesOurMessages(t *testing.T) {
	run, dir, ok := openssl(t)
	if !ok {
		return
	}
	dgst := func(hash string, options ...string) []string {
		return append([]string{"dgst", hash, "-verify", "public.pem", "-signature", "signature"}, append(options, "input")...)
	}
	for alg, args := range map[jose.Algorithm][]string{
		jose.RS256: dgst("-sha256"),
		jose.PS256: dgst("-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"),
		jose.ES256: dgst("-sha256"),
		jose.ES384: dgst("-sha384"),
		jose.EdDSA: {"pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin", "-in", "input", "-sigfile", "signature"},
	} {
		key := newKey(t, alg)
		compact := sign(t, key, alg, claims)
		dot := strings.LastIndex(compact, ".")
		signature, err := b64.DecodeString(compact[dot+1:])
		if err != nil {
			t.Fatal(err)
		}
		if alg == jose.ES256 || alg == jose.ES384 { // openssl wants ASN.1
			half := len(signature) / 2
			signature, err = asn1.Marshal([]*big.Int{new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])})
			if err != nil {
				t.Fatal(err)
			}
		}
		write(t, dir, "public.pem", []byte(key.Public().PEM()))
		write(t, dir, "input", []byte(compact[:dot]))
		write(t, dir, "signature", signature)
		run(args...)
	}
}

func TestStaticSignaturesOfOpenSSL(t *testing.T) {
	run, dir, ok := openssl(t)
	if !ok {
		return
	}
	original := loadClientKey(t)
	key, err := jose.ParsePublicKey([]byte(original.SPKI))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "private.pem", []byte(original.PKCS8))
	write(t, dir, "input", []byte(original.ClientID))
	for _, salt := range []string{"digest", "max", "0", "20"} {
		signature := run("dgst", "-sha256", "-sign", "private.pem", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:"+salt, "input")
		if err := jose.VerifyPSS(key, []byte(original.ClientID), signature); err != nil {
			t.Errorf("salt %s: %v", salt, err)
		}
	}
	for name, signature := range map[string][]byte{
		"PKCS#1 v1.5":         run("dgst", "-sha256", "-sign", "private.pem", "input"),
		"SHA-512":             run("dgst", "-sha512", "-sign", "private.pem", "-sigopt", "rsa_padding_mode:pss", "input"),
		"MGF1 with SHA-1":     run("dgst", "-sha256", "-sign", "private.pem", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_mgf1_md:sha1", "input"),
		"signature of nobody": make([]byte, 256),
	} {
		if jose.VerifyPSS(key, []byte(original.ClientID), signature) == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}
