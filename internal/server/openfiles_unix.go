//go:build unix

package server

import (
	"math"
	"syscall"
)

// openFiles returns how many files this process may have open. The runtime of Go has
// raised the limit at the start to the most that it may be, its hard limit, for this
// process only.
func openFiles() (n int, known bool) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, false
	}
	return int(min(uint64(limit.Cur), math.MaxInt32)), true //nolint:unconvert // the type differs between systems
}
