package faults_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// peak is the most memory, in bytes, that a process had at any time.
func peak(t *testing.T, p *faults.Process) int64 {
	t.Helper()
	for line := range strings.Lines(string(must(os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID())))(t))) {
		var kilobytes int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kilobytes); n == 1 {
			return kilobytes << 10
		}
	}
	t.Fatal("the system does not say")
	return 0
}
