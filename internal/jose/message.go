package jose

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	// MaxMessage is the most bytes that a compact JWS may have.
	MaxMessage = 16 << 10
	// MaxLargeMessage is that of one which is no token, but a list.
	MaxLargeMessage = 16 << 20

	maxHeader = 4 << 10 // bytes of header JSON
	maxKID    = 256     // bytes
)

// ErrSignature is returned for a message whose signature the key did not make.
var ErrSignature = errors.New("the signature does not verify")

// ErrAlgorithm is returned for a message whose algorithm is not one of those allowed.
var ErrAlgorithm = errors.New("the message's algorithm is not allowed")

var (
	errTooLarge = errors.New("the message must not be larger than 16 KiB, a list not larger than 16 MiB")
	errCompact  = errors.New("the message must be a compact JWS: three segments of unpadded base64url with dots between")
)

// Message is a compact JWS that has been read but not verified: what it says of
// itself is a claim, good for choosing a key and nothing else.
type Message struct {
	alg    Algorithm
	kid    string
	typ    string
	signed *gojose.JSONWebSignature
}

// header has the members of a JOSE header that matter here (RFC 7515 section
// 4.1); others are ignored.
type header struct {
	Alg text `json:"alg"`
	KID text `json:"kid"`
	Typ text `json:"typ"`

	// Keys that the sender brings along are not keys (RFC 8725 section 3.10,
	// RFC 7515 section 10.12).
	JWK jsontext.Value `json:"jwk"`
	JKU jsontext.Value `json:"jku"`
	X5U jsontext.Value `json:"x5u"`
	X5C jsontext.Value `json:"x5c"`
	// RFC 7515 section 4.1.11: no extension is understood.
	Crit jsontext.Value `json:"crit"`
	// RFC 7797, RFC 7516: nothing but plain JWS is understood.
	B64 jsontext.Value `json:"b64"`
	Enc jsontext.Value `json:"enc"`
	Zip jsontext.Value `json:"zip"`
}

// Parse reads a message of at most MaxMessage bytes: three segments of canonical
// unpadded base64url, the first a strict JSON object of at most 4 KiB with an
// alg of exactly one of allowed, a kid of 1 to 256 bytes or none, a typ or none,
// and none of jwk, jku, x5u, x5c, crit, b64, enc and zip. No signature is
// checked. The caller compares the type.
func Parse(compact string, allowed []Algorithm) (*Message, error) {
	return parse(compact, allowed, MaxMessage)
}

// ParseLarge is Parse for a message of at most MaxLargeMessage bytes.
func ParseLarge(compact string, allowed []Algorithm) (*Message, error) {
	return parse(compact, allowed, MaxLargeMessage)
}

func parse(compact string, allowed []Algorithm, most int) (*Message, error) {
	if len(compact) > most {
		return nil, errTooLarge
	}
	// Found, not split: a flood of dots makes nothing. One dot too many is
	// refused as a character that is not base64url.
	first, rest, ok1 := strings.Cut(compact, ".")
	second, third, ok2 := strings.Cut(rest, ".")
	if !ok1 || !ok2 {
		return nil, errCompact
	}
	headerJSON, ok1 := strictBase64(first)
	_, ok2 = strictBase64(second)
	signature, ok3 := strictBase64(third)
	if !ok1 || !ok2 || !ok3 {
		return nil, errCompact
	}
	if len(signature) == 0 {
		return nil, errors.New("the message must be signed")
	}
	m, err := parseHeader(headerJSON, allowed)
	if err != nil {
		return nil, err
	}
	m.signed, err = gojose.ParseSignedCompact(compact, []gojose.SignatureAlgorithm{gojose.SignatureAlgorithm(m.alg)})
	if err != nil {
		return nil, errors.New("the message's header has members of the wrong type") // the inner error quotes them
	}
	return m, nil
}

func parseHeader(data []byte, allowed []Algorithm) (*Message, error) {
	if len(data) > maxHeader {
		return nil, errors.New("the message's header must have at most 4 KiB")
	}
	var h header
	if err := DecodeStrict(data, &h); err != nil {
		return nil, fmt.Errorf("reading the message's header: %w", err)
	}
	for _, refused := range []jsontext.Value{h.JWK, h.JKU, h.X5U, h.X5C, h.Crit, h.B64, h.Enc, h.Zip} {
		if refused != nil {
			return nil, errors.New("the message's header must have none of jwk, jku, x5u, x5c, crit, b64, enc and zip")
		}
	}
	// Twice, so that a list with a foreign algorithm in it allows no more.
	alg, err := ParseAlgorithm(h.Alg.value)
	if err != nil || !slices.Contains(allowed, alg) {
		return nil, ErrAlgorithm
	}
	if h.KID.present && (h.KID.value == "" || len(h.KID.value) > maxKID) {
		return nil, errors.New("the message's kid must have 1 to 256 bytes")
	}
	return &Message{alg: alg, kid: h.KID.value, typ: h.Typ.value}, nil
}

// Algorithm returns the header's alg.
func (m *Message) Algorithm() Algorithm { return m.alg }

// KID returns the header's kid, empty if there is none. It is the sender's
// choice: a hint at which of the keys already trusted to take.
func (m *Message) KID() string { return m.kid }

// Type returns the header's typ, empty if there is none.
func (m *Message) Type() string { return m.typ }

// Verify returns the payload if key made the signature under the header's
// algorithm. A key that does not fit the algorithm is refused before any
// arithmetic, which can be measured; see Verifier.
func (m *Message) Verify(key PublicKey) (payload []byte, err error) {
	if !key.Fits(m.alg) {
		return nil, errors.New("the message's algorithm does not fit the key")
	}
	var with any = key.key
	if m.alg.pss() {
		with = pssVerifier{key}
	}
	if payload, err = m.signed.Verify(with); err != nil {
		return nil, ErrSignature
	}
	return payload, nil
}

// UnverifiedPayload returns the payload without looking at the signature. Nobody
// vouches for it: it is for showing a message to a person.
func (m *Message) UnverifiedPayload() []byte { return m.signed.UnsafePayloadWithoutVerification() }

func (m *Message) signature() []byte { return m.signed.Signatures[0].Signature }
