package main

import (
	"math/bits"
	"time"
)

// histogram counts latencies in buckets whose width is at most one part in 128 of what is
// in them, so that any percentile is right to one per cent, at any size, in constant memory.
type histogram struct {
	counts [64 * 64]uint64
	n      uint64
	most   time.Duration
}

const subBuckets = 64 // of each power of two

func bucketOf(d time.Duration) int {
	n := uint64(max(d, 0))
	if n < 2*subBuckets {
		return int(n)
	}
	shift := bits.Len64(n) - 7
	return shift*subBuckets + int(n>>shift) //nolint:gosec // below 64 * 64
}

// middleOf is the middle of a bucket.
func middleOf(bucket int) time.Duration {
	if bucket < 2*subBuckets {
		return time.Duration(bucket)
	}
	shift := bucket/subBuckets - 1
	low := (bucket - shift*subBuckets) << shift
	return time.Duration(low + 1<<shift/2)
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucketOf(d)]++
	h.n++
	h.most = max(h.most, d)
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.n += other.n
	h.most = max(h.most, other.most)
}

// percentile is what so many per cent of all were not above.
func (h *histogram) percentile(p float64) time.Duration {
	rank := uint64(p / 100 * float64(h.n))
	for bucket, n := range h.counts {
		if rank < n {
			return min(middleOf(bucket), h.most)
		}
		rank -= n
	}
	return h.most
}
