package chain

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
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

// ReadStatement reads a compact JWS and verifies it with the key.
func ReadStatement(compact string, key jose.PublicKey) (Statement, error) {
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
	text, err := message.Verify(key)
	if err != nil {
		return Statement{}, fmt.Errorf("signed by the key %q: %w", message.KID(), err)
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
