package identity

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"unicode/utf8"
)

// SecretPrefix is how generated client secrets begin, and no chosen one.
const SecretPrefix = "ids_"

const (
	secretIDLen    = 8
	secretBodyLen  = 43 // base64url of 32 bytes
	secretCheckLen = 6  // base64url of a CRC-32
	secretLen      = len(SecretPrefix) + secretIDLen + 1 + secretBodyLen + secretCheckLen

	secretIDAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
)

// NewClientSecret makes a client secret with 256 bits from the system's random
// source and the id under which it is registered:
//
//	ids_<id, 8 of [a-z0-9]>_<43 base64url characters><6 check characters>
//
// The check characters are base64url of the CRC-32 (IEEE, big-endian) of
// everything before them, so a leak scanner tells a real secret from noise
// without asking the service.
func NewClientSecret() (id string, secret Secret) {
	id = NewSecretID()
	body := make([]byte, 32)
	_, _ = rand.Read(body) // never fails: crypto/rand aborts the program instead
	text := SecretPrefix + id + "_" + base64.RawURLEncoding.EncodeToString(body)
	return id, NewSecret(text + secretCheck(text))
}

// NewSecretID returns a random secret id, 8 of [a-z0-9].
func NewSecretID() string {
	id := make([]byte, 0, secretIDLen)
	var buf [16]byte
	for len(id) < secretIDLen {
		_, _ = rand.Read(buf[:])
		for _, b := range buf {
			// 252 is the largest multiple of 36 that fits a byte; above it
			// the first letters would be favoured.
			if b < 252 && len(id) < secretIDLen {
				id = append(id, secretIDAlphabet[int(b)%len(secretIDAlphabet)])
			}
		}
	}
	return string(id)
}

// ClientSecretID returns the id inside a generated client secret, and reports
// whether secret is of the generated form with a true check.
func ClientSecretID(secret Secret) (id string, ok bool) {
	s := secret.Reveal()
	if len(s) != secretLen || !strings.HasPrefix(s, SecretPrefix) || s[len(SecretPrefix)+secretIDLen] != '_' {
		return "", false
	}
	if s[secretLen-secretCheckLen:] != secretCheck(s[:secretLen-secretCheckLen]) {
		return "", false
	}
	id = s[len(SecretPrefix):][:secretIDLen]
	if strings.Trim(id, secretIDAlphabet) != "" {
		return "", false
	}
	return id, true
}

// CheckChosenSecret refuses a client secret that a caller may not choose: it
// has 16 to 512 characters and does not look like a generated one.
func CheckChosenSecret(secret Secret) error {
	s := secret.Reveal()
	if n := runeLen(s); n < 16 || n > 512 {
		return InvalidField("client_secret", "must have 16 to 512 characters")
	}
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return InvalidField("client_secret", "must be valid UTF-8 without U+0000")
	}
	if strings.HasPrefix(s, SecretPrefix) {
		return InvalidField("client_secret", "must not begin with %q, which marks generated secrets", SecretPrefix)
	}
	return nil
}

func secretCheck(text string) string {
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], crc32.ChecksumIEEE([]byte(text)))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
