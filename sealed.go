package identity

import (
	"errors"
	"strings"
)

// Sealed is a value encrypted at rest: what the store keeps of a secret. Package
// seal makes one from plaintext and opens it again; nothing else can. Its parts
// are checked for their form on the way in, so a plaintext that is mistaken for
// a sealed value is refused rather than stored.
type Sealed struct {
	wrapperID  string
	dataKey    string
	ciphertext []byte
}

// NewSealed puts the parts of a sealed value together: wrapperID names the
// ENCRYPTION_KEY that wraps the data key, dataKey is the data key as a Fernet
// token under it, and ciphertext is AES-256-GCM under the data key, a 12-byte
// nonce and then the encrypted value with its 16-byte tag. All empty is the
// zero Sealed.
func NewSealed(wrapperID, dataKey string, ciphertext []byte) (Sealed, error) {
	if wrapperID == "" && dataKey == "" && len(ciphertext) == 0 {
		return Sealed{}, nil
	}
	// A Fernet token begins with the byte 0x80 and a time before the year 2242.
	if wrapperID == "" || !strings.HasPrefix(dataKey, "gAAAA") || len(ciphertext) < 12+16 {
		return Sealed{}, errors.New("not the form of a sealed value")
	}
	return Sealed{wrapperID, dataKey, ciphertext}, nil
}

// WrapperID names the ENCRYPTION_KEY that wraps the data key.
func (s Sealed) WrapperID() string { return s.wrapperID }

// DataKey is the data key as a Fernet token.
func (s Sealed) DataKey() string { return s.dataKey }

// Ciphertext is the nonce and the encrypted value.
func (s Sealed) Ciphertext() []byte { return s.ciphertext }

// Empty reports whether nothing is sealed in it.
func (s Sealed) Empty() bool { return len(s.ciphertext) == 0 }
