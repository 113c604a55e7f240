package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/seed-60f9e3ad/identity"
)

// Why a sealed value does not open.
var (
	// ErrUnknownKey says that the value is sealed under a key that is not among
	// the given ones.
	ErrUnknownKey = errors.New("sealed under an unknown encryption key")
	// ErrDamaged says that the key is known, but the value is not what was
	// sealed under it at this place.
	ErrDamaged = errors.New("sealed value is damaged")
)

const dataKeyLength = 32 // bytes, AES-256

// KeyWrapper encrypts data keys. FernetKey is one; a key management service can
// be another.
type KeyWrapper interface {
	// Wrap encrypts a data key, as text that identity.NewSealed accepts.
	Wrap(dataKey []byte) (string, error)
	// Unwrap decrypts what Wrap made. It fails with ErrDamaged if the token is
	// not authentic, and with another error if that cannot be known now.
	Unwrap(token string) ([]byte, error)
	// ID names the wrapping key, the same for ever, and reveals nothing of it.
	ID() string
}

// Sealer seals values and opens them. It is safe for concurrent use.
type Sealer struct {
	first KeyWrapper
	byID  map[string]KeyWrapper
}

// New makes a Sealer. The first wrapper encrypts, all decrypt.
func New(wrappers ...KeyWrapper) (*Sealer, error) {
	if len(wrappers) == 0 {
		return nil, errors.New("sealing needs at least one encryption key")
	}
	s := &Sealer{first: wrappers[0], byID: map[string]KeyWrapper{}}
	for _, w := range wrappers {
		if s.byID[w.ID()] != nil {
			return nil, fmt.Errorf("encryption key %s is given twice", w.ID())
		}
		s.byID[w.ID()] = w
	}
	return s, nil
}

// First is the id of the wrapper that encrypts.
func (s *Sealer) First() string { return s.first.ID() }

// IDs are those of all wrappers, in no order.
func (s *Sealer) IDs() []string { return slices.Collect(maps.Keys(s.byID)) }

// Seal encrypts plaintext for its place under a fresh data key.
func (s *Sealer) Seal(plaintext []byte, place Place) (identity.Sealed, error) {
	if err := place.check(); err != nil {
		return identity.Sealed{}, err
	}
	dataKey := make([]byte, dataKeyLength)
	defer clear(dataKey)
	_, _ = rand.Read(dataKey) // never fails: crypto/rand aborts the program instead
	aead, err := newAEAD(dataKey)
	if err != nil {
		return identity.Sealed{}, err
	}
	token, err := s.first.Wrap(dataKey)
	if err != nil {
		return identity.Sealed{}, fmt.Errorf("wrapping data key: %w", err)
	}
	return identity.NewSealed(s.first.ID(), token, aead.Seal(nil, nil, plaintext, place.bytes())) //nolint:gosec // the nonce is random and made by the AEAD
}

// Open decrypts a value sealed for this place. The error is ErrUnknownKey or
// ErrDamaged, or that of a wrapper that cannot answer now. Opening the zero
// Sealed is an error of neither kind.
func (s *Sealer) Open(sealed identity.Sealed, place Place) ([]byte, error) {
	dataKey, err := s.dataKey(sealed)
	if err != nil {
		return nil, err
	}
	defer clear(dataKey)
	aead, err := newAEAD(dataKey)
	if err != nil {
		return nil, err
	}
	plaintext, err := aead.Open(nil, nil, sealed.Ciphertext(), place.bytes())
	if err != nil {
		return nil, fmt.Errorf("%w: it was not sealed for this place, or has changed since", ErrDamaged)
	}
	return plaintext, nil
}

// Rewrap returns the value with its data key wrapped by the first wrapper, and
// reports whether that is a change. The encrypted value stays as it is; whether
// it is intact is seen only by Open. The errors are those of Open.
func (s *Sealer) Rewrap(sealed identity.Sealed) (rewrapped identity.Sealed, changed bool, err error) {
	if sealed.WrapperID() == s.first.ID() {
		return sealed, false, nil
	}
	dataKey, err := s.dataKey(sealed)
	if err != nil {
		return identity.Sealed{}, false, err
	}
	defer clear(dataKey)
	token, err := s.first.Wrap(dataKey)
	if err != nil {
		return identity.Sealed{}, false, fmt.Errorf("wrapping data key: %w", err)
	}
	rewrapped, err = identity.NewSealed(s.first.ID(), token, sealed.Ciphertext())
	return rewrapped, err == nil, err
}

// dataKey returns the data key of a sealed value. The caller wipes it.
func (s *Sealer) dataKey(sealed identity.Sealed) ([]byte, error) {
	if sealed.Empty() {
		return nil, errors.New("nothing is sealed")
	}
	wrapper := s.byID[sealed.WrapperID()]
	if wrapper == nil {
		return nil, fmt.Errorf("%w: %q", ErrUnknownKey, sealed.WrapperID())
	}
	dataKey, err := wrapper.Unwrap(sealed.DataKey())
	if err != nil {
		return nil, fmt.Errorf("unwrapping data key: %w", err)
	}
	if len(dataKey) != dataKeyLength {
		clear(dataKey)
		return nil, fmt.Errorf("%w: the data key has not %d bytes", ErrDamaged, dataKeyLength)
	}
	return dataKey, nil
}

// newAEAD returns AES-256-GCM that puts a random 12-byte nonce before the
// ciphertext. A data key encrypts one value, so nonces cannot collide.
func newAEAD(dataKey []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(dataKey)
	if err != nil {
		return nil, fmt.Errorf("preparing the cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("preparing the cipher: %w", err)
	}
	return aead, nil
}
