package main

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"
)

// The metrics that are watched, and by how much each may differ between one end of a line
// and the other before it is called rising: what comes and goes with the load.
var watched = []struct {
	metric, name string
	unit         float64
	allowance    float64
}{
	{"process_resident_memory_bytes", "memory, MiB", 1 << 20, 8},
	{"go_goroutines", "goroutines", 1, 10},
	{"process_open_fds", "open files", 1, 10},
}

// shortest is how long a life is at least whose slopes are judged.
const shortest = 10 * time.Minute

// life is one process of a node: what it said of itself, and when, since it was started.
type life struct {
	node    int
	pid     int
	samples []sample
}

type sample struct {
	at     time.Duration
	values [3]float64 // as watched
}

// watch asks the nodes how they are, every few seconds, until it is stopped.
func (w *world) watch(r *report) (stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	var watching sync.WaitGroup
	began := time.Now()
	for i, node := range w.nodes {
		watching.Go(func() {
			for ok := true; ok; ok = sleep(ctx, w.sample) {
				pid := node.PID()
				found, err := node.Metrics(ctx)
				if err != nil || node.PID() != pid {
					continue // something is hurt
				}
				s := sample{at: time.Since(began)}
				for k, of := range watched {
					s.values[k] = found[of.metric] / of.unit
				}
				r.saw(i, pid, s)
			}
		})
	}
	return sync.OnceFunc(func() {
		cancel()
		watching.Wait()
	})
}

// length is from the first sample to the last.
func (l *life) length() time.Duration {
	if len(l.samples) == 0 {
		return 0
	}
	return l.samples[len(l.samples)-1].at - l.samples[0].at
}

// slope is a line through one metric in the second half of a life, by least squares.
type slope struct {
	perHour float64
	rise    float64 // from one end of the half to the other
	err     float64 // the standard error of rise
	mean    float64
}

// slope fits the line.
func (l *life) slope(metric int) slope {
	half := l.samples
	for len(half) > 0 && half[0].at-l.samples[0].at < l.length()/2 {
		half = half[1:]
	}
	if len(half) < 3 {
		return slope{} // nothing can be said
	}
	n := float64(len(half))
	var x, y float64
	for _, s := range half {
		x += s.at.Hours() / n
		y += s.values[metric] / n
	}
	var xx, xy, rest float64
	for _, s := range half {
		xx += (s.at.Hours() - x) * (s.at.Hours() - x)
		xy += (s.at.Hours() - x) * (s.values[metric] - y)
	}
	b := xy / xx
	for _, s := range half {
		d := s.values[metric] - y - b*(s.at.Hours()-x)
		rest += d * d
	}
	over := (half[len(half)-1].at - half[0].at).Hours()
	return slope{perHour: b, rise: b * over, err: math.Sqrt(rest/(n-2)/xx) * over, mean: y}
}

// rising reports which metrics rise by more than comes and goes, and more than chance
// explains. A life that is short says nothing.
func (l *life) rising() (names []string) {
	if l.length() < shortest {
		return nil
	}
	for k, of := range watched {
		if s := l.slope(k); s.rise > of.allowance && s.rise > 3*s.err {
			names = append(names, fmt.Sprintf("%s of node %d (%.1f an hour)", of.name, l.node, s.perHour))
		}
	}
	return names
}
