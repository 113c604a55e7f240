package jose_test

import (
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const benchClaims = `{"iss":"https://id.example.com","sub":"0198f7a2-7c1e-7d1a-8f0e-3f6f0c9f4c11","aud":"https://api.example.com","iat":1700000000,"exp":1700000900,"jti":"0198f7a2-7c1e-7d1a-8f0e-3f6f0c9f4c12","client_id":"orders","permissions":["orders:read","orders:write"]}`

func BenchmarkSign(b *testing.B) {
	for _, alg := range jose.AssertionAlgorithms() {
		b.Run(string(alg), func(b *testing.B) {
			signer, err := jose.NewSigner(newKey(b, alg), alg, "at+jwt")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := signer.Sign([]byte(benchClaims)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	compact, allowed := sign(b, newKey(b, jose.ES256), jose.ES256, benchClaims), jose.AssertionAlgorithms()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jose.Parse(compact, allowed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	verifier := newVerifier(b)
	for _, alg := range jose.AssertionAlgorithms() {
		key := newKey(b, alg)
		m := parse(b, sign(b, key, alg, benchClaims))
		b.Run(string(alg), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Verify(key.Public()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(string(alg)+"/dummy", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := verifier.Verify(m, jose.PublicKey{}); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

func BenchmarkVerifyPSS(b *testing.B) {
	original := loadClientKey(b)
	key, err := jose.ParsePublicKey([]byte(original.SPKI))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := jose.VerifyPSS(key, []byte(original.ClientID), original.Signatures[0].Signature); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParsePublicKey(b *testing.B) {
	for name, text := range map[string]string{"RSA": rfc7515RSA, "EC": rfc7515EC, "Ed25519": rfc8037Ed} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := jose.ParsePublicKey([]byte(text)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRefusal compares what a wrong signature costs where there is a key and
// where there is none. Their ratio should be about 1.
func BenchmarkRefusal(b *testing.B) {
	verifier, err := jose.NewVerifier()
	if err != nil {
		b.Fatal(err)
	}
	for _, alg := range jose.SigningAlgorithms() {
		stranger, err := jose.GeneratePrivateKey(alg)
		if err != nil {
			b.Fatal(err)
		}
		known, err := jose.GeneratePrivateKey(alg)
		if err != nil {
			b.Fatal(err)
		}
		signer, err := jose.NewSigner(stranger, alg, "JWT")
		if err != nil {
			b.Fatal(err)
		}
		compact, err := signer.Sign([]byte(`{}`))
		if err != nil {
			b.Fatal(err)
		}
		m, err := jose.Parse(compact, jose.AssertionAlgorithms())
		if err != nil {
			b.Fatal(err)
		}
		for name, key := range map[string]jose.PublicKey{"known": known.Public(), "unknown": {}} {
			b.Run(string(alg)+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					_, _ = verifier.Verify(m, key)
				}
			})
		}
	}
}
