package main

import "testing"

// TestHeapLimit leaves hashing and the process their part, and the heap enough to work.
func TestHeapLimit(t *testing.T) {
	const mib = 1 << 10 // in KiB
	for _, c := range []struct{ has, hashing, want int64 }{
		{512 * mib, 128 * mib, 352 << 20},
		{128 * mib, 19 * mib, 77 << 20},
		{64 * mib, 38 * mib, 32 << 20}, // never so little that it only collects
		{24 << 20, 256 * mib, (24<<10 - 288) << 20},
	} {
		if got := heapLimit(c.has, c.hashing); got != c.want {
			t.Errorf("of %d KiB, with %d for hashing: %d bytes, want %d", c.has, c.hashing, got, c.want)
		}
	}
}
