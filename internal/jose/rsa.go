package jose

import (
	"crypto/rand"
	"crypto/rsa"
)

// rsaSigner makes RSA signatures with one key. There is more than one because crypto/rsa
// takes more than twice as long as libcrypto does: see RSA.
type rsaSigner interface {
	// sign signs the digest that the algorithm makes of a message, with PKCS#1 v1.5 or PSS
	// (RFC 7518 sections 3.3 and 3.5).
	sign(alg Algorithm, digest []byte) ([]byte, error)
}

// goRSA is crypto/rsa: with the key's numbers computed beforehand, and in constant time.
type goRSA struct{ key *rsa.PrivateKey }

func (s goRSA) sign(alg Algorithm, digest []byte) ([]byte, error) {
	if alg.pss() {
		return rsa.SignPSS(rand.Reader, s.key, alg.hash(), digest, jwsPSS())
	}
	return rsa.SignPKCS1v15(nil, s.key, alg.hash(), digest)
}

const goRSAName = "crypto/rsa"
