package jose

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// Signer makes compact JWS with one key, algorithm and type. It is safe for
// concurrent use, and prints no more of its key than a PrivateKey does.
type Signer struct {
	key    PrivateKey
	alg    Algorithm
	prefix string // the encoded header and the first dot
	most   int    // bytes of a message
}

// NewSigner prepares a signer whose messages have the header members alg, kid
// and, unless it is empty, typ.
func NewSigner(key PrivateKey, alg Algorithm, typ string) (*Signer, error) {
	if !key.Public().Fits(alg) {
		return nil, errors.New("the algorithm does not fit the key")
	}
	header, err := json.Marshal(struct {
		Alg Algorithm `json:"alg"`
		KID string    `json:"kid"`
		Typ string    `json:"typ,omitempty"`
	}{alg, key.Public().KID(), typ})
	if err != nil || len(header) > maxHeader {
		return nil, errors.New("the type must be short valid UTF-8")
	}
	return &Signer{key, alg, base64.RawURLEncoding.EncodeToString(header) + ".", MaxMessage}, nil
}

// Large returns a Signer with the same key for messages of another type, which may have
// MaxLargeMessage bytes.
func (s *Signer) Large(typ string) (*Signer, error) {
	large, err := NewSigner(s.key, s.alg, typ)
	if err == nil {
		large.most = MaxLargeMessage
	}
	return large, err
}

// Algorithm returns the algorithm.
func (s *Signer) Algorithm() Algorithm { return s.alg }

// KID returns the key id that the messages carry.
func (s *Signer) KID() string { return s.key.Public().KID() }

// Sign returns the compact serialisation (RFC 7515 section 7.1) of payload with
// its signature. It refuses a payload with which the message would exceed
// what its reader takes and so could not be read back.
func (s *Signer) Sign(payload []byte) (string, error) {
	// Room for the signature of an RSA-2048 key, so that most messages are
	// built in one piece.
	room := len(s.prefix) + base64.RawURLEncoding.EncodedLen(len(payload)) + 1 + base64.RawURLEncoding.EncodedLen(256)
	message := make([]byte, 0, room)
	message = append(message, s.prefix...)
	message = base64.RawURLEncoding.AppendEncode(message, payload)
	signature, err := s.signature(message)
	if err != nil {
		return "", fmt.Errorf("signing with %s: %w", s.alg, err)
	}
	message = append(message, '.')
	message = base64.RawURLEncoding.AppendEncode(message, signature)
	if len(message) > s.most {
		return "", errTooLarge
	}
	return string(message), nil
}

func (s *Signer) signature(input []byte) ([]byte, error) {
	switch key := (*s.key.half).signer.(type) {
	case *rsa.PrivateKey:
		return (*s.key.half).rsa.sign(s.alg, s.alg.digest(input))
	case *ecdsa.PrivateKey:
		r, v, err := ecdsa.Sign(rand.Reader, key, s.alg.digest(input))
		if err != nil {
			return nil, err
		}
		// RFC 7518 section 3.4: both numbers in the full width of the curve.
		width := (key.Curve.Params().BitSize + 7) / 8
		signature := make([]byte, 2*width)
		r.FillBytes(signature[:width])
		v.FillBytes(signature[width:])
		return signature, nil
	case ed25519.PrivateKey:
		return ed25519.Sign(key, input), nil
	default:
		return nil, errKeyKind
	}
}
