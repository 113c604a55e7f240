package jose_test

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"math/big"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func newVerifier(t testing.TB) *jose.Verifier {
	t.Helper()
	v, err := jose.NewVerifier()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func parse(t testing.TB, compact string) *jose.Message {
	t.Helper()
	m, err := jose.Parse(compact, jose.AssertionAlgorithms())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestVerifierAgreesWithVerify(t *testing.T) {
	v := newVerifier(t)
	for _, alg := range jose.AssertionAlgorithms() {
		key := newKey(t, alg)
		m := parse(t, sign(t, key, alg, claims))
		if payload, err := v.Verify(m, key.Public()); err != nil || string(payload) != claims {
			t.Errorf("%s: %v", alg, err)
		}
		stranger, err := jose.GeneratePrivateKey(alg)
		if err != nil {
			t.Fatal(err)
		}
		for name, other := range map[string]jose.PublicKey{
			"no key": {}, "another kind": otherKind(t, alg), "another key": stranger.Public(),
		} {
			if payload, err := v.Verify(m, other); !errors.Is(err, jose.ErrSignature) || payload != nil {
				t.Errorf("%s under %s: %v", alg, name, err)
			}
		}
	}
}

func otherKind(t testing.TB, alg jose.Algorithm) jose.PublicKey {
	t.Helper()
	if alg == jose.EdDSA {
		return newKey(t, jose.ES256).Public()
	}
	return newKey(t, jose.EdDSA).Public()
}

func TestVerifierAgreesWithVerifyPSS(t *testing.T) {
	v := newVerifier(t)
	original := loadClientKey(t)
	key, err := jose.ParsePublicKey([]byte(original.SPKI))
	if err != nil {
		t.Fatal(err)
	}
	signature, message := original.Signatures[0].Signature, []byte(original.ClientID)
	if err := v.VerifyPSS(key, message, signature); err != nil {
		t.Error(err)
	}
	for _, s := range [][]byte{nil, {0}, signature[:255], bytes.Repeat([]byte{0xff}, 256), make([]byte, 512), make([]byte, 8192)} {
		for _, k := range []jose.PublicKey{key, {}, newKey(t, jose.EdDSA).Public()} {
			if err := v.VerifyPSS(k, message, s); !errors.Is(err, jose.ErrSignature) {
				t.Errorf("%d bytes of signature: %v", len(s), err)
			}
		}
	}
}

// What a refusal takes must not tell whether there was a key. The bounds are
// wide, for busy machines: without the dummy the ratio is far below 0.1.
func TestRefusalsCostOneVerification(t *testing.T) {
	verifier := newVerifier(t)
	for _, alg := range []jose.Algorithm{jose.RS256, jose.PS256, jose.ES256, jose.ES384, jose.EdDSA} {
		stranger, err := jose.GeneratePrivateKey(alg)
		if err != nil {
			t.Fatal(err)
		}
		known := newKey(t, alg).Public()
		m := parse(t, sign(t, stranger, alg, claims))
		compare(t, string(alg)+", no key", func() { _, _ = verifier.Verify(m, known) }, func() { _, _ = verifier.Verify(m, jose.PublicKey{}) })
		other := otherKind(t, alg)
		compare(t, string(alg)+", another kind", func() { _, _ = verifier.Verify(m, known) }, func() { _, _ = verifier.Verify(m, other) })
	}

	// The same for signatures that no known key, or no dummy, has the shape of.
	modulus := func(n *big.Int) jose.PublicKey {
		key, err := jose.NewPublicKey(&rsa.PublicKey{N: n, E: 65537})
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	small, large := modulus(oddNumber(t, 2048)), modulus(oddNumber(t, 4096))
	highest := modulus(new(big.Int).SetBytes(bytes.Repeat([]byte{0xff}, 256)))
	for name, v := range map[string]struct {
		signature []byte
		known     jose.PublicKey
	}{
		"of a larger modulus":         {append([]byte{0x70}, make([]byte, 511)...), small},
		"as large":                    {append([]byte{0x70}, make([]byte, 511)...), large},
		"with leading zeros":          {append(make([]byte, 511), 1), small},
		"below the highest modulus":   {append([]byte{0xff, 0xfe}, make([]byte, 254)...), highest},
		"beyond this modulus":         {append([]byte{0xff, 0xff, 0xff, 0xff, 0xff}, make([]byte, 251)...), small},
		"beyond every modulus":        {bytes.Repeat([]byte{0xff}, 256), small},
		"shorter than every modulus":  {[]byte{1}, small},
		"longer than every modulus":   {make([]byte, 4096), small},
		"of a modulus out of the row": {append([]byte{0x70}, make([]byte, 319)...), modulus(oddNumber(t, 2560))},
	} {
		message := []byte("x")
		compare(t, "PSS, "+name, func() { _ = verifier.VerifyPSS(v.known, message, v.signature) }, func() { _ = verifier.VerifyPSS(jose.PublicKey{}, message, v.signature) })
	}
}

// compare demands that both take the same way, by what they allocate: an
// arithmetic that was left out would leave out its numbers too. BenchmarkRefusal
// shows the times.
func compare(t *testing.T, name string, known, unknown func()) {
	t.Helper()
	a, b := testing.AllocsPerRun(20, known), testing.AllocsPerRun(20, unknown)
	if a < 5 || b < 0.75*a || b > 1.25*a+4 {
		t.Errorf("%s: %v allocations with a key, %v without", name, a, b)
	}
}
