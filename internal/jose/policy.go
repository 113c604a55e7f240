package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"math/big"
	"slices"
)

const (
	minModulusBits = 2048 // RFC 7518 sections 3.3 and 3.5
	maxModulusBits = 8192 // above it one verification costs an attacker nothing and us milliseconds
	minExponent    = 65537
	maxExponent    = 1<<31 - 1 // what crypto/rsa can use
)

var errKeyKind = errors.New("the key must be RSA, P-256, P-384 or Ed25519")

// checkPublicKey refuses a key that is weak or of another kind.
func checkPublicKey(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return checkRSA(key)
	case *ecdsa.PublicKey:
		return checkECDSA(key)
	case ed25519.PublicKey:
		return checkEd25519(key)
	default:
		return errKeyKind
	}
}

func checkRSA(key *rsa.PublicKey) error {
	if key == nil || key.N == nil || key.N.Sign() <= 0 {
		return errKeyKind
	}
	if bits := key.N.BitLen(); bits < minModulusBits || bits > maxModulusBits {
		return errors.New("the RSA modulus must have 2048 to 8192 bits")
	}
	if key.N.Bit(0) == 0 {
		return errors.New("the RSA modulus must be odd")
	}
	if key.E < minExponent || key.E > maxExponent || key.E%2 == 0 {
		return errors.New("the RSA public exponent must be odd, at least 65537 and below 2^31")
	}
	return nil
}

func checkECDSA(key *ecdsa.PublicKey) error {
	if key == nil || key.Curve != elliptic.P256() && key.Curve != elliptic.P384() {
		return errors.New("the elliptic curve must be P-256 or P-384")
	}
	if key.X == nil || key.Y == nil { //nolint:staticcheck // Bytes would panic
		return errKeyKind
	}
	// RFC 8725 section 3.4: points are validated. Bytes refuses one that is at
	// infinity or not on its curve.
	if _, err := key.Bytes(); err != nil {
		return errOffCurve
	}
	return nil
}

var errOffCurve = errors.New("the point is not on its curve")

// checkEd25519 refuses an encoding that is not canonical or of no point (RFC
// 8032 section 5.1.3), and the points of order 1, 2, 4 and 8, under which
// anybody can make signatures.
func checkEd25519(key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize {
		return errors.New("an Ed25519 key must have 32 bytes")
	}
	one := big.NewInt(1)
	p := new(big.Int).Lsh(one, 255)
	p.Sub(p, big.NewInt(19))
	// RFC 8032 section 5.1: d = -121665/121666.
	d := new(big.Int).ModInverse(big.NewInt(121666), p)
	d.Mul(d, big.NewInt(-121665)).Mod(d, p)

	bigEndian := slices.Clone(key)
	slices.Reverse(bigEndian)
	bigEndian[0] &= 0x7f // the sign of x
	y := new(big.Int).SetBytes(bigEndian)
	if y.Cmp(p) >= 0 {
		return errOffCurve
	}
	// x² = (y² - 1) / (d y² + 1)
	yy := new(big.Int).Mul(y, y)
	yy.Mod(yy, p)
	xx := new(big.Int).Mul(d, yy)
	xx.Add(xx, one).ModInverse(xx, p)
	xx.Mul(xx, new(big.Int).Sub(yy, one)).Mod(xx, p)
	if big.Jacobi(xx, p) < 0 {
		return errOffCurve
	}
	// Orders 1 and 2 have x = 0, order 4 has y = 0, and the double of a point
	// of order 8 has y = 0, whose numerator is x² + y².
	sum := new(big.Int).Add(xx, yy)
	if xx.Sign() == 0 || yy.Sign() == 0 || sum.Cmp(p) == 0 {
		return errors.New("the Ed25519 point has a small order")
	}
	return nil
}
