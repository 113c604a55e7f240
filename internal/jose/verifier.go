package jose

import (
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"sync/atomic"
)

// Verifier verifies at a cost that follows from the message alone, never from
// whether there is a key or what kind it is: a key that cannot have made the
// signature is replaced by a dummy of the right shape, and the answer is
// ErrSignature. It is safe for concurrent use.
type Verifier struct {
	p256, p384, ed25519 PublicKey
	noise               []byte // of the size of the largest modulus
	done                atomic.Uint64
}

// NewVerifier makes a verifier with fresh dummy keys, whose private halves are
// thrown away or, for RSA, have never been.
func NewVerifier() (*Verifier, error) {
	v := &Verifier{noise: make([]byte, maxModulusBits/8)}
	_, _ = rand.Read(v.noise) // never fails: crypto/rand aborts the program instead
	for alg, dummy := range map[Algorithm]*PublicKey{ES256: &v.p256, ES384: &v.p384, EdDSA: &v.ed25519} {
		key, err := GeneratePrivateKey(alg)
		if err != nil {
			return nil, err
		}
		*dummy = key.Public()
	}
	return v, nil
}

// Verify is m.Verify(key) at the cost of one verification, also when key is the
// zero PublicKey or does not fit.
func (v *Verifier) Verify(m *Message, key PublicKey) (payload []byte, err error) {
	v.done.Add(1)
	if key.couldHaveMade(m.signature(), m.alg) {
		return m.Verify(key)
	}
	_, _ = m.Verify(v.dummy(m.alg, len(m.signature())))
	return nil, ErrSignature
}

// VerifyPSS is VerifyPSS(key, message, signature) at the cost of one
// verification, also when key is the zero PublicKey or does not fit.
func (v *Verifier) VerifyPSS(key PublicKey, message, signature []byte) error {
	v.done.Add(1)
	if key.couldHaveMade(signature, PS256) {
		return VerifyPSS(key, message, signature)
	}
	_ = VerifyPSS(v.dummy(PS256, len(signature)), message, signature)
	return ErrSignature
}

// Verifications returns how many verifications there have been, those with a
// dummy included.
func (v *Verifier) Verifications() uint64 { return v.done.Load() }

// couldHaveMade reports whether the signature gets as far as the arithmetic that
// makes out the cost. For RSA that takes the width of the modulus, and a number
// below it (RFC 8017 section 5.2.2).
func (k PublicKey) couldHaveMade(signature []byte, alg Algorithm) bool {
	if !k.Fits(alg) {
		return false
	}
	public, ok := k.key.(*rsa.PublicKey)
	return !ok || len(signature) == public.Size() && new(big.Int).SetBytes(signature).Cmp(public.N) < 0
}

// dummy returns a key of the kind that makes signatures of this size.
func (v *Verifier) dummy(alg Algorithm, size int) PublicKey {
	switch alg {
	case ES256:
		return v.p256
	case ES384:
		return v.p384
	case EdDSA:
		return v.ed25519
	default:
		return PublicKey{key: v.modulus(size)}
	}
}

// modulus returns an RSA key made of noise: nobody has its factors. The leading
// ones leave no signatures above the modulus that a real key's could be below.
func (v *Verifier) modulus(size int) *rsa.PublicKey {
	size = min(max(size, minModulusBits/8), maxModulusBits/8)
	n := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, v.noise[8:size]...)
	n[size-1] |= 1
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: minExponent}
}
