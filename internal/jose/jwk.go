package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"math/big"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// publicJWK has the members of a JWK that matter here (RFC 7517 section 4, RFC
// 7518 section 6, RFC 8037 section 2). Others, kid and x5* among them, have no
// say.
type publicJWK struct {
	Kty    text           `json:"kty"`
	Use    text           `json:"use"`
	KeyOps jsontext.Value `json:"key_ops"`
	Alg    text           `json:"alg"`
	Crv    text           `json:"crv"`
	N      text           `json:"n"`
	E      text           `json:"e"`
	X      text           `json:"x"`
	Y      text           `json:"y"`

	D   jsontext.Value `json:"d"`
	P   jsontext.Value `json:"p"`
	Q   jsontext.Value `json:"q"`
	DP  jsontext.Value `json:"dp"`
	DQ  jsontext.Value `json:"dq"`
	QI  jsontext.Value `json:"qi"`
	Oth jsontext.Value `json:"oth"`
	K   jsontext.Value `json:"k"`
}

func parseJWK(data []byte) (PublicKey, error) {
	var jwk publicJWK
	if err := DecodeStrict(data, &jwk); err != nil {
		return PublicKey{}, errors.New("the JWK must be one JSON object without duplicate members, its members of the right type")
	}
	for _, secret := range []jsontext.Value{jwk.D, jwk.P, jwk.Q, jwk.DP, jwk.DQ, jwk.QI, jwk.Oth, jwk.K} {
		if secret != nil {
			return PublicKey{}, ErrPrivateKey
		}
	}
	// RFC 7517 sections 4.2 and 4.3: what the key says it is for, it is for.
	if jwk.Use.present && jwk.Use.value != "sig" {
		return PublicKey{}, errors.New(`the JWK's "use" must be "sig"`)
	}
	if jwk.KeyOps != nil && !mayVerify(jwk.KeyOps) {
		return PublicKey{}, errors.New(`the JWK's "key_ops" must be distinct strings, one of them "verify"`)
	}
	key, err := jwk.key()
	if err != nil {
		return PublicKey{}, err
	}
	if !jwk.Alg.present {
		return NewPublicKey(key)
	}
	alg, err := ParseAlgorithm(jwk.Alg.value)
	if err != nil {
		return PublicKey{}, err
	}
	return newPublicKey(key, alg)
}

func (jwk publicJWK) key() (crypto.PublicKey, error) {
	switch jwk.Kty.value {
	case "RSA":
		return jwk.rsa()
	case "EC":
		return jwk.ec()
	case "OKP":
		if jwk.Crv.value != "Ed25519" {
			return nil, errors.New(`the JWK's "crv" must be "Ed25519" for "kty" "OKP"`)
		}
		x, ok := strictBase64(jwk.X.value)
		if !ok {
			return nil, errors.New(`the JWK's "x" must be base64url of 32 bytes`)
		}
		return ed25519.PublicKey(x), nil
	default:
		return nil, errors.New(`the JWK's "kty" must be "RSA", "EC" or "OKP"`)
	}
}

// rsa follows RFC 7518 section 6.3.1. The numbers have no leading zero bytes
// (section 2, Base64urlUInt).
func (jwk publicJWK) rsa() (crypto.PublicKey, error) {
	n, okN := strictBase64(jwk.N.value)
	e, okE := strictBase64(jwk.E.value)
	if !okN || !okE || len(n) == 0 || n[0] == 0 || len(e) == 0 || e[0] == 0 {
		return nil, errors.New(`the JWK's "n" and "e" must be unpadded base64url of numbers without leading zero bytes`)
	}
	exponent := new(big.Int).SetBytes(e)
	if !exponent.IsInt64() || exponent.Int64() > maxExponent {
		exponent.SetInt64(0) // left to the policy to refuse
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}, nil
}

// ec follows RFC 7518 section 6.2.1. Coordinates have the full width of the
// curve.
func (jwk publicJWK) ec() (crypto.PublicKey, error) {
	var curve elliptic.Curve
	var width int
	switch jwk.Crv.value {
	case "P-256":
		curve, width = elliptic.P256(), 32
	case "P-384":
		curve, width = elliptic.P384(), 48
	default:
		return nil, errors.New(`the JWK's "crv" must be "P-256" or "P-384" for "kty" "EC"`)
	}
	x, okX := strictBase64(jwk.X.value)
	y, okY := strictBase64(jwk.Y.value)
	if !okX || !okY || len(x) != width || len(y) != width {
		return nil, errors.New(`the JWK's "x" and "y" must be unpadded base64url of the curve's width`)
	}
	uncompressed := slices.Concat([]byte{4}, x, y)
	key, err := ecdsa.ParseUncompressedPublicKey(curve, uncompressed)
	if err != nil {
		return nil, errOffCurve
	}
	return key, nil
}

func mayVerify(keyOps jsontext.Value) bool {
	var ops []text
	if keyOps.Kind() != '[' || json.Unmarshal(keyOps, &ops) != nil {
		return false
	}
	verify := text{value: "verify", present: true}
	for i, op := range ops {
		if slices.Contains(ops[:i], op) {
			return false
		}
	}
	return slices.Contains(ops, verify)
}

// strictBase64 decodes unpadded base64url (RFC 7515 section 2) in its one
// canonical form. The standard decoder alone would skip line breaks.
func strictBase64(s string) ([]byte, bool) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return b, err == nil
}
