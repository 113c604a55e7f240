package jose

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"errors"

	gojose "github.com/go-jose/go-jose/v4"
)

// VerifyPSS returns nil if signature is the key's RSASSA-PSS signature (RFC 8017
// section 8.1) over message, with SHA-256, MGF1 with SHA-256 and a salt of any
// length: the static signature of the original service. The key must be RSA and
// not bound to an algorithm other than PS256.
func VerifyPSS(key PublicKey, message, signature []byte) error {
	public, ok := key.key.(*rsa.PublicKey)
	if !ok || !key.Fits(PS256) {
		return errors.New("a static signature needs an RSA key that may be used with PS256")
	}
	sum := sha256.Sum256(message)
	anySalt := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto}
	if rsa.VerifyPSS(public, crypto.SHA256, sum[:], signature, anySalt) != nil {
		return ErrSignature
	}
	return nil
}

// jwsPSS has the salt of a JWS: as long as the hash (RFC 7518 section 3.5).
func jwsPSS() *rsa.PSSOptions { return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash} }

// pssVerifier stands in for go-jose's own PS256, PS384 and PS512, which take a
// salt of any length.
type pssVerifier struct{ key PublicKey }

// VerifyPayload implements gojose.OpaqueVerifier.
func (v pssVerifier) VerifyPayload(input, signature []byte, alg gojose.SignatureAlgorithm) error {
	public, ok := v.key.key.(*rsa.PublicKey)
	if a := Algorithm(alg); ok && a.pss() {
		return rsa.VerifyPSS(public, a.hash(), a.digest(input), signature, jwsPSS())
	}
	return ErrSignature
}
