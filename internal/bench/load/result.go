package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// report is what a run found.
type report struct {
	Cores       int      `json:"cores"`
	Algorithm   string   `json:"algorithm"`
	Database    string   `json:"database"`
	TLS         bool     `json:"tls"`
	Connections int      `json:"connections"`
	Clients     int      `json:"clients"` // of each sort
	Active      int      `json:"active_clients"`
	Users       int      `json:"users"`
	Rounds      int      `json:"rounds"`
	Seconds     float64  `json:"seconds_per_round"`
	OpenRate    float64  `json:"open_loop_rate,omitempty"`
	Rows        []row    `json:"workloads"`
	Beside      []beside `json:"beside_logins,omitempty"`
	// Sweep is the workload Swept with other numbers of connections.
	Swept             string  `json:"swept,omitempty"`
	Sweep             []step  `json:"sweep,omitempty"`
	Nodes             int     `json:"nodes"`
	StartMilliseconds float64 `json:"start_ms"`
	// FirstTokenMilliseconds is from the start of the process to the first token, hash included.
	FirstTokenMilliseconds float64 `json:"first_token_ms"`
	IdleMiB                float64 `json:"idle_mib"`
	MostMiB                float64 `json:"most_mib"`
}

// row is a workload beside its ceiling. Rates are per second.
type row struct {
	Workload string    `json:"workload"`
	Rates    []float64 `json:"rates"`
	Bare     []float64 `json:"bare_rates,omitempty"`
	Raw      []raw     `json:"raw,omitempty"`
	Rate     float64   `json:"rate"`
	// OfBare is the medians' ratio; 0 where there is none.
	OfBare float64 `json:"of_bare,omitempty"`
	// MiB is the resident memory of a node after it.
	MiB float64 `json:"mib"`
	// Percentiles are latencies in milliseconds, by 50, 90, 99, 99.9 and 100.
	Percentiles []float64 `json:"percentiles_ms"`
}

// raw is what mathematics alone came to, between the rounds.
type raw struct {
	Name  string    `json:"name"`
	Rates []float64 `json:"rates"`
	// Of is the workload's ratio to it.
	Of float64 `json:"of"`
}

// addRaw measures some mathematics in one round.
func (r *row) addRaw(ctx context.Context, name string, work func() error, lasts time.Duration) error {
	got, err := rate(ctx, lasts, work)
	for i := range r.Raw {
		if r.Raw[i].Name == name {
			r.Raw[i].Rates = append(r.Raw[i].Rates, got)
			return err
		}
	}
	r.Raw = append(r.Raw, raw{Name: name, Rates: []float64{got}})
	return err
}

var percents = []float64{50, 90, 99, 99.9, 100}

func (r *row) summarize(latencies *histogram) {
	r.Rate = median(r.Rates)
	if bare := median(r.Bare); bare > 0 {
		r.OfBare = r.Rate / bare
	}
	for i := range r.Raw {
		r.Raw[i].Of = r.Rate / median(r.Raw[i].Rates)
	}
	for _, p := range percents {
		r.Percentiles = append(r.Percentiles, milliseconds(latencies.percentile(p)))
	}
}

// beside has the p99, in milliseconds, of one caller while nobody logs in, and while more do
// than can be hashed at once.
type beside struct {
	Workload string    `json:"workload"`
	Idle     []float64 `json:"idle_p99_ms"`
	Busy     []float64 `json:"busy_p99_ms"`
}

func newReport(l *load) *report {
	return &report{
		Cores: runtime.GOMAXPROCS(0), Algorithm: string(l.in.algorithm), Database: string(l.in.database.Driver), TLS: l.secure != nil,
		Connections: l.connections, Clients: l.in.clients, Active: l.active, Users: l.in.users, Nodes: l.services, Rounds: l.rounds, Seconds: l.lasts.Seconds(), OpenRate: l.openRate,
	}
}

// table shows the report as Markdown.
func (r *report) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d clients of each sort of which %d ask, %d users, %d connections, %d rounds of %v\n\n",
		r.Algorithm, r.Clients, r.Active, r.Users, r.Connections, r.Rounds, time.Duration(r.Seconds*float64(time.Second)))
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| workload\t| per second\t| bare server\t| of it\t| the mathematics alone\t| p50 ms\t| p99 ms\t| p99.9 ms\t| MiB\t|")
	fmt.Fprintln(w, "|---\t|--:\t|--:\t|--:\t|---\t|--:\t|--:\t|--:\t|--:\t|")
	for _, one := range r.Rows {
		fmt.Fprintf(w, "| %s\t| %.0f\t| %s\t| %s\t| %s\t| %.2f\t| %.2f\t| %.2f\t| %.0f\t|\n", one.Workload, one.Rate,
			number(median(one.Bare)), percent(one.OfBare), one.mathematics(), one.Percentiles[0], one.Percentiles[2], one.Percentiles[3], one.MiB)
	}
	_ = w.Flush() // a Builder takes everything
	if len(r.Beside) > 0 {
		fmt.Fprint(&b, "\n| beside logins | p99 idle, ms | p99 while logins saturate, ms | ratio |\n|---|--:|--:|--:|\n")
	}
	for _, one := range r.Beside {
		fmt.Fprintf(&b, "| %s | %.2f | %.2f | %.1f |\n", one.Workload, median(one.Idle), median(one.Busy), median(one.Busy)/median(one.Idle))
	}
	fmt.Fprintf(&b, "\nlistening after %.0f ms, first token after %.0f ms; resident %.0f MiB idle, %.0f MiB at most\n", r.StartMilliseconds, r.FirstTokenMilliseconds, r.IdleMiB, r.MostMiB)
	return b.String()
}

// mathematics shows what the raw rates were, and the ratios to them.
func (r *row) mathematics() string {
	var parts []string
	for _, one := range r.Raw {
		parts = append(parts, fmt.Sprintf("%s %.0f: %s", one.Name, median(one.Rates), percent(one.Of)))
	}
	return strings.Join(parts, "; ")
}

func number(n float64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f", n)
}

func percent(ratio float64) string {
	if ratio == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f %%", ratio*100)
}
