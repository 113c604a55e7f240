package foreignhash

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// parseNumber reads a decimal without sign and leading zeros.
func parseNumber(s string) (int, error) {
	if s == "" || len(s) > 1 && s[0] == '0' || strings.Trim(s, "0123456789") != "" {
		return 0, fmt.Errorf("%w: a number is not a canonical decimal", ErrUnknownForm)
	}
	n, err := strconv.Atoi(s)
	if err != nil { // it has only digits, so they are too many
		return 0, fmt.Errorf("%w: a number is too large", ErrLimits)
	}
	return n, nil
}

// parseBytes decodes the part of a hash that errors call name.
func parseBytes(name string, alphabet *base64.Encoding, s string, least, most int) ([]byte, error) {
	b, err := alphabet.DecodeString(s)
	// The decoder skips line breaks and stray trailing bits; an encoding that
	// is not the canonical one is refused by its way back.
	if err != nil || alphabet.EncodeToString(b) != s {
		return nil, fmt.Errorf("%w: the %s is not in the base64 of its form", ErrUnknownForm, name)
	}
	if len(b) < least || len(b) > most {
		return nil, fmt.Errorf("%w: the %s must have %d to %d bytes", ErrLimits, name, least, most)
	}
	return b, nil
}

// parseSaltText takes a salt of Django, whose characters are the salt's bytes.
func parseSaltText(s string) ([]byte, error) {
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fmt.Errorf("%w: the salt is not of printable ASCII", ErrUnknownForm)
	}
	if len(s) < MinSalt || len(s) > MaxSalt {
		return nil, fmt.Errorf("%w: the salt must have %d to %d bytes", ErrLimits, MinSalt, MaxSalt)
	}
	return []byte(s), nil
}
