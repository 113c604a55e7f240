package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"
)

// caller makes the requests of one connection.
type caller interface {
	// next is the next request, or nil if there is none left.
	next() []byte
	// answered looks at the answer. Its error ends the measurement.
	answered(status int, body []byte) error
}

// plan says how a target is asked.
type plan struct {
	// addresses are those of the nodes; the connections take turns.
	addresses   []string
	secure      *tls.Config // nil for plain
	connections int
	lasts       time.Duration
	// rate is how many requests a second are due; 0 is as many as are answered.
	rate float64
}

// measured is what came of a plan.
type measured struct {
	rate      float64 // answers per second
	latencies *histogram
}

// generate asks by the plan; each connection has a caller of its own.
func (p plan) generate(ctx context.Context, callers func(i int) caller) (measured, error) {
	conns := make([]*conn, p.connections)
	defer func() {
		for _, c := range conns {
			c.hangUp()
		}
	}()
	for i := range conns {
		var err error
		if conns[i], err = dial(ctx, p.addresses[i%len(p.addresses)], p.secure); err != nil {
			return measured{}, err
		}
	}
	var all sync.WaitGroup
	errs, histograms := make([]error, p.connections), make([]histogram, p.connections)
	begin := time.Now()
	for i, c := range conns {
		all.Go(func() { errs[i] = p.drive(ctx, c, callers(i), begin, i, &histograms[i]) })
	}
	all.Wait()
	lasted := time.Since(begin)
	if err := errors.Join(errs...); err != nil {
		return measured{}, err
	}
	m := measured{latencies: &histogram{}}
	for i := range histograms {
		m.latencies.merge(&histograms[i])
	}
	m.rate = float64(m.latencies.n) / lasted.Seconds()
	return m, nil
}

// drive is one connection's part.
func (p plan) drive(ctx context.Context, c *conn, of caller, begin time.Time, i int, h *histogram) error {
	end := begin.Add(p.lasts)
	var pause time.Duration
	due := begin
	if p.rate > 0 {
		pause = time.Duration(float64(p.connections) / p.rate * float64(time.Second))
		due = begin.Add(pause * time.Duration(i) / time.Duration(p.connections))
	}
	for ctx.Err() == nil {
		if p.rate > 0 {
			time.Sleep(time.Until(due))
		} else {
			due = time.Now()
		}
		if !due.Before(end) {
			return nil
		}
		request := of.next()
		if request == nil {
			return nil
		}
		status, body, err := c.ask(request)
		if err != nil {
			return fmt.Errorf("asking: %w", err)
		}
		h.add(time.Since(due))
		if err := of.answered(status, body); err != nil {
			return err
		}
		due = due.Add(pause)
	}
	return ctx.Err()
}

// fixed makes the same requests again and again, from a place of its own in the list, and wants
// one status.
type fixed struct {
	requests [][]byte
	at, step int
	want     int
}

func (f *fixed) next() []byte {
	request := f.requests[f.at%len(f.requests)]
	f.at += f.step
	return request
}

func (f *fixed) answered(status int, body []byte) error { return wantStatus(f.want, status, body) }

// once makes each request once.
type once struct {
	requests [][]byte
	want     int
}

func (o *once) next() []byte {
	if len(o.requests) == 0 {
		return nil
	}
	request := o.requests[0]
	o.requests = o.requests[1:]
	return request
}

func (o *once) answered(status int, body []byte) error { return wantStatus(o.want, status, body) }

func wantStatus(want, status int, body []byte) error {
	if status != want {
		return fmt.Errorf("the answer is %d, not %d: %s", status, want, body)
	}
	return nil
}
