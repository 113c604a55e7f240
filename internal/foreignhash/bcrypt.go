package foreignhash

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"golang.org/x/crypto/bcrypt"
)

// bcryptBytes is how much of a password bcrypt sees.
const bcryptBytes = 72

// parseBcrypt reads $2b$<cost>$<salt><hash>: a cost of two digits, and 16 and 23
// bytes in the base64 of bcrypt. The ids 2a, 2b and 2y stand for one algorithm;
// 2 and 2x are of faulty ones.
func parseBcrypt(text string) (Hash, error) {
	const length = 60
	if len(text) != length || text[3] != '$' || text[6] != '$' {
		return Hash{}, fmt.Errorf("%w: expected $2a$, $2b$ or $2y$, a cost of two digits, $ and 53 characters", ErrUnknownForm)
	}
	switch text[:3] {
	case "$2a", "$2b", "$2y":
	default:
		return Hash{}, fmt.Errorf("%w: expected bcrypt as 2a, 2b or 2y", ErrUnknownForm)
	}
	tens, ones := text[4]-'0', text[5]-'0' // other characters become numbers above 9
	if tens > 9 || ones > 9 {
		return Hash{}, fmt.Errorf("%w: expected a bcrypt cost of two digits", ErrUnknownForm)
	}
	alphabet := base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").WithPadding(base64.NoPadding)
	if _, err := parseBytes("salt", alphabet, text[7:29], 16, 16); err != nil {
		return Hash{}, err
	}
	if _, err := parseBytes("hash", alphabet, text[29:], 23, 23); err != nil {
		return Hash{}, err
	}
	if cost := 10*tens + ones; cost < MinBcryptCost || cost > MaxBcryptCost {
		return Hash{}, fmt.Errorf("%w: the bcrypt cost must be %d to %d", ErrLimits, MinBcryptCost, MaxBcryptCost)
	}
	return Hash{name: "bcrypt", memory: smallMemory, verify: func(password []byte) bool {
		return bcrypt.CompareHashAndPassword([]byte(text), password[:min(len(password), bcryptBytes)]) == nil
	}}, nil
}

// parseBcryptSHA256 reads what follows Django's "bcrypt_sha256$". The password
// of that bcrypt is the lower-case hexadecimal SHA-256 of the user's.
func parseBcryptSHA256(text string) (Hash, error) {
	inner, err := parseBcrypt(text)
	if err != nil {
		return Hash{}, err
	}
	return Hash{name: "bcrypt-sha256", memory: inner.memory, verify: func(password []byte) bool {
		sum := sha256.Sum256(password)
		return inner.Verify(hex.AppendEncode(nil, sum[:]))
	}}, nil
}
