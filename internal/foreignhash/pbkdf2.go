package foreignhash

import (
	"crypto/pbkdf2"
	"encoding/base64"
	"fmt"
	"hash"
	"strconv"
	"strings"
)

// parsePBKDF2 reads what follows the id: i=<iterations>,l=<length>$<salt>$<hash>
// in the PHC form, or <iterations>$<salt>$<hash> in that of passlib, whose base64
// has '.' for '+'.
func parsePBKDF2(name string, digest func() hash.Hash, rest string) (Hash, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 3 {
		return Hash{}, fmt.Errorf("%w: expected PBKDF2 iterations, salt and hash", ErrUnknownForm)
	}
	alphabet := base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./").WithPadding(base64.NoPadding)
	params, isPHC := strings.CutPrefix(parts[0], "i=")
	if isPHC {
		alphabet = base64.RawStdEncoding
	}
	count, length, hasLength := strings.Cut(params, ",l=")
	iterations, err := parseNumber(count)
	if err != nil {
		return Hash{}, err
	}
	salt, err := parseBytes("salt", alphabet, parts[1], MinSalt, MaxSalt)
	if err != nil {
		return Hash{}, err
	}
	want, err := parseBytes("hash", alphabet, parts[2], MinHash, MaxHash)
	if err != nil {
		return Hash{}, err
	}
	if hasLength && (!isPHC || length != strconv.Itoa(len(want))) {
		return Hash{}, fmt.Errorf("%w: l is not the length of the PBKDF2 hash", ErrUnknownForm)
	}
	return newPBKDF2(name, digest, iterations, salt, want)
}

// parseDjangoPBKDF2 reads what follows the id: <iterations>$<salt text>$<hash>.
func parseDjangoPBKDF2(name string, digest func() hash.Hash, rest string) (Hash, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 3 {
		return Hash{}, fmt.Errorf("%w: expected PBKDF2 iterations, salt and hash", ErrUnknownForm)
	}
	iterations, err := parseNumber(parts[0])
	if err != nil {
		return Hash{}, err
	}
	salt, err := parseSaltText(parts[1])
	if err != nil {
		return Hash{}, err
	}
	want, err := parseBytes("hash", base64.StdEncoding, parts[2], MinHash, MaxHash)
	if err != nil {
		return Hash{}, err
	}
	return newPBKDF2(name, digest, iterations, salt, want)
}

// newPBKDF2 makes the Hash of PBKDF2 (RFC 8018 section 5.2) with an HMAC.
func newPBKDF2(name string, digest func() hash.Hash, iterations int, salt, want []byte) (Hash, error) {
	if iterations < 1 || iterations > MaxPBKDF2Iterations {
		return Hash{}, fmt.Errorf("%w: PBKDF2 iterations must be 1 to %d", ErrLimits, MaxPBKDF2Iterations)
	}
	// RFC 8018 section 5.2, step 3: each block of the hash takes all iterations.
	// What one costs grows with the block of the digest, 64 bytes or SHA-512's 128.
	d := digest()
	blocks := (len(want) + d.Size() - 1) / d.Size()
	if iterations*blocks*(d.BlockSize()/64) > MaxPBKDF2Work {
		return Hash{}, fmt.Errorf("%w: PBKDF2 iterations times blocks must be at most %d, half of it with SHA-512", ErrLimits, MaxPBKDF2Work)
	}
	return Hash{name: "pbkdf2-" + name, memory: smallMemory, verify: derived(want, func(password []byte) ([]byte, error) {
		return pbkdf2.Key(digest, string(password), salt, iterations, len(want))
	})}, nil
}
