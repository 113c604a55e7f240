package argon2

import (
	"encoding/binary"
	"sync"

	"golang.org/x/crypto/blake2b"
)

// What RFC 9106 calls the version, the type and the number of syncPoints.
const (
	version13  = 0x13
	typeID     = 2
	syncPoints = 4
)

// Kernel names what computes hashes on this machine: "avx2" is ours, else it is
// golang.org/x/crypto.
func Kernel() string {
	if hasKernel {
		return "avx2"
	}
	return "golang.org/x/crypto"
}

// message is what is hashed. Secret and data are for the test vectors: nothing stored has
// them.
type message struct {
	password, salt, secret, data []byte
}

// derive is Argon2id (RFC 9106 section 3.2), and returns a tag of so many bytes, MinTag or
// more. It works in memory, which has at least p.Memory blocks and may hold anything: the
// first pass writes every block before it is read.
func derive(memory []block, m message, p Params, length int) []byte {
	f := newFill(memory, p)
	f.begin(m, length)
	for pass := range p.Time {
		for slice := range uint32(syncPoints) {
			f.slice(pass, slice)
		}
	}
	return f.end(length)
}

// fill is the state of a hash: the lanes of its memory, one after the other.
type fill struct {
	memory      []block
	params      Params
	lanes, lane uint32 // how many, and how many blocks each has
	segment     uint32 // blocks of a lane in a slice
	spare       []area // one for each lane
}

// area is what a lane needs besides.
type area struct {
	scratch, input, addresses block
}

func newFill(memory []block, p Params) *fill {
	lanes := uint32(p.Threads)
	segment := p.Memory / (syncPoints * lanes)
	return &fill{
		memory: memory[:syncPoints*segment*lanes], params: p, lanes: lanes, lane: syncPoints * segment, segment: segment, spare: make([]area, lanes),
	}
}

// begin writes the first two blocks of each lane: steps 1 to 4.
func (f *fill) begin(m message, length int) {
	h, _ := blake2b.New512(nil) // without a key it cannot fail
	p := f.params
	for _, n := range []uint32{f.lanes, uint32(length), p.Memory, p.Time, version13, typeID} { //nolint:gosec // at most MaxTag
		_, _ = h.Write(word(n))
	}
	for _, part := range [][]byte{m.password, m.salt, m.secret, m.data} {
		_, _ = h.Write(word(uint32(len(part)))) //nolint:gosec // a password and a salt
		_, _ = h.Write(part)
	}
	seed := h.Sum(nil)
	defer clear(seed)
	var bytes [blockSize]byte
	for lane := range f.lanes {
		for i := range uint32(2) {
			long(bytes[:], seed, word(i), word(lane))
			for j := range f.memory[0] {
				f.memory[lane*f.lane+i][j] = binary.LittleEndian.Uint64(bytes[8*j:])
			}
		}
	}
}

// slice fills the segments of all lanes in a slice: steps 5 and 6. They do not read each
// other.
func (f *fill) slice(pass, slice uint32) {
	if f.lanes == 1 {
		f.fillSegment(pass, slice, 0)
		return
	}
	var lanes sync.WaitGroup
	for lane := range f.lanes {
		lanes.Go(func() { f.fillSegment(pass, slice, lane) })
	}
	lanes.Wait()
}

func (f *fill) fillSegment(pass, slice, lane uint32) {
	own := &f.spare[lane]
	independent := pass == 0 && slice < syncPoints/2 // of the password: section 3.4.1.3
	if independent {
		own.input = block{uint64(pass), uint64(lane), uint64(slice), uint64(len(f.memory)), uint64(f.params.Time), typeID}
	}
	first := uint32(0)
	if pass == 0 && slice == 0 {
		first = 2
		own.nextAddresses()
	}
	at := lane*f.lane + slice*f.segment + first
	prev := at - 1
	if slice == 0 && first == 0 {
		prev = (lane+1)*f.lane - 1
	}
	for i := first; i < f.segment; i++ {
		random := f.memory[prev][0]
		if independent {
			if i%uint32(len(own.addresses)) == 0 {
				own.nextAddresses()
			}
			random = own.addresses[i%uint32(len(own.addresses))]
		}
		ref := f.reference(random, pass, slice, lane, i)
		compress(&f.memory[at], &f.memory[prev], &f.memory[ref], &own.scratch, pass > 0)
		prev, at = at, at+1
	}
}

// nextAddresses computes the next 128 pseudo-random values that do not depend on the
// password (section 3.4.1.2).
func (a *area) nextAddresses() {
	var zero block
	a.input[6]++
	compress(&a.addresses, &zero, &a.input, &a.scratch, false)
	compress(&a.addresses, &zero, &a.addresses, &a.scratch, false)
}

// reference maps a pseudo-random value to the block that is read for the i-th of a segment
// (section 3.4.2).
func (f *fill) reference(random uint64, pass, slice, lane, i uint32) uint32 {
	of := uint32(random>>32) % f.lanes
	if pass == 0 && slice == 0 {
		of = lane
	}
	begin, size := uint32(0), slice*f.segment // what is finished, in the first pass
	if pass > 0 {
		begin, size = (slice+1)%syncPoints*f.segment, (syncPoints-1)*f.segment
	}
	switch {
	case of == lane:
		size += i - 1 // not the one before
	case i == 0:
		size--
	}
	x := random & (1<<32 - 1)
	y := uint64(size) * (x * x >> 32) >> 32
	return of*f.lane + (begin+size-1-uint32(y))%f.lane
}

// end makes the tag of the last blocks of the lanes: step 7.
func (f *fill) end(length int) []byte {
	sum := f.memory[f.lane-1]
	for lane := uint32(1); lane < f.lanes; lane++ {
		for i, w := range f.memory[(lane+1)*f.lane-1] {
			sum[i] ^= w
		}
	}
	var bytes [blockSize]byte
	for i, w := range sum {
		binary.LittleEndian.PutUint64(bytes[8*i:], w)
	}
	clear(f.spare)
	tag := make([]byte, length)
	long(tag, bytes[:])
	return tag
}

// long is the hash function of any length H' (section 3.3), of parts one after the other.
func long(out []byte, parts ...[]byte) {
	h, _ := blake2b.New(min(len(out), blake2b.Size), nil) // MinTag bytes or more
	_, _ = h.Write(word(uint32(len(out))))                //nolint:gosec // at most a block
	for _, part := range parts {
		_, _ = h.Write(part)
	}
	v := h.Sum(nil)
	for len(out) > blake2b.Size {
		out = out[copy(out, v[:blake2b.Size/2]):]
		h, _ = blake2b.New(min(len(out), blake2b.Size), nil)
		_, _ = h.Write(v)
		v = h.Sum(v[:0])
	}
	copy(out, v)
}

func word(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
