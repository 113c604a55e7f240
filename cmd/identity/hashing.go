package main

import (
	"context"
	"log/slog"
	"os"
	"runtime"

	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/server"
)

// hashing is the pool that the settings ask for, or that suits the machine.
func (s *settings) hashing() argon2.Config {
	memory := s.hashMemory
	if memory == 0 {
		memory = argon2.DefaultMemory(machineMemory(), runtime.GOMAXPROCS(0))
	}
	return argon2.Config{Memory: memory}
}

func machineMemory() int64 { return argon2.MachineMemory(os.DirFS("/")) }

// sayHashing says once how much hashing may take, and warns where that is more than
// there is.
func sayHashing(ctx context.Context, s settings, in *server.Installation, logger *slog.Logger) {
	pool := in.Pool.Stats()
	from := "the machine"
	if s.given["HASH_MEMORY"] {
		from = "HASH_MEMORY"
	}
	logger.InfoContext(ctx, "hashing", "slots", pool.Slots, "memory", amount(pool.MemoryLimitKiB), "memory_from", from, "kernel", argon2.Kernel())
	if has := machineMemory(); has > 0 && pool.MemoryLimitKiB > has {
		logger.WarnContext(ctx, "HASH_MEMORY is more than the memory of this machine or container", "memory", amount(has))
	}
}
