package main

import (
	"fmt"
	"math"
	"strings"
	"text/tabwriter"
	"time"
)

// What passes: docs/security/timing.md says why.
const (
	mostRatio = 1.05 // of the medians, either way
	leastP    = 0.01
)

// result is what comparing a pair found.
type result struct {
	First   string `json:"first"`
	Second  string `json:"second"`
	Control bool   `json:"control"`
	// Differs reports whether the two must differ.
	Differs bool `json:"must_differ"`
	Samples int  `json:"samples"` // of each
	// FirstMedian and SecondMedian are in milliseconds, Ratio is the second to the first.
	FirstMedian  float64 `json:"first_median_ms"`
	SecondMedian float64 `json:"second_median_ms"`
	Ratio        float64 `json:"ratio"`
	P            float64 `json:"p"`
	Passed       bool    `json:"passed"`
	// Repeated reports whether a first attempt failed.
	Repeated bool `json:"repeated"`
}

// judge compares the times of the two halves of a pair.
func judge(p pair, first, second []time.Duration) result {
	a, b := milliseconds(first), milliseconds(second)
	_, probability := rankTest(a, b)
	r := result{
		First: p.first, Second: p.second, Control: p.control, Differs: p.differs, Samples: len(a),
		FirstMedian: median(a), SecondMedian: median(b), P: probability,
	}
	r.Ratio = r.SecondMedian / r.FirstMedian
	same := math.Max(r.Ratio, 1/r.Ratio) <= mostRatio && r.P > leastP
	r.Passed = same != p.differs
	return r
}

func milliseconds(list []time.Duration) []float64 {
	out := make([]float64, len(list))
	for i, d := range list {
		out[i] = d.Seconds() * 1000
	}
	return out
}

// String is the result in a line.
func (r result) String() string {
	return fmt.Sprintf("%s and %s: %.3f ms and %.3f ms, ratio %.4f, p %.3g, %s", r.First, r.Second, r.FirstMedian, r.SecondMedian, r.Ratio, r.P, r.verdict())
}

func (r result) verdict() string {
	text := "differs"
	if r.Passed != r.Differs {
		text = "no difference"
	}
	if r.Control {
		text += ", as it must"
	}
	if !r.Passed {
		text = "FAIL: " + strings.TrimSuffix(text, ", as it must")
	}
	if r.Repeated {
		text += ", second attempt"
	}
	return text
}

// table shows the results as Markdown.
func table(results []result) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| pair\t| samples\t| medians, ms\t| ratio\t| p\t| result\t|")
	fmt.Fprintln(w, "|---\t|--:\t|--:\t|--:\t|--:\t|---\t|")
	for _, r := range results {
		name := r.First + " / " + r.Second
		if r.Control {
			name = "control: " + name
		}
		fmt.Fprintf(w, "| %s\t| %d\t| %.3f / %.3f\t| %.4f\t| %.3g\t| %s\t|\n", name, r.Samples, r.FirstMedian, r.SecondMedian, r.Ratio, r.P, r.verdict())
	}
	_ = w.Flush() // a Builder takes everything
	return b.String()
}

// verdict is an error that names what failed. A control that fails says that the machine
// was too busy to measure, or the program cannot see a difference.
func verdict(results []result) error {
	var failed []string
	for _, r := range results {
		if !r.Passed {
			failed = append(failed, r.First+" / "+r.Second)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("not as they should be: %s", strings.Join(failed, "; "))
}
