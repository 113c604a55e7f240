package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// result is what one operation cost at one size.
type result struct {
	Operation string `json:"operation"`
	Size      int    `json:"size"`
	// P50 and P99 are medians over the rounds, in microseconds.
	P50 float64 `json:"p50_us"`
	P99 float64 `json:"p99_us"`
	// Ratio is the median over the rounds of P50 to that of the smallest size in the
	// same round, RatioLow and RatioHigh are its quartiles.
	Ratio     float64 `json:"p50_ratio"`
	RatioLow  float64 `json:"p50_ratio_q1"`
	RatioHigh float64 `json:"p50_ratio_q3"`
}

// times collects what was taken, by operation and size.
type times struct {
	sizes      []int // smallest first
	operations []string
	rounds     map[string]map[int][]percentiles
}

type percentiles struct{ p50, p99 time.Duration }

func newTimes(sizes []int) *times {
	return &times{sizes: sizes, rounds: map[string]map[int][]percentiles{}}
}

// add takes the times of one round.
func (t *times) add(operation string, size int, list []time.Duration) {
	if t.rounds[operation] == nil {
		t.operations = append(t.operations, operation)
		t.rounds[operation] = map[int][]percentiles{}
	}
	slices.Sort(list)
	at := func(share float64) time.Duration { return list[int(share*float64(len(list)-1))] }
	t.rounds[operation][size] = append(t.rounds[operation][size], percentiles{at(0.5), at(0.99)})
}

// results brings the rounds together.
func (t *times) results() []result {
	var all []result
	for _, o := range t.operations {
		smallest := t.rounds[o][t.sizes[0]]
		for _, size := range t.sizes {
			var p50, p99, ratios []float64
			for i, p := range t.rounds[o][size] {
				p50, p99 = append(p50, micro(p.p50)), append(p99, micro(p.p99))
				ratios = append(ratios, float64(p.p50)/float64(smallest[i].p50))
			}
			all = append(all, result{o, size, quantile(p50, 0.5), quantile(p99, 0.5), quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75)})
		}
	}
	return all
}

func micro(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

func quantile(list []float64, share float64) float64 {
	slices.Sort(list)
	return list[int(share*float64(len(list)-1))]
}

// table shows the results as Markdown.
func table(results []result) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| operation\t| of each\t| p50, ratio (quartiles)\t| p50, µs\t| p99, µs\t|")
	fmt.Fprintln(w, "|---\t|--:\t|--:\t|--:\t|--:\t|")
	for _, r := range results {
		fmt.Fprintf(w, "| %s\t| %d\t| %.2f (%.2f to %.2f)\t| %.0f\t| %.0f\t|\n", r.Operation, r.Size, r.Ratio, r.RatioLow, r.RatioHigh, r.P50, r.P99)
	}
	_ = w.Flush() // a Builder takes everything
	return b.String()
}
