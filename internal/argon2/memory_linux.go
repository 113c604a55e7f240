package argon2

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// allocate returns zeros, aligned for words. Without memory there is no going on, as for
// Go's own. It is in no core dump.
func allocate(bytes int) []byte {
	memory, err := unix.Mmap(-1, 0, bytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		panic(fmt.Errorf("memory for hashing: %w", err))
	}
	_ = unix.Madvise(memory, unix.MADV_DONTDUMP)
	_ = unix.Madvise(memory, unix.MADV_HUGEPAGE) // fewer pages to find at random; not every kernel has them
	return memory
}

func deallocate(memory []byte) { _ = unix.Munmap(memory) }

// niceness is how much others go before hashing.
const niceness = 10

// aside does work on a thread of its own, which gives way to all others: who only needs
// a signature does not wait until a hash has had its time on the processor. The thread ends
// with the work, since its priority cannot be raised again.
func aside(work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, niceness) // of this thread
		work()
	}()
	<-done
}
