package main

import (
	"context"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const (
	// leastHeapKiB is what the collector is never asked to do with less than: below it would
	// do nothing but collect.
	leastHeapKiB = 32 << 10
	// besidesKiB is what a process takes that neither the heap nor a hash is: the program, stacks
	// of threads, buffers of the kernel.
	besidesKiB = 32 << 10
	// garbage is how many bytes at least may become garbage between two collections, though
	// what lives is just a few MiB. With twice as much as lives, which is the collector's rule,
	// it would run eighty times a second where machines ask as fast as they can.
	garbage = 10 << 20
)

// ballast makes the collector believe that there lives as much more. It is never written to,
// so the kernel gives no memory for it.
var ballast []byte

// limitMemory tells the collector what the machine or container has, less what hashing may
// take, which is not on its heap: so that it works harder before the process is ended for
// want of memory. GOMEMLIMIT, if it is set, says it instead.
func limitMemory(s settings) {
	if os.Getenv("GOGC") == "" {
		ballast = make([]byte, garbage)
	}
	if has := machineMemory(); has > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(heapLimit(has, s.hashing().Memory) + int64(len(ballast)))
	}
}

// heapLimit is what is left for the heap, in bytes, of what there is, in KiB.
func heapLimit(has, hashing int64) int64 {
	return max(has-hashing-besidesKiB, leastHeapKiB) << 10
}

// saySignatures says once what makes RSA signatures, and loudly where it is not what the
// program was built for.
func saySignatures(ctx context.Context, logger *slog.Logger) {
	rsa, err := jose.RSA()
	if err != nil {
		logger.ErrorContext(ctx, "libcrypto cannot be used: RSA signatures take twice as long", "rsa", rsa, "error", err.Error())
		return
	}
	logger.InfoContext(ctx, "signatures", "rsa", rsa)
}
