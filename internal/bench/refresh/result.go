package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// results is all that was measured.
type results struct {
	Speeds []speed `json:"speeds"`
	Sizes  []size  `json:"sizes"`
}

// table shows the results as Markdown.
func (r results) table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| request\t| callers\t| per second\t| p50, ms\t| p99, ms\t| statements\t|")
	fmt.Fprintln(w, "|---\t|--:\t|--:\t|--:\t|--:\t|--:\t|")
	for _, s := range r.Speeds {
		fmt.Fprintf(w, "| %s\t| %d\t| %.0f\t| %.2f\t| %.2f\t| %.2f\t|\n", s.Request, s.Callers, s.PerSecond, s.P50, s.P99, s.Statements)
	}
	_ = w.Flush() // a Builder takes everything
	b.WriteByte('\n')
	fmt.Fprintln(w, "| refreshes of one session\t| sessions\t| table, KiB\t| indexes, KiB\t| log, KiB\t| dead rows\t| in place\t|")
	fmt.Fprintln(w, "|--:\t|--:\t|--:\t|--:\t|--:\t|--:\t|--:\t|")
	for _, s := range r.Sizes {
		fmt.Fprintf(w, "| %d\t| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t|\n", s.Refreshes,
			number(s.Sessions, 1), number(s.Table, 1024), number(s.Indexes, 1024), number(s.Log, 1024), number(s.Dead, 1), share(s.InPlace))
	}
	_ = w.Flush()
	return b.String()
}

// number writes what is known in a unit.
func number(n, unit int64) string {
	if n < 0 {
		return "-"
	}
	return fmt.Sprint((n + unit - 1) / unit)
}

func share(of float64) string {
	if of < 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*of)
}
