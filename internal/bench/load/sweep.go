package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// step is what a workload and its bare server came to with so many connections.
type step struct {
	Connections int     `json:"connections"`
	Rate        float64 `json:"rate"`
	Bare        float64 `json:"bare_rate"`
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
	BareP99     float64 `json:"bare_p99_ms"`
}

// parseSweep reads numbers of connections.
func parseSweep(list string) ([]int, error) {
	if list == "" {
		return nil, nil
	}
	var steps []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-sweep: %q is no number of connections", text)
		}
		steps = append(steps, n)
	}
	return steps, nil
}

// sweep measures a workload with each number of connections.
func (l *load) sweep(ctx context.Context, w workload, connections []int) ([]step, error) {
	bare, err := startBare(ctx, l.folder, w.bare, "-certificate", l.certificate[0], "-key", l.certificate[1])
	if err != nil {
		return nil, err
	}
	defer bare.stop()
	request := l.bareRequest(bare.address)
	var steps []step
	for _, n := range connections {
		l.say(fmt.Sprintf("%s, %d connections", w.name, n))
		ours, theirs := l.plan(), l.planFor(bare.address)
		ours.connections, theirs.connections, ours.rate, theirs.rate = n, n, 0, 0
		callers, err := w.callers(l.lasts)
		if err != nil {
			return nil, err
		}
		got, err := ours.generate(ctx, callers)
		if err != nil {
			return nil, err
		}
		ceiling, err := theirs.generate(ctx, func(int) caller { return &fixed{[][]byte{request}, 0, 1, http.StatusOK} })
		if err != nil {
			return nil, err
		}
		steps = append(steps, step{
			n, got.rate, ceiling.rate, milliseconds(got.latencies.percentile(50)), milliseconds(got.latencies.percentile(99)),
			milliseconds(ceiling.latencies.percentile(99)),
		})
	}
	return steps, nil
}

// draw writes the plots of a sweep into a folder.
func draw(folder, name string, steps []step) error {
	throughput, latency := plot{title: name, y: "per second"}, plot{title: name, y: "milliseconds", log: true}
	for _, l := range []struct {
		of   *plot
		name string
		y    func(step) float64
	}{
		{&throughput, "this service", func(s step) float64 { return s.Rate }},
		{&throughput, "bare server", func(s step) float64 { return s.Bare }},
		{&latency, "p50", func(s step) float64 { return s.P50 }},
		{&latency, "p99", func(s step) float64 { return s.P99 }},
		{&latency, "p99, bare server", func(s step) float64 { return s.BareP99 }},
	} {
		drawn := line{name: l.name}
		for _, s := range steps {
			drawn.points = append(drawn.points, point{float64(s.Connections), l.y(s)})
		}
		l.of.lines = append(l.of.lines, drawn)
	}
	for file, p := range map[string]plot{"throughput.svg": throughput, "latency.svg": latency} {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(p.svg()), 0o644); err != nil { //nolint:gosec // a picture for everybody
			return err
		}
	}
	return nil
}
