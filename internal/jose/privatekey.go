package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
)

// generatedModulusBits is the size of the RSA keys made here: enough until 2030
// (NIST SP 800-57 part 1), and a third of the cost of 3072 at every token.
const generatedModulusBits = 2048

// PrivateKey is a private key whose public half meets the policy. It prints as
// "[redacted]" in every formatter, in JSON, in text and in slog, also as an
// unexported member of another struct. The zero PrivateKey is no key.
type PrivateKey struct {
	// fmt reads unexported members by reflection without asking their methods.
	// It prints a pointer there as an address, but under a verb that is none of
	// a pointer's, such as %s, follows one to a struct. So there are two.
	half **privateKey
}

type privateKey struct {
	signer crypto.Signer // *rsa.PrivateKey, *ecdsa.PrivateKey or ed25519.PrivateKey
	pkcs8  []byte
	public PublicKey
	rsa    rsaSigner // nil for other keys
}

// GeneratePrivateKey makes a key for alg: RSA-2048 for the RSA algorithms, P-256
// for ES256, P-384 for ES384, Ed25519 for EdDSA.
func GeneratePrivateKey(alg Algorithm) (PrivateKey, error) {
	for {
		key, err := generate(alg)
		// On a command line a key id that begins so would be taken for a flag.
		if err != nil || !strings.HasPrefix(key.Public().KID(), "-") {
			return key, err
		}
	}
}

func generate(alg Algorithm) (PrivateKey, error) {
	var key any
	var err error
	switch alg {
	case RS256, RS384, RS512, PS256, PS384, PS512:
		key, err = rsa.GenerateKey(rand.Reader, generatedModulusBits)
	case ES256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ES384:
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case EdDSA:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		return PrivateKey{}, errors.New("no keys can be made for this algorithm")
	}
	if err != nil {
		return PrivateKey{}, fmt.Errorf("generating %s key: %w", alg, err)
	}
	return newPrivateKey(key)
}

// ParsePKCS8 reads the DER that PKCS8 returns (RFC 5958), with nothing after
// it.
func ParsePKCS8(der []byte) (PrivateKey, error) {
	return parsePrivateDER(der, x509.ParsePKCS8PrivateKey)
}

// parsePrivateDER guards the parsers of package x509, some of which overlook
// trailing data.
func parsePrivateDER[K any](der []byte, parse func([]byte) (K, error)) (PrivateKey, error) {
	rest, err := asn1.Unmarshal(der, new(asn1.RawValue))
	if err != nil || len(rest) > 0 {
		return PrivateKey{}, errPrivateKey
	}
	key, err := parse(der)
	if err != nil {
		return PrivateKey{}, errPrivateKey // the inner error stays here: it is about secret bytes
	}
	return newPrivateKey(key)
}

var errPrivateKey = errors.New("the private key must be well-formed RSA, P-256, P-384 or Ed25519")

func newPrivateKey(key any) (PrivateKey, error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return PrivateKey{}, errKeyKind
	}
	public, err := NewPublicKey(signer.Public())
	if err != nil {
		return PrivateKey{}, err
	}
	if key, ok := key.(*rsa.PrivateKey); ok && (len(key.Primes) != 2 || key.Validate() != nil) {
		return PrivateKey{}, errors.New("the parts of the RSA private key must agree, with two primes")
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return PrivateKey{}, errPrivateKey
	}
	half := &privateKey{signer: signer, pkcs8: pkcs8, public: public}
	if key, ok := key.(*rsa.PrivateKey); ok {
		half.rsa = newRSASigner(key, pkcs8)
	}
	return PrivateKey{&half}, nil
}

// PKCS8 returns the key as DER (RFC 5958), which is secret, or nil for the zero
// PrivateKey.
func (k PrivateKey) PKCS8() []byte {
	if k.half == nil {
		return nil
	}
	return slices.Clone((*k.half).pkcs8)
}

// Public returns the public half, bound to no algorithm.
func (k PrivateKey) Public() PublicKey {
	if k.half == nil {
		return PublicKey{}
	}
	return (*k.half).public
}

// Algorithms returns the algorithms that the key fits; the first is the one to
// take when nothing else was asked for.
func (k PrivateKey) Algorithms() []Algorithm {
	return slices.DeleteFunc(AssertionAlgorithms(), func(a Algorithm) bool { return !k.Public().Fits(a) })
}

const redacted = "[redacted]"

// Format implements fmt.Formatter for every verb.
func (k PrivateKey) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, redacted) }

// String returns "[redacted]".
func (k PrivateKey) String() string { return redacted }

// MarshalText returns "[redacted]"; JSON and other encoders use it.
func (k PrivateKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]" to slog.
func (k PrivateKey) LogValue() slog.Value { return slog.StringValue(redacted) }
