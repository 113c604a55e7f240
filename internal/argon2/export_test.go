package argon2

import "context"

// Occupy takes what a hash of so many KiB takes, without hashing, so that tests
// decide when it ends.
func (p *Pool) Occupy(ctx context.Context, party Party, kib uint32) (release func(), err error) {
	return p.acquire(ctx, party, kib)
}

// Dummy returns the hash that Burn verifies against.
func (p *Pool) Dummy() string { return p.dummy }
