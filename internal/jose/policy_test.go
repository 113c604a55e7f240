package jose_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// oddNumber returns an odd number of so many bits; a public key needs no primes
// to be read.
func oddNumber(t testing.TB, bits int) *big.Int {
	t.Helper()
	b := make([]byte, bits/8)
	_, _ = rand.Read(b)
	b[0] |= 0x80
	b[len(b)-1] |= 1
	return new(big.Int).SetBytes(b)
}

func TestRSAPolicy(t *testing.T) {
	good := oddNumber(t, 2048)
	for name, v := range map[string]struct {
		key  *rsa.PublicKey
		good bool
	}{
		"2048 bits":      {&rsa.PublicKey{N: good, E: 65537}, true},
		"8192 bits":      {&rsa.PublicKey{N: oddNumber(t, 8192), E: 65537}, true},
		"1024 bits":      {&rsa.PublicKey{N: oddNumber(t, 1024), E: 65537}, false},
		"2040 bits":      {&rsa.PublicKey{N: oddNumber(t, 2040), E: 65537}, false},
		"8200 bits":      {&rsa.PublicKey{N: oddNumber(t, 8200), E: 65537}, false},
		"16384 bits":     {&rsa.PublicKey{N: oddNumber(t, 16384), E: 65537}, false},
		"even modulus":   {&rsa.PublicKey{N: new(big.Int).Add(good, big.NewInt(1)), E: 65537}, false},
		"exponent 1":     {&rsa.PublicKey{N: good, E: 1}, false},
		"exponent 3":     {&rsa.PublicKey{N: good, E: 3}, false},
		"exponent 65535": {&rsa.PublicKey{N: good, E: 65535}, false},
		"even exponent":  {&rsa.PublicKey{N: good, E: 65538}, false},
		"exponent 2^31":  {&rsa.PublicKey{N: good, E: 1<<31 + 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := jose.NewPublicKey(v.key)
			if (err == nil) != v.good {
				t.Errorf("NewPublicKey: %v", err)
			}
			if _, err = jose.ParsePublicKey([]byte(spkiPEM(t, v.key))); (err == nil) != v.good {
				t.Errorf("PEM: %v", err)
			}
			jwk := `{"kty":"RSA","n":"` + b64.EncodeToString(v.key.N.Bytes()) + `","e":"` +
				b64.EncodeToString(big.NewInt(int64(v.key.E)).Bytes()) + `"}`
			if _, err = jose.ParsePublicKey([]byte(jwk)); (err == nil) != v.good {
				t.Errorf("JWK: %v", err)
			}
		})
	}
	n := good.Bytes()
	for name, v := range map[string]struct{ n, e []byte }{
		"exponent of the size of the modulus":   {n, n},
		"exponent that is 65537 in its 64 bits": {n, []byte{1, 0, 0, 0, 0, 0, 1, 0, 1}},
		"modulus with a leading zero":           {append([]byte{0}, n...), []byte{1, 0, 1}},
		"exponent with a leading zero":          {n, []byte{0, 1, 0, 1}},
		"no modulus":                            {nil, []byte{1, 0, 1}},
		"no exponent":                           {n, nil},
	} {
		jwk := `{"kty":"RSA","n":"` + b64.EncodeToString(v.n) + `","e":"` + b64.EncodeToString(v.e) + `"}`
		if _, err := jose.ParsePublicKey([]byte(jwk)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestOtherKindsOfKeyAreRefused(t *testing.T) {
	p521, _ := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	p224, _ := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	x25519, _ := ecdh.X25519().GenerateKey(rand.Reader)
	for name, key := range map[string]crypto.PublicKey{
		"P-521": p521.Public(), "P-224": p224.Public(), "X25519": x25519.Public(),
	} {
		if _, err := jose.NewPublicKey(key); err == nil {
			t.Errorf("%s was accepted", name)
		}
		if _, err := jose.ParsePublicKey([]byte(spkiPEM(t, key))); err == nil {
			t.Errorf("%s was accepted as PEM", name)
		}
	}
	for name, key := range map[string]crypto.PublicKey{
		"nothing": nil, "string": "key", "nil RSA": (*rsa.PublicKey)(nil), "empty RSA": &rsa.PublicKey{},
		"nil EC": (*ecdsa.PublicKey)(nil), "empty EC": &ecdsa.PublicKey{}, "EC without a point": &ecdsa.PublicKey{Curve: elliptic.P256()},
		"short Ed25519": ed25519.PublicKey("short"),
	} {
		if _, err := jose.NewPublicKey(key); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestPointsOffTheCurveAreRefused(t *testing.T) {
	key := standardKey(t, newKey(t, jose.ES256)).Public()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	der[len(der)-1] ^= 1
	if _, err := jose.ParsePublicKey([]byte(pemText("PUBLIC KEY", der))); err == nil {
		t.Error("accepted as PEM")
	}
	off := strings.Replace(rfc7515EC, "y\":\"x_FE", "y\":\"x_FF", 1)
	if _, err := jose.ParsePublicKey([]byte(off)); err == nil || !strings.Contains(err.Error(), "not on its curve") {
		t.Errorf("JWK: %v", err)
	}
	x := big.NewInt(1)
	for _, key := range []*ecdsa.PublicKey{{Curve: elliptic.P256(), X: x, Y: x}, {Curve: elliptic.P384(), X: new(big.Int), Y: new(big.Int)}} {
		if _, err := jose.NewPublicKey(key); err == nil || !strings.Contains(err.Error(), "not on its curve") {
			t.Errorf("%s: %v", key.Curve.Params().Name, err)
		}
	}
	zero := b64.EncodeToString(make([]byte, 32))
	if _, err := jose.ParsePublicKey([]byte(`{"kty":"EC","crv":"P-256","x":"` + zero + `","y":"` + zero + `"}`)); err == nil {
		t.Error("the point (0,0) was accepted")
	}
}

// Under a point of small order signatures can be made without a private key.
func TestWeakEd25519PointsAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"order 1":                "0100000000000000000000000000000000000000000000000000000000000000",
		"order 1, other sign":    "0100000000000000000000000000000000000000000000000000000000000080",
		"order 2":                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"order 4":                "0000000000000000000000000000000000000000000000000000000000000000",
		"order 4, other sign":    "0000000000000000000000000000000000000000000000000000000000000080",
		"order 8":                "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"order 8, other sign":    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"order 8, other":         "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"order 8, other, signed": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		"not canonical: p":       "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"not canonical: p+3":     "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"no point":               "0200000000000000000000000000000000000000000000000000000000000000",
	} {
		key, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		want := "not on its curve"
		if strings.HasPrefix(name, "order") {
			want = "small order"
		}
		if _, err := jose.NewPublicKey(ed25519.PublicKey(key)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := jose.ParsePublicKey([]byte(`{"kty":"OKP","crv":"Ed25519","x":"` + b64.EncodeToString(key) + `"}`)); err == nil {
			t.Errorf("%s was accepted as JWK", name)
		}
	}
	// The other side: points that keys really have all pass.
	for range 50 {
		key, _, _ := ed25519.GenerateKey(rand.Reader)
		if _, err := jose.NewPublicKey(key); err != nil {
			t.Fatalf("%x: %v", []byte(key), err)
		}
	}
}
