package foreignhash

import (
	"crypto/sha1" //nolint:gosec // HMAC-SHA-1 within PBKDF2 is what others have used, and is not broken
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
)

// Why a text is refused. The errors never repeat it.
var (
	// ErrUnknownForm says that the text is not a hash in one of the forms that
	// this package reads.
	ErrUnknownForm = errors.New("not a password hash of a known form")
	// ErrLimits says that a parameter is outside the limits of this package.
	ErrLimits = errors.New("password hash parameters are outside the limits")
	// ErrArgon2 says that the text is an Argon2 hash, which this package does
	// not verify; Argon2 returns its PHC string.
	ErrArgon2 = errors.New("an Argon2 hash is expected as its PHC string, which begins with $argon2")
)

// Limits of a hash that is verified. They keep an imported hash from taking the
// machine down: at each of them, a verification takes some seconds of one core.
const (
	MaxText = 1024 // bytes of the whole text

	MinSalt = 1 // bytes, for PBKDF2 and scrypt
	MaxSalt = 128
	MinHash = 16 // bytes, for PBKDF2 and scrypt
	MaxHash = 64

	MinBcryptCost = 4 // binary logarithm of the rounds
	MaxBcryptCost = 15

	MaxPBKDF2Iterations = 10_000_000
	MaxPBKDF2Work       = 10_000_000 // iterations times the blocks of the hash; SHA-512 counts twice

	MaxScryptMemory      = 256 << 10 // KiB: N times r over 8
	MaxScryptWork        = 1 << 22   // N times r times p, in blocks of 128 bytes: 512 MiB mixed in all
	MaxScryptBlock       = 32        // r
	MaxScryptParallelism = 16        // p
)

// smallMemory, in KiB, is more than bcrypt and PBKDF2 take.
const smallMemory = 8

// Hash is a parsed password hash, within the limits of this package. The zero
// Hash verifies no password.
type Hash struct {
	name   string
	memory uint32
	verify func(password []byte) bool
}

// Parse reads a hash in one of the forms that the package comment lists. It
// computes nothing. The errors are ErrUnknownForm, ErrLimits and ErrArgon2.
func Parse(text string) (Hash, error) {
	if len(text) > MaxText {
		return Hash{}, fmt.Errorf("%w: longer than %d bytes", ErrLimits, MaxText)
	}
	if _, ok := Argon2(text); ok {
		return Hash{}, ErrArgon2
	}
	switch id, rest := cutID(text); id {
	case "$2a", "$2b", "$2y":
		return parseBcrypt(text)
	case "bcrypt":
		return parseBcrypt(rest)
	case "bcrypt_sha256":
		return parseBcryptSHA256(rest)
	case "$pbkdf2", "$pbkdf2-sha1":
		return parsePBKDF2("sha1", sha1.New, rest)
	case "$pbkdf2-sha256":
		return parsePBKDF2("sha256", sha256.New, rest)
	case "$pbkdf2-sha512":
		return parsePBKDF2("sha512", sha512.New, rest)
	case "pbkdf2_sha1":
		return parseDjangoPBKDF2("sha1", sha1.New, rest)
	case "pbkdf2_sha256":
		return parseDjangoPBKDF2("sha256", sha256.New, rest)
	case "$scrypt":
		return parseScrypt(rest)
	case "scrypt":
		return parseDjangoScrypt(rest)
	default:
		return Hash{}, ErrUnknownForm
	}
}

// cutID cuts text at the '$' after its id. The id keeps a leading '$', which
// tells the PHC and modular forms from Django's.
func cutID(text string) (id, rest string) {
	id, rest, _ = strings.Cut(strings.TrimPrefix(text, "$"), "$")
	if strings.HasPrefix(text, "$") {
		id = "$" + id
	}
	return id, rest
}

// Argon2 reports whether text is that of an Argon2 hash, and returns its PHC
// string: what follows "argon2" in the texts of Django, other texts unchanged.
// Whether the PHC string is well formed is for its parser to say.
func Argon2(text string) (phc string, ok bool) {
	phc = strings.TrimPrefix(text, "argon2")
	return phc, strings.HasPrefix(phc, "$argon2")
}

// Verify reports whether the hash is one of password. It takes up to some
// seconds and Memory of memory: bound how many run at once. Its time depends on
// the parameters and the length of password, not on what the bytes are.
func (h Hash) Verify(password []byte) bool {
	return h.verify != nil && h.verify(password)
}

// Name returns what the hash is made with: bcrypt, bcrypt-sha256, pbkdf2-sha1,
// pbkdf2-sha256, pbkdf2-sha512 or scrypt.
func (h Hash) Name() string { return h.name }

// Memory estimates in KiB what Verify takes: 8 for all but scrypt, and no more
// than MaxScryptMemory.
func (h Hash) Memory() uint32 { return h.memory }

// derived makes the verify of a hash that is derived as want is.
func derived(want []byte, derive func(password []byte) ([]byte, error)) func(password []byte) bool {
	return func(password []byte) bool {
		got, err := derive(password)
		return err == nil && subtle.ConstantTimeCompare(want, got) == 1
	}
}
