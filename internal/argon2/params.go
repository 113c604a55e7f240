package argon2

import "fmt"

// Params is what one hash costs.
type Params struct {
	Memory  uint32 // KiB
	Time    uint32 // passes over the memory
	Threads uint8  // lanes, computed in parallel
}

// DefaultParams returns the parameters of hashes made without others asked for:
// 19 MiB, two passes, one lane (the OWASP recommendation for Argon2id).
func DefaultParams() Params { return Params{Memory: 19456, Time: 2, Threads: 1} }

// Limits of a hash that is verified or made. They keep a stored or imported
// hash from taking the machine down.
const (
	MaxMemory     = 256 << 10 // KiB, for one hash
	MaxTime       = 32        // passes
	MaxMemoryTime = 2 << 20   // KiB times passes: 2 GiB written in all
	MaxThreads    = 16
	MinSalt       = 8 // bytes; RFC 9106 section 4: enough where space is short
	MaxSalt       = 64
	MinTag        = 4 // bytes, RFC 9106 section 3.1
	MaxTag        = 64
	MaxPHC        = 512 // characters of a PHC string

	minMemoryPerThread = 8 // KiB, RFC 9106 section 3.1
)

// check refuses parameters outside the limits.
func (p Params) check() error {
	switch {
	case p.Threads < 1 || p.Threads > MaxThreads:
		return fmt.Errorf("%w: parallelism must be 1 to %d", ErrLimits, MaxThreads)
	case p.Time < 1 || p.Time > MaxTime:
		return fmt.Errorf("%w: time must be 1 to %d passes", ErrLimits, MaxTime)
	case p.Memory < minMemoryPerThread*uint32(p.Threads) || p.Memory > MaxMemory:
		return fmt.Errorf("%w: memory must be %d KiB per lane to %d KiB", ErrLimits, minMemoryPerThread, MaxMemory)
	case p.work() > MaxMemoryTime:
		return fmt.Errorf("%w: memory times passes must be at most %d KiB", ErrLimits, MaxMemoryTime)
	}
	return nil
}

// work is the memory written in all passes, in KiB.
func (p Params) work() uint64 { return uint64(p.Memory) * uint64(p.Time) }
