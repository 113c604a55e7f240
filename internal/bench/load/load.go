package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// load is a run of this program.
type load struct {
	in          *installation
	program     string // the service, as it was built
	folder      string
	connections int
	active      int // clients that ask, of all that there are
	rounds      int
	lasts       time.Duration
	openRate    float64
	// mostPerSecond is for how many assertions a second there are enough.
	mostPerSecond float64
	secure        *tls.Config
	certificate   [2]string // files
	progress      io.Writer
	env           []string // of the service
	steps         []int    // of a sweep

	nodes    []*process
	services int // how many nodes there are to be
	host     string
}

// run measures the chosen workloads.
func (l *load) run(ctx context.Context, chosen func(name string) bool) (*report, error) {
	if err := l.in.fill(ctx); err != nil {
		return nil, fmt.Errorf("filling the installation: %w", err)
	}
	rep := newReport(l)
	mathematics, err := newMathematics(ctx, l.in.algorithm)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, node := range l.nodes {
			node.stop()
		}
	}()
	if err := l.serve(ctx); err != nil {
		return nil, err
	}
	rep.StartMilliseconds = milliseconds(l.nodes[0].started)
	rep.IdleMiB, _ = l.nodes[0].memory()
	if rep.FirstTokenMilliseconds, err = l.firstToken(ctx); err != nil {
		return nil, err
	}
	for _, w := range l.workloads() {
		if !chosen(w.name) {
			continue
		}
		row, err := l.measure(ctx, w, mathematics)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
		rep.Rows = append(rep.Rows, row)
		if len(l.steps) > 0 && w.bare != "" && rep.Sweep == nil {
			rep.Swept = w.name
			if rep.Sweep, err = l.sweep(ctx, w, l.steps); err != nil {
				return nil, fmt.Errorf("%s: %w", w.name, err)
			}
		}
	}
	if chosen("beside logins") {
		if rep.Beside, err = l.besideLogins(ctx); err != nil {
			return nil, fmt.Errorf("beside logins: %w", err)
		}
	}
	_, rep.MostMiB = l.nodes[0].memory()
	return rep, nil
}

// serve starts the nodes, one after the other.
func (l *load) serve(ctx context.Context) error {
	more := l.env
	if l.secure != nil {
		more = append(more, "TLS_CERT_FILE="+l.certificate[0], "TLS_KEY_FILE="+l.certificate[1])
	}
	for range l.services {
		node, err := startService(ctx, l.program, l.folder, l.in, more...)
		if err != nil {
			return err
		}
		l.nodes = append(l.nodes, node)
	}
	l.host = l.nodes[0].address
	return nil
}

// firstToken is how long after its start the first node has given a token, in milliseconds.
func (l *load) firstToken(ctx context.Context) (float64, error) {
	asked := time.Now()
	_, err := l.answers(ctx, l.tokenRequest(machine("secret", 0), true, ""))
	return milliseconds(l.nodes[0].started + time.Since(asked)), err
}

// answers asks the first node one after the other, and wants all of them granted.
func (l *load) answers(ctx context.Context, requests ...[]byte) ([][]byte, error) {
	c, err := dial(ctx, l.host, l.secure)
	if err != nil {
		return nil, err
	}
	defer c.hangUp()
	list := make([][]byte, len(requests))
	for i, request := range requests {
		status, body, err := c.ask(request)
		if err == nil {
			err = wantStatus(http.StatusOK, status, body)
		}
		if err != nil {
			return nil, err
		}
		list[i] = bytes.Clone(body)
	}
	return list, nil
}

func (l *load) say(text string) { fmt.Fprintln(l.progress, text) }

// plan is how the nodes are asked.
func (l *load) plan() plan {
	var addresses []string
	for _, node := range l.nodes {
		addresses = append(addresses, node.address)
	}
	return l.planFor(addresses...)
}

func (l *load) planFor(addresses ...string) plan {
	return plan{addresses: addresses, secure: l.secure, connections: l.connections, lasts: l.lasts, rate: l.openRate}
}

// measure alternates between the service and what is its ceiling.
func (l *load) measure(ctx context.Context, w workload, m mathematics) (row, error) {
	r := row{Workload: w.name}
	var bare *process
	if w.bare != "" {
		var err error
		if bare, err = startBare(ctx, l.folder, w.bare, "-certificate", l.certificate[0], "-key", l.certificate[1]); err != nil {
			return r, err
		}
		defer bare.stop()
	}
	latencies := &histogram{}
	for n := range l.rounds + 1 {
		l.say(fmt.Sprintf("%s, round %d", w.name, n))
		callers, err := w.callers(l.lasts)
		if err != nil {
			return r, err
		}
		p := l.plan()
		if n == 0 {
			p.rate = 0 // the first round warms up: secrets that were never proven are hashed
		}
		got, err := p.generate(ctx, callers)
		if err != nil {
			return r, err
		}
		if n == 0 {
			continue
		}
		latencies.merge(got.latencies)
		r.Rates = append(r.Rates, got.rate)
		for _, name := range w.raw {
			if err := r.addRaw(ctx, name, m[name], l.lasts); err != nil {
				return r, err
			}
		}
		if bare == nil {
			continue
		}
		request := l.bareRequest(bare.address)
		ceiling, err := l.planFor(bare.address).generate(ctx, func(int) caller { return &fixed{[][]byte{request}, 0, 1, http.StatusOK} })
		if err != nil {
			return r, fmt.Errorf("the bare server: %w", err)
		}
		r.Bare = append(r.Bare, ceiling.rate)
	}
	r.MiB, _ = l.nodes[0].memory()
	r.summarize(latencies)
	return r, nil
}

// bareRequest is what bare servers are asked: as long as what the service is.
func (l *load) bareRequest(host string) []byte {
	return post(host, "/auth/token", jsonType, mustJSON(map[string]string{"client_id": machine("secret", 1), "client_secret": password, "audience": audience}))
}

// besideLogins compares the latency of others when nobody logs in with that when logins take
// all the places that there are for hashing.
func (l *load) besideLogins(ctx context.Context) ([]beside, error) {
	quiet := l.plan()
	quiet.connections = 1
	var out []beside
	for _, w := range l.workloads()[:2] {
		callers, err := w.callers(l.lasts)
		if err != nil {
			return nil, err
		}
		b := beside{Workload: w.name}
		for range l.rounds {
			idle, err := quiet.generate(ctx, callers)
			if err != nil {
				return nil, err
			}
			busy, err := l.whileLoggingIn(ctx, func() (measured, error) { return quiet.generate(ctx, callers) })
			if err != nil {
				return nil, err
			}
			b.Idle = append(b.Idle, milliseconds(idle.latencies.percentile(99)))
			b.Busy = append(b.Busy, milliseconds(busy.latencies.percentile(99)))
		}
		out = append(out, b)
	}
	return out, nil
}

// whileLoggingIn does something while more log in than can be hashed at once.
func (l *load) whileLoggingIn(ctx context.Context, do func() (measured, error)) (measured, error) {
	crowd, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	p := l.plan()
	p.connections, p.lasts, p.rate = 8, time.Hour, 0
	callers, err := l.logins(l.lasts)
	if err != nil {
		cancel()
		return measured{}, err
	}
	go func() {
		_, err := p.generate(crowd, callers)
		ended <- err
	}()
	got, err := do()
	cancel()
	if crowdErr := <-ended; !errors.Is(crowdErr, context.Canceled) {
		err = errors.Join(err, crowdErr)
	}
	return got, err
}

// tokens are one of each client that asks.
func (l *load) tokens() ([]string, error) {
	requests := make([][]byte, min(l.active, 100))
	for i := range requests {
		requests[i] = l.tokenRequest(machine("secret", i*(l.in.clients/l.active)), true, "")
	}
	answers, err := l.answers(context.Background(), requests...)
	if err != nil {
		return nil, err
	}
	list := make([]string, len(answers))
	for i, body := range answers {
		var answer struct {
			Token string `json:"token"`
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			return nil, err
		}
		list[i] = answer.Token
	}
	return list, nil
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
