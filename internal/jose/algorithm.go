package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"slices"
	"strings"
)

// Algorithm is a JWS "alg" value (RFC 7518 section 3.1, RFC 8037 section 3.1).
// Values come from the constants or ParseAlgorithm.
type Algorithm string

// The algorithms. There is no "none" and no HMAC (RFC 8725 section 3.1).
const (
	RS256 Algorithm = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
	RS384 Algorithm = "RS384"
	RS512 Algorithm = "RS512"
	PS256 Algorithm = "PS256" // RSASSA-PSS with SHA-256, MGF1 with SHA-256
	PS384 Algorithm = "PS384"
	PS512 Algorithm = "PS512"
	ES256 Algorithm = "ES256" // ECDSA with P-256 and SHA-256
	ES384 Algorithm = "ES384" // ECDSA with P-384 and SHA-384
	EdDSA Algorithm = "EdDSA" // with Ed25519
)

// AssertionAlgorithms returns every algorithm, which is what a client's
// assertion may be signed with. The list is the caller's own.
func AssertionAlgorithms() []Algorithm {
	return []Algorithm{RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA}
}

// SigningAlgorithms returns the algorithms that this service's own tokens may
// be signed with. The list is the caller's own.
func SigningAlgorithms() []Algorithm {
	return []Algorithm{RS256, PS256, ES256, ES384, EdDSA}
}

// Names lists algorithms for people.
func Names(list []Algorithm) string {
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = string(a)
	}
	return strings.Join(names, ", ")
}

// ParseAlgorithm returns the algorithm of exactly this name.
func ParseAlgorithm(name string) (Algorithm, error) {
	if a := Algorithm(name); slices.Contains(AssertionAlgorithms(), a) {
		return a, nil
	}
	return "", errors.New("the algorithm must be one of " + Names(AssertionAlgorithms()))
}

func (a Algorithm) pkcs1() bool { return a == RS256 || a == RS384 || a == RS512 }

func (a Algorithm) pss() bool { return a == PS256 || a == PS384 || a == PS512 }

// hash returns the hash that the signing input goes through, and 0 for EdDSA,
// which signs the input itself.
func (a Algorithm) hash() crypto.Hash {
	switch a {
	case RS256, PS256, ES256:
		return crypto.SHA256
	case RS384, PS384, ES384:
		return crypto.SHA384
	case RS512, PS512:
		return crypto.SHA512
	default:
		return 0
	}
}

func (a Algorithm) digest(input []byte) []byte {
	h := a.hash().New()
	_, _ = h.Write(input) // never fails: hash.Hash promises it
	return h.Sum(nil)
}

// fits reports whether keys of this kind may be used with the algorithm. A
// curve belongs to one algorithm only (RFC 7518 section 3.4).
func (a Algorithm) fits(key crypto.PublicKey) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return a.pkcs1() || a.pss()
	case *ecdsa.PublicKey:
		return a == ES256 && key.Curve == elliptic.P256() || a == ES384 && key.Curve == elliptic.P384()
	case ed25519.PublicKey:
		return a == EdDSA
	default:
		return false
	}
}
