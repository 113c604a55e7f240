package argon2

import "context"

// Occupy takes what a hash of so many KiB takes, without hashing, so that tests
// decide when it ends.
func (p *Pool) Occupy(ctx context.Context, party Party, kib uint32) (release func(), err error) {
	return p.acquire(ctx, party, kib)
}

// Dummy returns the hash that Burn verifies against.
func (p *Pool) Dummy() string { return p.dummy }

// Block is what memory is made of.
type Block = block

// HasKernel reports whether hashes are computed by this package's own code.
func HasKernel() bool { return hasKernel }

// Derive computes a tag in memory, which may hold anything.
func Derive(memory []Block, password, salt, secret, data []byte, p Params, length int) []byte {
	return derive(memory, message{password, salt, secret, data}, p, length)
}

// KeptMemory is how many hashes' memory is kept for the next.
func (p *Pool) KeptMemory() int {
	p.arenas.mu.Lock()
	defer p.arenas.mu.Unlock()
	return len(p.arenas.free)
}
