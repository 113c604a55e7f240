package argon2

import (
	"sync"
	"time"
	"unsafe"
)

// arenaHeld is how long memory is kept for the next hash.
const arenaHeld = 5 * time.Second

// arenas is the memory of hashes, outside of Go's heap: the collector would let a heap grow
// to twice as much, and what hashing may take is promised. It is used again, and given back
// to the system when nobody has hashed for a while, so that nothing of a password stays.
type arenas struct {
	blocks uint32 // of one that is kept

	mu   sync.Mutex
	free [][]block
	idle *time.Timer
}

// take returns memory for so many blocks, which may hold anything.
func (a *arenas) take(blocks uint32) []block {
	a.mu.Lock()
	defer a.mu.Unlock()
	if last := len(a.free) - 1; last >= 0 && blocks <= a.blocks {
		arena := a.free[last]
		a.free = a.free[:last]
		return arena
	}
	return newArena(max(blocks, a.blocks))
}

// give takes memory back.
func (a *arenas) give(arena []block) {
	if len(arena) > int(a.blocks) {
		freeArena(arena)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.free = append(a.free, arena)
	if a.idle == nil {
		a.idle = time.AfterFunc(arenaHeld, a.release)
	} else {
		a.idle.Reset(arenaHeld)
	}
}

// release gives back what is free to the system.
func (a *arenas) release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, arena := range a.free {
		freeArena(arena)
	}
	a.free = nil
}

func newArena(blocks uint32) []block {
	bytes := allocate(int(blocks) * blockSize)
	return unsafe.Slice((*block)(unsafe.Pointer(unsafe.SliceData(bytes))), blocks) //nolint:gosec // the same bytes, as words: allocate aligns them
}

func freeArena(arena []block) {
	deallocate(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(arena))), len(arena)*blockSize)) //nolint:gosec // the bytes that newArena got
}
