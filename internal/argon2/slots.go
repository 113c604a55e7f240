package argon2

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// acquire takes a slot and so many KiB, waiting for its turn if it must.
func (p *Pool) acquire(ctx context.Context, party Party, kib uint32) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("hashing: %w", err)
	}
	if err := p.Fits(kib); err != nil { // it would wait for ever
		return nil, err
	}
	w := &waiter{Party: party, kib: int64(kib), decided: make(chan struct{})}
	p.mu.Lock()
	p.queue.add(w)
	p.grant()
	if p.queue.length > p.most {
		out := p.queue.crowding(party)
		p.queue.remove(out)
		p.full[out.Class]++
		close(out.decided)
	}
	p.mu.Unlock()
	if err := p.await(ctx, w); err != nil {
		return nil, err
	}
	return func() { p.release(w) }, nil
}

// leastLitter is worth a collection, in KiB.
const leastLitter = 16 << 10

// collect has the memory of hashes that have ended collected when it comes to that of
// one, or of a quarter of all slots. Left to itself the collector waits for as much
// garbage as there is memory in use, hashes included, and the process takes twice what
// hashing may. The slot is still held, so that nobody takes more meanwhile.
func (p *Pool) collect(kib int64) {
	if p.litter.Add(kib) >= max(int64(p.params.Memory), int64(p.params.Memory)*int64(p.slots)/4, leastLitter) {
		p.litter.Store(0)
		runtime.GC()
	}
}

// grant gives slots to those whose turn it is while there are slots and memory.
// One that does not fit yet is waited for: if others overtook it, a large hash
// would never find enough memory free at once. The mutex is held.
func (p *Pool) grant() {
	for p.inUse < p.slots {
		w := p.queue.next(func(c Class) bool { return c != Imported || !p.imported })
		if w == nil || w.kib > p.memory-p.usedKiB {
			return
		}
		p.queue.take(w)
		p.inUse++
		p.usedKiB += w.kib
		p.imported = p.imported || w.Class == Imported
		w.granted = true
		close(w.decided)
	}
}

// release gives back what a caller was granted.
func (p *Pool) release(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inUse--
	p.usedKiB -= w.kib
	if w.Class == Imported {
		p.imported = false
	}
	p.grant()
}

// await returns nil when the caller has been granted its slot.
func (p *Pool) await(ctx context.Context, w *waiter) error {
	patience := time.NewTimer(p.wait)
	defer patience.Stop()
	select {
	case <-w.decided:
	case <-patience.C:
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-w.decided: // perhaps only just now
		if !w.granted {
			return ErrOverloaded
		}
		return nil
	default:
	}
	p.queue.remove(w)
	p.grant() // it may have been the one that all waited for
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("waiting to hash: %w", err)
	}
	p.late[w.Class]++
	return ErrOverloaded
}

// Stats is the state of a pool at one moment, for metrics.
type Stats struct {
	Slots          int    // how many hashes may run at once
	Cores          int    // how many processors the Go runtime had when the pool was made
	InUse          int    // how many run
	Waiting        int    // how many callers wait for a slot
	MemoryKiB      int64  // memory of the hashes that run
	MemoryLimitKiB int64  // the most that this can be
	Queue          int    // how many callers may wait
	Hashes         uint64 // how many hashes have begun since New
	Overloaded     uint64 // how many calls got ErrOverloaded since New
	// Took is how long the last hash took by itself, with the pool's own parameters; zero
	// before the first.
	Took time.Duration
	// Lines says the same of each class.
	Lines [classes]LineStats
}

// LineStats is the state of the line of one class.
type LineStats struct {
	Waiting int    // how many callers wait
	Full    uint64 // how many had to give way in a full queue since New
	Late    uint64 // how many waited for too long since New
}

// Stats returns the state of the pool.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Stats{
		Slots: p.slots, Cores: p.cores, InUse: p.inUse, Waiting: p.queue.length,
		MemoryKiB: p.usedKiB, MemoryLimitKiB: p.memory, Queue: p.most, Hashes: p.hashes.Load(), Took: time.Duration(p.took.Load()),
	}
	for c := range classes {
		s.Lines[c] = LineStats{Waiting: p.queue.waiting(c), Full: p.full[c], Late: p.late[c]}
		s.Overloaded += p.full[c] + p.late[c]
	}
	return s
}
