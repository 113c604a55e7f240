package argon2

import (
	"context"
	"fmt"
)

// acquire takes what a hash of so many KiB needs, waiting if it must.
func (p *Pool) acquire(ctx context.Context, kib uint32) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("hashing: %w", err)
	}
	weight := max(p.share, int64(kib))
	if !p.memory.TryAcquire(weight) { // fails also while others wait: nobody overtakes
		if err := p.enqueue(ctx, weight); err != nil {
			return nil, err
		}
	}
	p.running.Add(1)
	p.runningKiB.Add(int64(kib))
	return func() {
		p.runningKiB.Add(-int64(kib))
		p.running.Add(-1)
		p.memory.Release(weight)
	}, nil
}

func (p *Pool) enqueue(ctx context.Context, weight int64) error {
	select {
	case p.queue <- struct{}{}:
		defer func() { <-p.queue }()
	default:
		p.overloaded.Add(1)
		return ErrOverloaded
	}
	patience, cancel := context.WithTimeout(ctx, p.wait)
	defer cancel()
	if p.memory.Acquire(patience, weight) == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("waiting to hash: %w", err)
	}
	p.overloaded.Add(1)
	return ErrOverloaded
}

// Stats is the state of a pool at one moment, for metrics.
type Stats struct {
	Slots          int    // how many hashes may run at once
	InUse          int    // how many run
	Waiting        int    // how many callers wait for a slot
	MemoryKiB      int64  // memory of the hashes that run
	MemoryLimitKiB int64  // the most that this can be
	Hashes         uint64 // how many hashes have begun since New
	Overloaded     uint64 // how many calls got ErrOverloaded since New
}

// Stats returns the state of the pool.
func (p *Pool) Stats() Stats {
	return Stats{
		Slots:          p.slots,
		InUse:          int(p.running.Load()),
		Waiting:        len(p.queue),
		MemoryKiB:      p.runningKiB.Load(),
		MemoryLimitKiB: p.share * int64(p.slots),
		Hashes:         p.hashes.Load(),
		Overloaded:     p.overloaded.Load(),
	}
}
