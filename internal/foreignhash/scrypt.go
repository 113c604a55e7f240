package foreignhash

import (
	"encoding/base64"
	"fmt"
	"math/bits"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// parseScrypt reads what follows the id in the PHC form:
// ln=<log2 N>,r=<r>,p=<p>$<salt>$<hash>.
func parseScrypt(rest string) (Hash, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 3 {
		return Hash{}, fmt.Errorf("%w: expected scrypt parameters, salt and hash", ErrUnknownForm)
	}
	params := strings.Split(parts[0], ",")
	if len(params) != 3 {
		return Hash{}, fmt.Errorf("%w: expected the scrypt parameters ln=,r=,p=", ErrUnknownForm)
	}
	for i, name := range []string{"ln=", "r=", "p="} {
		value, ok := strings.CutPrefix(params[i], name)
		if !ok {
			return Hash{}, fmt.Errorf("%w: expected the scrypt parameters ln=,r=,p=", ErrUnknownForm)
		}
		params[i] = value
	}
	ln, r, p, err := parseScryptNumbers(params[0], params[1], params[2])
	if err != nil {
		return Hash{}, err
	}
	salt, err := parseBytes("salt", base64.RawStdEncoding, parts[1], MinSalt, MaxSalt)
	if err != nil {
		return Hash{}, err
	}
	want, err := parseBytes("hash", base64.RawStdEncoding, parts[2], MinHash, MaxHash)
	if err != nil {
		return Hash{}, err
	}
	return newScrypt(ln, r, p, salt, want)
}

// parseDjangoScrypt reads what follows the id: <N>$<salt text>$<r>$<p>$<hash>.
func parseDjangoScrypt(rest string) (Hash, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 5 {
		return Hash{}, fmt.Errorf("%w: expected N, salt, r, p and hash of scrypt", ErrUnknownForm)
	}
	n, r, p, err := parseScryptNumbers(parts[0], parts[2], parts[3])
	if err != nil {
		return Hash{}, err
	}
	salt, err := parseSaltText(parts[1])
	if err != nil {
		return Hash{}, err
	}
	want, err := parseBytes("hash", base64.StdEncoding, parts[4], MinHash, MaxHash)
	if err != nil {
		return Hash{}, err
	}
	if bits.OnesCount(uint(n)) != 1 {
		return Hash{}, fmt.Errorf("%w: N of scrypt must be a power of two", ErrLimits)
	}
	return newScrypt(bits.TrailingZeros(uint(n)), r, p, salt, want)
}

func parseScryptNumbers(cost, block, parallelism string) (c, r, p int, err error) {
	if c, err = parseNumber(cost); err != nil {
		return 0, 0, 0, err
	}
	if r, err = parseNumber(block); err != nil {
		return 0, 0, 0, err
	}
	if p, err = parseNumber(parallelism); err != nil {
		return 0, 0, 0, err
	}
	return c, r, p, nil
}

// newScrypt makes the Hash of scrypt (RFC 7914) with N = 2^ln.
func newScrypt(ln, r, p int, salt, want []byte) (Hash, error) {
	const (
		perKiB    = 8 // blocks of 128 bytes
		maxBlocks = MaxScryptMemory * perKiB
	)
	switch {
	case r < 1 || r > MaxScryptBlock:
		return Hash{}, fmt.Errorf("%w: r of scrypt must be 1 to %d", ErrLimits, MaxScryptBlock)
	case p < 1 || p > MaxScryptParallelism:
		return Hash{}, fmt.Errorf("%w: p of scrypt must be 1 to %d", ErrLimits, MaxScryptParallelism)
	case ln < 1 || ln >= 16*r: // RFC 7914 section 2: 1 < N < 2^(128 * r / 8)
		return Hash{}, fmt.Errorf("%w: N of scrypt must be from 2 and under 2^(16 r)", ErrLimits)
	case ln >= bits.Len(maxBlocks) || r<<ln > maxBlocks: // the first keeps the second from overflowing
		return Hash{}, fmt.Errorf("%w: scrypt memory must be at most %d KiB", ErrLimits, MaxScryptMemory)
	}
	blocks := r << ln
	if blocks*p > MaxScryptWork {
		return Hash{}, fmt.Errorf("%w: N times r times p of scrypt must be at most %d", ErrLimits, MaxScryptWork)
	}
	memory := uint32(max(blocks/perKiB, smallMemory)) //nolint:gosec // at most MaxScryptMemory
	return Hash{name: "scrypt", memory: memory, verify: derived(want, func(password []byte) ([]byte, error) {
		return scrypt.Key(password, salt, 1<<ln, r, p, len(want))
	})}, nil
}
