package identity

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a password, client secret, key or other value that must not be
// seen. It prints as "[redacted]" in every formatter, in JSON, in text and in
// slog, also as an unexported member of another struct. Reveal is the only way
// to the value. The zero Secret is empty.
type Secret struct {
	// A pointer, because fmt reads unexported members by reflection without
	// asking their methods, and prints a nested pointer as an address only.
	value *string
}

// NewSecret wraps value.
func NewSecret(value string) Secret { return Secret{&value} }

// Reveal returns the value. Each call is a place to review.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty reports whether the secret has no characters.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// Equal reports whether two secrets are the same, in time that depends on
// their lengths only.
func (s Secret) Equal(other Secret) bool {
	a, b := sha256.Sum256([]byte(s.Reveal())), sha256.Sum256([]byte(other.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Format implements fmt.Formatter for every verb.
func (s Secret) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, redacted) }

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// MarshalText returns "[redacted]"; JSON and other encoders use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]" to slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
