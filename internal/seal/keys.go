package seal

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/seed-60f9e3ad/identity"
)

const (
	weakKeyLength   = 32 // bytes: 16 for HMAC-SHA256, 16 for AES-128
	strongKeyLength = 64 // bytes: 32 for HMAC-SHA256, 32 for AES-256
)

var errKeyForm = errors.New("expected 64 bytes (or 32) in padded url-safe base64, 88 characters (or 44)")

// FernetKey is an ENCRYPTION_KEY, made by ParseKey. It prints as "[redacted]"
// in every formatter, in JSON and in slog.
type FernetKey struct {
	// The 64 or 32 bytes as they are. They stay a Secret, and are no cipher
	// yet: fmt reaches through pointers to structs (with a verb that does not
	// fit, even nested ones) and would print the key schedule.
	material identity.Secret
	id       string
}

// ParseKey reads a Fernet key: padded base64 of 64 or 32 bytes, the first half
// for HMAC-SHA256 and the second for AES-CBC. The alphabet is the url-safe one;
// the standard one is read too, as Python's Fernet does. The error says what
// was expected and never repeats the text.
func ParseKey(text string) (*FernetKey, error) {
	material, err := base64.URLEncoding.DecodeString(strings.NewReplacer("+", "-", "/", "_").Replace(text))
	defer clear(material)
	// The decoder skips line breaks, hence the second look at the length.
	if err != nil || base64.URLEncoding.EncodedLen(len(material)) != len(text) {
		return nil, errKeyForm
	}
	if len(material) != weakKeyLength && len(material) != strongKeyLength {
		return nil, errKeyForm
	}
	// The id is stored beside what the key wraps: it must stay the same for
	// ever and say nothing about the key.
	id, err := hkdf.Key(sha256.New, material, nil, "identity: id of an encryption key, version 1", 8)
	if err != nil {
		return nil, fmt.Errorf("deriving the key id: %w", err)
	}
	return &FernetKey{identity.NewSecret(string(material)), hex.EncodeToString(id)}, nil
}

// ParseKeys reads ENCRYPTION_KEY: one or more Fernet keys separated by commas,
// with space around them allowed. The error names the entry at fault by its
// number.
func ParseKeys(list string) ([]*FernetKey, error) {
	var keys []*FernetKey
	entries := map[string]int{}
	for i, text := range strings.Split(list, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			return nil, fmt.Errorf("entry %d is empty: %w", i+1, errKeyForm)
		}
		key, err := ParseKey(text)
		if err != nil {
			return nil, fmt.Errorf("entry %d is not a Fernet key: %w", i+1, err)
		}
		if first := entries[key.ID()]; first != 0 {
			return nil, fmt.Errorf("entry %d is the same key as entry %d", i+1, first)
		}
		entries[key.ID()] = i + 1
		keys = append(keys, key)
	}
	return keys, nil
}

// GenerateKey makes the text of a 64-byte key from the system's random source.
func GenerateKey() identity.Secret {
	material := make([]byte, strongKeyLength)
	defer clear(material)
	_, _ = rand.Read(material) // never fails: crypto/rand aborts the program instead
	return identity.NewSecret(base64.URLEncoding.EncodeToString(material))
}

// ID returns 16 hexadecimal characters that name the key and reveal nothing of
// it.
func (k FernetKey) ID() string { return k.id }

// Bits returns the strength of the cipher, 256 or 128.
func (k FernetKey) Bits() int { return 8 * len(k.material.Reveal()) / 2 }

// Weak reports whether the key is of the 32-byte form, whose cipher is AES-128.
func (k FernetKey) Weak() bool { return k.Bits() < 256 }

const redacted = "[redacted]"

// Format implements fmt.Formatter for every verb.
func (k FernetKey) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, redacted) }

// String returns "[redacted]".
func (k FernetKey) String() string { return redacted }

// GoString returns "[redacted]".
func (k FernetKey) GoString() string { return redacted }

// MarshalText returns "[redacted]"; JSON and other encoders use it.
func (k FernetKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]" to slog.
func (k FernetKey) LogValue() slog.Value { return slog.StringValue(redacted) }
