package argon2

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	xargon2 "golang.org/x/crypto/argon2"
)

// Why a PHC string is refused. The errors never repeat it.
var (
	// ErrMalformed says that the string is not the PHC string of an Argon2
	// hash.
	ErrMalformed = errors.New("not an Argon2 PHC string")
	// ErrArgon2d says that the hash is Argon2d, whose memory access depends on
	// the password and so leaks it to side channels.
	ErrArgon2d = errors.New("argon2d hashes are not accepted, only argon2id and argon2i")
	// ErrVersion says that the hash is of another Argon2 version than 1.3.
	ErrVersion = errors.New("only Argon2 version 1.3 (v=19) is accepted")
	// ErrLimits says that a parameter is outside the limits of this package.
	ErrLimits = errors.New("argon2 parameters are outside the limits")
)

// Variant is a kind of Argon2, as PHC strings spell it.
type Variant string

// The variants that are verified. Only Argon2id is made.
const (
	Argon2id Variant = "argon2id"
	Argon2i  Variant = "argon2i"
)

// Hash is a parsed PHC string, within the limits of this package.
type Hash struct {
	Variant   Variant
	Params    Params
	salt, tag []byte
}

// Parse reads a PHC string of exactly this form:
//
//	$argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<tag>
//
// or the same with argon2i. Numbers are canonical decimals, salt and tag
// canonical unpadded standard base64. The errors are ErrMalformed, ErrArgon2d,
// ErrVersion and ErrLimits.
func Parse(phc string) (Hash, error) {
	if len(phc) > MaxPHC {
		return Hash{}, fmt.Errorf("%w: longer than %d characters", ErrMalformed, MaxPHC)
	}
	parts := strings.Split(phc, "$")
	if len(parts) < 3 || parts[0] != "" {
		return Hash{}, fmt.Errorf("%w: expected $argon2id$v=19$m=,t=,p=$salt$tag", ErrMalformed)
	}
	h := Hash{Variant: Variant(parts[1])}
	switch h.Variant {
	case Argon2id, Argon2i:
	case "argon2d":
		return Hash{}, ErrArgon2d
	default:
		return Hash{}, fmt.Errorf("%w: expected argon2id or argon2i", ErrMalformed)
	}
	if err := checkVersion(parts[2]); err != nil {
		return Hash{}, err
	}
	if len(parts) != 6 {
		return Hash{}, fmt.Errorf("%w: expected parameters, salt and tag after the version", ErrMalformed)
	}
	var err error
	if h.Params, err = parseParams(parts[3]); err != nil {
		return Hash{}, err
	}
	if h.salt, err = parseBytes("salt", parts[4], MinSalt, MaxSalt); err != nil {
		return Hash{}, err
	}
	if h.tag, err = parseBytes("tag", parts[5], MinTag, MaxTag); err != nil {
		return Hash{}, err
	}
	return h, nil
}

// PHC returns the PHC string of the hash, which Parse reads back.
func (h Hash) PHC() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$%s$v=%d$m=%d,t=%d,p=%d$%s$%s", h.Variant, xargon2.Version,
		h.Params.Memory, h.Params.Time, h.Params.Threads, b64.EncodeToString(h.salt), b64.EncodeToString(h.tag))
}

// matches reports whether computed is the tag of the hash.
func (h Hash) matches(computed []byte) bool {
	return subtle.ConstantTimeCompare(h.tag, computed) == 1
}

// compute returns the tag that password has under the hash's variant,
// parameters, salt and tag length.
func (h Hash) compute(password []byte) []byte {
	derive := xargon2.IDKey
	if h.Variant == Argon2i {
		derive = xargon2.Key
	}
	return derive(password, h.salt, h.Params.Time, h.Params.Memory, h.Params.Threads, uint32(len(h.tag))) //nolint:gosec // at most MaxTag
}

func checkVersion(s string) error {
	switch {
	case s == "v=19":
		return nil
	case strings.HasPrefix(s, "v="), strings.HasPrefix(s, "m="): // without v= it is version 1.0, v=16
		return ErrVersion
	default:
		return fmt.Errorf("%w: expected v=19", ErrMalformed)
	}
}

func parseParams(s string) (Params, error) {
	fields := strings.Split(s, ",")
	if len(fields) != 3 {
		return Params{}, fmt.Errorf("%w: expected the parameters m=,t=,p=", ErrMalformed)
	}
	m, errM := parseNumber(fields[0], "m=", 32)
	t, errT := parseNumber(fields[1], "t=", 32)
	p, errP := parseNumber(fields[2], "p=", 8)
	if err := errors.Join(errM, errT, errP); err != nil {
		return Params{}, fmt.Errorf("%w: expected the parameters m=,t=,p= with canonical decimals", ErrMalformed)
	}
	params := Params{Memory: uint32(m), Time: uint32(t), Threads: uint8(p)} //nolint:gosec // within the bits asked for
	return params, params.check()
}

// parseNumber reads a decimal without sign and leading zeros that fits bits.
func parseNumber(s, name string, bits int) (uint64, error) {
	digits, ok := strings.CutPrefix(s, name)
	if !ok || len(digits) > 1 && digits[0] == '0' {
		return 0, ErrMalformed
	}
	return strconv.ParseUint(digits, 10, bits)
}

func parseBytes(name, s string, least, most int) ([]byte, error) {
	b, err := base64.RawStdEncoding.DecodeString(s)
	// The decoder skips line breaks and stray trailing bits; an encoding that
	// is not the canonical one is refused by its way back.
	if err != nil || base64.RawStdEncoding.EncodeToString(b) != s {
		return nil, fmt.Errorf("%w: the %s is not unpadded standard base64", ErrMalformed, name)
	}
	if len(b) < least || len(b) > most {
		return nil, fmt.Errorf("%w: the %s must have %d to %d bytes", ErrLimits, name, least, most)
	}
	return b, nil
}
