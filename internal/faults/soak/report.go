package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// report is what came of a run. It is safe for use by many goroutines.
type report struct {
	options
	mu         sync.Mutex
	outcomes   map[string]map[string]int // by operation, and then by outcome and status
	hurts      map[string][]time.Duration
	violations []faults.Violation
	lives      []*life
}

func newReport(o options) *report {
	return &report{options: o, outcomes: map[string]map[string]int{}, hurts: map[string][]time.Duration{}}
}

// hurt adds a fault, and how long after it all nodes were ready.
func (r *report) hurt(name string, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hurts[name] = append(r.hurts[name], took)
}

// saw adds a sample of a node's process.
func (r *report) saw(node, pid int, s sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.lives, func(l *life) bool { return l.node == node && l.pid == pid })
	if i < 0 {
		i = len(r.lives)
		r.lives = append(r.lives, &life{node: node, pid: pid})
	}
	r.lives[i].samples = append(r.lives[i].samples, s)
}

// judged adds a chapter, and returns its violations.
func (r *report) judged(operations []faults.Operation, violations []faults.Violation) []faults.Violation {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range operations {
		if r.outcomes[o.Op] == nil {
			r.outcomes[o.Op] = map[string]int{}
		}
		r.outcomes[o.Op][outcome(o)]++
	}
	r.violations = append(r.violations, violations...)
	return violations
}

// outcome names how an operation ended.
func outcome(o faults.Operation) string {
	if o.Outcome == faults.Failed && o.Status != 0 {
		return fmt.Sprint(o.Status)
	}
	return string(o.Outcome)
}

func (r *report) operations() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, of := range r.outcomes {
		for _, m := range of {
			n += m
		}
	}
	return n
}

func (r *report) faults() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, of := range r.hurts {
		n += len(of)
	}
	return n
}

// rising are the metrics that rise.
func (r *report) rising() (names []string) {
	for _, l := range r.lives {
		names = append(names, l.rising()...)
	}
	return names
}

// passed reports whether every rule was kept and nothing rises.
func (r *report) passed() bool { return len(r.violations) == 0 && len(r.rising()) == 0 }

// table shows the report as Markdown.
func (r *report) table() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	head := func(cells ...string) {
		fmt.Fprintf(w, "\n| %s\t|\n|---\t|%s\n", strings.Join(cells, "\t| "), strings.Repeat("--:\t|", len(cells)-1))
	}
	kinds := map[string]int{}
	for _, of := range r.outcomes {
		for kind, n := range of {
			kinds[kind] += n
		}
	}
	columns := slices.SortedFunc(maps.Keys(kinds), func(a, b string) int { return kinds[b] - kinds[a] })
	head(append([]string{"operation"}, columns...)...)
	for _, op := range slices.Sorted(maps.Keys(r.outcomes)) {
		fmt.Fprintf(w, "| %s", op)
		for _, kind := range columns {
			fmt.Fprintf(w, "\t| %d", r.outcomes[op][kind])
		}
		fmt.Fprintln(w, "\t|")
	}
	head("fault", "times", "ready after at most, s")
	for _, name := range slices.Sorted(maps.Keys(r.hurts)) {
		fmt.Fprintf(w, "| %s\t| %d\t| %.2f\t|\n", name, len(r.hurts[name]), slices.Max(r.hurts[name]).Seconds())
	}
	cells := []string{"life of node", "minutes"}
	for _, of := range watched {
		cells = append(cells, of.name, "an hour")
	}
	head(cells...)
	short := 0
	for _, l := range r.lives {
		if l.length() < shortest {
			short++
			continue
		}
		fmt.Fprintf(w, "| %d\t| %.1f", l.node, l.length().Minutes())
		for k := range watched {
			s := l.slope(k)
			fmt.Fprintf(w, "\t| %.1f\t| %+.1f", s.mean, s.perHour)
		}
		fmt.Fprintln(w, "\t|")
	}
	_ = w.Flush() // a Builder takes everything
	fmt.Fprintf(&b, "\n%d lives were shorter than %v, and say nothing.\n%d violations.\n", short, shortest, len(r.violations))
	for _, name := range r.rising() {
		fmt.Fprintf(&b, "Rises: %s.\n", name)
	}
	return b.String()
}
