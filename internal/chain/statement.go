package chain

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// The kinds of statements, and the "typ" that each has as a JWS (RFC 7515 section 4.1.9).
const (
	Head = "head"
	Cut  = "cut"
)

var types = map[string]string{Head: "audit-head+jwt", Cut: "audit-cut+jwt"}

// Statement is what the service signs about the audit.
type Statement struct {
	// Kind is Head, which says the hash at a number, or Cut, which says that the events up
	// to it were deleted, and the hash on which the next one stands.
	Kind   string
	Number int64
	Hash   []byte
	At     time.Time // in seconds
}

// payload is a statement as it is signed.
type payload struct {
	Number int64  `json:"number"`
	Hash   string `json:"hash"` // in base64url
	At     int64  `json:"iat"`
}

// Signer signs statements. It prints nothing of its key.
type Signer struct {
	public jose.PublicKey
	of     map[string]*jose.Signer
}

// NewSigner signs with an Ed25519 key.
func NewSigner(key jose.PrivateKey) (*Signer, error) {
	s := &Signer{public: key.Public(), of: map[string]*jose.Signer{}}
	for kind, typ := range types {
		var err error
		if s.of[kind], err = jose.NewSigner(key, jose.EdDSA, typ); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Public returns the key with which statements are verified.
func (s *Signer) Public() jose.PublicKey { return s.public }

// Sign returns the statement as a compact JWS.
func (s *Signer) Sign(st Statement) (string, error) {
	text, err := json.Marshal(payload{st.Number, base64.RawURLEncoding.EncodeToString(st.Hash), st.At.Unix()})
	if err != nil {
		return "", err
	}
	return s.of[st.Kind].Sign(text)
}

// Record is a statement in parts, as the log has it and as people copy it from there.
type Record struct {
	Kind string `json:"kind"` // Head or Cut
	payload
	KID       string `json:"kid"`
	Signature string `json:"signature"` // in base64url
}

// Split returns the parts of a compact JWS that Sign has made. It verifies nothing.
func Split(compact string) (r Record, err error) {
	message, err := jose.Parse(compact, []jose.Algorithm{jose.EdDSA})
	if err != nil {
		return r, err
	}
	for kind, typ := range types {
		if message.Type() == typ {
			r.Kind = kind
		}
	}
	r.KID, r.Signature = message.KID(), compact[strings.LastIndexByte(compact, '.')+1:]
	return r, jose.DecodeStrict(message.UnverifiedPayload(), &r.payload)
}

// ParseRecord reads the record of a statement, in JSON, and returns the compact JWS. Other
// members that a log gives its records are ignored.
func ParseRecord(text []byte) (string, error) {
	var r Record
	if err := jose.DecodeStrict(text, &r); err != nil {
		return "", err
	}
	header, err := json.Marshal(struct {
		Alg jose.Algorithm `json:"alg"`
		KID string         `json:"kid"`
		Typ string         `json:"typ"`
	}{jose.EdDSA, r.KID, types[r.Kind]})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(r.payload)
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding
	return b64.EncodeToString(header) + "." + b64.EncodeToString(claims) + "." + r.Signature, nil
}

// ReadStatement reads a compact JWS and verifies it with the one of the keys that it names.
func ReadStatement(compact string, keys ...jose.PublicKey) (Statement, error) {
	message, err := jose.Parse(compact, []jose.Algorithm{jose.EdDSA})
	if err != nil {
		return Statement{}, err
	}
	st := Statement{}
	for kind, typ := range types {
		if message.Type() == typ {
			st.Kind = kind
		}
	}
	if st.Kind == "" {
		return Statement{}, errors.New("it is no statement about an audit")
	}
	named := slices.IndexFunc(keys, func(k jose.PublicKey) bool { return k.KID() == message.KID() })
	if named < 0 {
		return Statement{}, fmt.Errorf("it names the key %q, which is none of those given", message.KID())
	}
	text, err := message.Verify(keys[named])
	if err != nil {
		return Statement{}, err
	}
	var p payload
	if err := jose.DecodeStrict(text, &p); err != nil {
		return Statement{}, err
	}
	st.Number, st.At = p.Number, time.Unix(p.At, 0).UTC()
	if st.Hash, err = base64.RawURLEncoding.Strict().DecodeString(p.Hash); err != nil || len(st.Hash) != sha256.Size || st.Number < 1 {
		return Statement{}, errors.New("its number or its hash is none")
	}
	return st, nil
}
