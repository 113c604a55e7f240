package seal

import (
	"fmt"
	"strings"
)

// OpenOriginal opens the signing key that the original Python service stored,
// its service_config.private_key, and returns the PEM. The stored form is
// "A:B": A is a Fernet token under ENCRYPTION_KEY of a data key in its base64
// text, B a Fernet token of the PEM under that data key. Tokens do not name
// their key, so the keys are tried in turn.
//
// The error is ErrUnknownKey if A opens under none of the keys (a changed A
// cannot be told from a missing key), and ErrDamaged if the form is another or
// B does not open.
func OpenOriginal(stored []byte, keys []*FernetKey) ([]byte, error) {
	a, b, ok := strings.Cut(string(stored), ":")
	if !ok {
		return nil, fmt.Errorf("%w: expected two Fernet tokens with a colon between", ErrDamaged)
	}
	text, err := unwrapAny(a, keys)
	if err != nil {
		return nil, fmt.Errorf("unwrapping data key: %w", err)
	}
	defer clear(text)
	dataKey, err := ParseKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("%w: the data key is not a Fernet key", ErrDamaged)
	}
	pem, err := dataKey.Unwrap(b)
	if err != nil {
		return nil, fmt.Errorf("opening the private key: %w", err)
	}
	return pem, nil
}

func unwrapAny(token string, keys []*FernetKey) ([]byte, error) {
	for _, k := range keys {
		if plaintext, err := k.Unwrap(token); err == nil {
			return plaintext, nil
		}
	}
	return nil, ErrUnknownKey
}
