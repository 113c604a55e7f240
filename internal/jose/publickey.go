package jose

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	gojose "github.com/go-jose/go-jose/v4"
)

// PublicKey is a public key that meets the policy, perhaps bound to one
// algorithm. Copies share their contents, which never change. The zero
// PublicKey is no key: it fits no algorithm and verifies nothing.
type PublicKey struct {
	key   crypto.PublicKey // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
	bound Algorithm        // empty if not bound
	kid   string
	jwk   string
	spki  []byte
}

// ErrPrivateKey is the error of a private or symmetric key where a public one belongs.
var ErrPrivateKey = errors.New("a private key was sent where a public key belongs: " +
	"treat it as leaked, make a new pair and send only its public half")

var errPublicKeyText = errors.New("the public key must be one PEM block of type PUBLIC KEY (SPKI), or one JWK")

// NewPublicKey takes an *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
// and keeps a copy of it. It refuses what the policy forbids.
func NewPublicKey(key crypto.PublicKey) (PublicKey, error) { return newPublicKey(key, "") }

func newPublicKey(key crypto.PublicKey, bound Algorithm) (PublicKey, error) {
	if err := checkPublicKey(key); err != nil {
		return PublicKey{}, err
	}
	if bound != "" && !bound.fits(key) {
		return PublicKey{}, errors.New("the algorithm does not fit the key")
	}
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return PublicKey{}, fmt.Errorf("encoding public key: %w", err)
	}
	// Parsed again, so that the caller cannot change what has been checked.
	key, err = x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return PublicKey{}, fmt.Errorf("copying public key: %w", err)
	}
	out := gojose.JSONWebKey{Key: key, Algorithm: string(bound), Use: "sig"}
	sum, err := out.Thumbprint(crypto.SHA256)
	if err != nil {
		return PublicKey{}, fmt.Errorf("computing thumbprint: %w", err)
	}
	out.KeyID = base64.RawURLEncoding.EncodeToString(sum)
	jwk, err := out.MarshalJSON()
	if err != nil {
		return PublicKey{}, fmt.Errorf("encoding JWK: %w", err)
	}
	return PublicKey{key: key, bound: bound, kid: out.KeyID, jwk: string(jwk), spki: spki}, nil
}

// ParsePublicKey reads a public key of at most 16 KiB: one PEM block of type
// PUBLIC KEY (SPKI, RFC 5280 section 4.1) with nothing but white space around
// it, or one JWK (RFC 7517). An "alg" in the JWK binds the key to it; kid and
// x5* are ignored. A private key is refused with the advice to treat it as
// leaked.
func ParsePublicKey(text []byte) (PublicKey, error) {
	if len(text) > maxKeyText {
		return PublicKey{}, errors.New("the public key must have at most 16 KiB")
	}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return parseJWK(text)
	}
	if bytes.Contains(text, []byte("PRIVATE KEY-----")) {
		return PublicKey{}, ErrPrivateKey
	}
	block, rest, ok := firstPEM(text)
	if !ok || len(rest) > 0 || len(block.Headers) > 0 {
		return PublicKey{}, errPublicKeyText
	}
	switch block.Type {
	case "PUBLIC KEY":
	case "CERTIFICATE":
		return PublicKey{}, errors.New("a certificate was sent: send its public key, as openssl x509 -noout -pubkey prints it")
	case "RSA PUBLIC KEY":
		return PublicKey{}, errors.New("a PKCS#1 public key was sent: send it as SPKI, as openssl rsa -RSAPublicKey_in -pubout prints it")
	default:
		return PublicKey{}, errPublicKeyText
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return PublicKey{}, errors.New("the PEM block must hold a well-formed RSA, P-256, P-384 or Ed25519 public key (SPKI)")
	}
	return NewPublicKey(key)
}

// Bind returns the same key, to be used with alg only. It refuses an algorithm
// that the key does not fit, also because it is bound to another.
func (k PublicKey) Bind(alg Algorithm) (PublicKey, error) {
	if !k.Fits(alg) {
		return PublicKey{}, errors.New("the algorithm does not fit the key")
	}
	return newPublicKey(k.key, alg)
}

// Bound returns the algorithm that the key is bound to, and reports whether it
// is.
func (k PublicKey) Bound() (Algorithm, bool) { return k.bound, k.bound != "" }

// Fits reports whether the key may be used with alg: its kind and its binding
// allow it.
func (k PublicKey) Fits(alg Algorithm) bool {
	return (k.bound == "" || k.bound == alg) && alg.fits(k.key)
}

// KID returns the key id: the RFC 7638 thumbprint under SHA-256, 43 base64url
// characters. It is empty for the zero PublicKey.
func (k PublicKey) KID() string { return k.kid }

// JWK returns the key as a JSON object (RFC 7517 section 4) with kid, use "sig",
// alg where the key is bound, and otherwise the public members only, in an order
// that does not change. ParsePublicKey reads it back.
func (k PublicKey) JWK() string { return k.jwk }

// MarshalJSON returns the JWK, so that a key can be a member of a JWK Set.
func (k PublicKey) MarshalJSON() ([]byte, error) {
	if k.key == nil {
		return nil, errors.New("no key")
	}
	return []byte(k.jwk), nil
}

// PEM returns the key as one PEM block of type PUBLIC KEY (SPKI), which says
// nothing of a binding. It is empty for the zero PublicKey.
func (k PublicKey) PEM() string {
	if k.key == nil {
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: k.spki}))
}

// Key returns the *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey, which
// the caller must not change, or nil.
func (k PublicKey) Key() crypto.PublicKey { return k.key }

// Equal reports whether both are the same key, whatever they are bound to.
func (k PublicKey) Equal(other PublicKey) bool { return bytes.Equal(k.spki, other.spki) }
