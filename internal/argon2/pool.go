package argon2

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// ErrOverloaded says that the queue for hashing is full, or that the caller
// waited in it for too long. Trying again later may succeed.
var ErrOverloaded = errors.New("too many hashes are waiting")

// ErrTooLarge says that a hash needs more memory than the whole pool has. It
// could only wait for ever.
var ErrTooLarge = errors.New("the hash needs more memory than there is for hashing")

const (
	saltLength = 16 // bytes; RFC 9106 section 4: sufficient for all applications
	tagLength  = 32 // bytes

	maxSlots     = 1024
	maxQueue     = 1 << 20
	queuePerSlot = 32
	defaultWait  = 3 * time.Second
)

// Config sets up a Pool. The zero Config is useful.
type Config struct {
	// Params is what a hash made by the pool costs; zero is DefaultParams.
	Params Params
	// Memory is what all hashes that run may take together, in KiB; at least
	// that of one hash made by the pool. Zero is what the slots need, and no less
	// than MaxMemory.
	Memory int64
	// Slots is how many hashes run at once, at most 1024; zero is GOMAXPROCS,
	// or as many as fit into Memory.
	Slots int
	// Queue is how many callers may wait for a slot, at most 1<<20; zero is 32
	// per slot.
	Queue int
	// Wait is how long a caller waits for a slot; zero is 3 seconds.
	Wait time.Duration
}

// Pool makes and verifies hashes within fixed bounds of concurrency and
// memory. It is safe for concurrent use.
type Pool struct {
	params Params
	slots  int
	cores  int   // processors of the Go runtime when the pool was made
	memory int64 // KiB
	most   int   // callers that wait
	wait   time.Duration
	dummy  string // a hash that no password has
	hashes atomic.Uint64
	took   atomic.Int64 // nanoseconds of the last hash with the pool's own parameters
	arenas arenas
	litter atomic.Int64 // KiB of work that has ended since it was last collected

	mu         sync.Mutex
	queue      queue
	inUse      int
	usedKiB    int64
	imported   bool            // one of that class runs
	full, late [classes]uint64 // calls that got ErrOverloaded
}

// New makes a pool. It refuses parameters outside the limits of this package,
// and a memory that one hash does not fit into.
func New(c Config) (*Pool, error) {
	if c.Params == (Params{}) {
		c.Params = DefaultParams()
	}
	if err := c.Params.check(); err != nil {
		return nil, err
	}
	own := int64(c.Params.Memory)
	if c.Memory < 0 || c.Memory > 0 && c.Memory < own {
		return nil, fmt.Errorf("the memory for hashing must be at least the %d KiB of one hash", own)
	}
	if c.Slots == 0 {
		c.Slots = min(runtime.GOMAXPROCS(0), maxSlots)
		if c.Memory > 0 {
			c.Slots = int(min(int64(c.Slots), c.Memory/own))
		}
	}
	if c.Slots < 0 || c.Slots > maxSlots {
		return nil, fmt.Errorf("hashing slots must be 0 to %d", maxSlots)
	}
	if c.Memory == 0 {
		c.Memory = max(own*int64(c.Slots), MaxMemory)
	}
	if own*int64(c.Slots) > c.Memory {
		return nil, fmt.Errorf("%d hashing slots of %d KiB do not fit into %d KiB", c.Slots, own, c.Memory)
	}
	if c.Queue == 0 {
		c.Queue = queuePerSlot * c.Slots
	}
	if c.Queue < 0 || c.Queue > maxQueue {
		return nil, fmt.Errorf("the hashing queue must be 0 to %d long", maxQueue)
	}
	if c.Wait == 0 {
		c.Wait = defaultWait
	}
	if c.Wait < 0 {
		return nil, errors.New("the time to wait for a hashing slot must not be negative")
	}
	dummy := newHash(c.Params)
	_, _ = rand.Read(dummy.tag) // a random tag: that a password has it is as likely as guessing 256 bits
	return &Pool{
		params: c.Params, slots: c.Slots, cores: runtime.GOMAXPROCS(0), memory: c.Memory, most: c.Queue, wait: c.Wait, dummy: dummy.PHC(), arenas: arenas{blocks: c.Params.Memory},
	}, nil
}

// MakeRoom gives the Go runtime a processor more for each hash that may run at once. A hash
// keeps one until it is done, or until the runtime takes it away, which is ten milliseconds
// later: with one for each core, whoever only needs a signature would wait for that while all
// slots are in use. Which thread runs on a core is for the system to say, and there hashing
// goes behind the others. It is for a program that serves; calling it again does nothing.
func (p *Pool) MakeRoom() { runtime.GOMAXPROCS(p.cores + p.slots) }

// Fits returns ErrTooLarge for a hash that takes more KiB than the pool has.
func (p *Pool) Fits(kib uint32) error {
	if int64(kib) > p.memory {
		return fmt.Errorf("%w: %d of %d KiB", ErrTooLarge, kib, p.memory)
	}
	return nil
}

// Hash returns the PHC string of password under a fresh salt. The errors are
// ErrOverloaded and that of ctx; ctx ends the wait for a slot, but not a hash
// that has begun.
func (p *Pool) Hash(ctx context.Context, party Party, password []byte) (string, error) {
	h := newHash(p.params)
	tag, err := p.compute(ctx, party, h, password)
	if err != nil {
		return "", err
	}
	h.tag = tag
	return h.PHC(), nil
}

// Verify reports whether phc is a hash of password. It fails only for a phc
// that Parse refuses or that does not fit into the pool's memory (at once,
// without hashing), with ErrOverloaded and with the error of ctx.
func (p *Pool) Verify(ctx context.Context, party Party, phc string, password []byte) (bool, error) {
	h, err := Parse(phc)
	if err != nil {
		return false, err
	}
	tag, err := p.compute(ctx, party, h, password)
	if err != nil {
		return false, err
	}
	return h.matches(tag), nil
}

// Burn takes the way of Verify with a hash of the pool's own parameters, for
// principals that do not exist or have no usable hash. The errors are those of
// Verify.
func (p *Pool) Burn(ctx context.Context, party Party) error {
	_, err := p.Verify(ctx, party, p.dummy, nil)
	return err
}

// NeedsRehash reports whether phc should be replaced when its password is next
// at hand: it is not Argon2id, it uses less memory than the pool's hashes or
// writes less memory in all its passes, or its salt or tag is under the 16
// bytes that RFC 9106 section 4 finds sufficient. The number of lanes does not
// matter: it is no strength. A hash that costs more than the pool's is left
// alone, also if it gets there with more memory and fewer passes.
func (p *Pool) NeedsRehash(phc string) bool {
	h, err := Parse(phc)
	return err != nil || h.Variant != Argon2id ||
		h.Params.Memory < p.params.Memory || h.Params.work() < p.params.work() ||
		len(h.salt) < saltLength || len(h.tag) < 16
}

// newHash returns a hash with a fresh salt and no tag yet.
func newHash(params Params) Hash {
	h := Hash{Variant: Argon2id, Params: params, salt: make([]byte, saltLength), tag: make([]byte, tagLength)}
	_, _ = rand.Read(h.salt) // never fails: crypto/rand aborts the program instead
	return h
}

// Do runs other work that costs like hashing, such as verifying a hash of another
// kind, in a slot and within the memory of the pool. memory is what it takes in KiB.
// The errors are those of Hash and ErrTooLarge; on an error nothing has run.
func (p *Pool) Do(ctx context.Context, party Party, memory uint32, work func()) error {
	release, err := p.acquire(ctx, party, memory)
	if err != nil {
		return err
	}
	defer release()
	work()
	p.collect(int64(memory))
	return nil
}

// compute is the only place where an Argon2 hash runs.
func (p *Pool) compute(ctx context.Context, party Party, h Hash, password []byte) (tag []byte, err error) {
	if !hasKernel || h.Variant != Argon2id {
		err = p.Do(ctx, party, h.Params.Memory, func() {
			p.hashes.Add(1)
			defer p.ended(h, time.Now())
			tag = h.compute(password)
		})
		return tag, err
	}
	release, err := p.acquire(ctx, party, h.Params.Memory)
	if err != nil {
		return nil, err
	}
	defer release()
	p.hashes.Add(1)
	defer p.ended(h, time.Now())
	arena := p.arenas.take(h.Params.Memory)
	defer p.arenas.give(arena)
	aside(func() { tag = derive(arena, message{password: password, salt: h.salt}, h.Params, len(h.tag)) })
	return tag, nil
}

// ended keeps how long a hash took.
func (p *Pool) ended(h Hash, began time.Time) {
	if h.Params == p.params {
		p.took.Store(int64(time.Since(began)))
	}
}
