package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/ratelimit"
)

// document is something that the service publishes, kept while it can be had and after.
// It is as old as the time that has elapsed, or as the clock says if that is more: the one
// stands still while a machine sleeps.
type document[T any] struct {
	// life ends with the verifier. Fetching goes on when who asked for it has gone:
	// others wait for it too.
	life context.Context
	// fetch returns the document, or errUnchanged where it is still the one of this etag.
	fetch func(ctx context.Context, etag string) (T, string, error)

	held atomic.Pointer[edition[T]]

	mu      sync.Mutex
	running chan struct{} // closed at the end of the fetch that is on its way
	err     error         // of the last one
	usedTo  time.Time     // when what they may is replenished for those who want one now
}

// errUnchanged is no failure.
var errUnchanged = errors.New("nothing has changed")

// edition is a document as it was when it was asked for.
type edition[T any] struct {
	value T
	etag  string
	asked time.Time
}

func newDocument[T any](life context.Context, fetch func(ctx context.Context, etag string) (T, string, error)) *document[T] {
	return &document[T]{life: life, fetch: fetch}
}

// within returns the document if it was asked for in the time that has just passed.
func (d *document[T]) within(most time.Duration) (value T, ok bool) {
	held, now := d.held.Load(), time.Now()
	if held == nil || now.Sub(held.asked) > most || now.Round(0).Sub(held.asked.Round(0)) > most {
		return value, false
	}
	return held.value, true
}

// start has the document fetched, if nobody does that already and it is allowed. It returns
// what is closed when that ends, nil if nothing is on its way, and what came of the last
// fetch. The zero policy allows any number.
func (d *document[T]) start(allowed ratelimit.Policy) (done <-chan struct{}, last error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.running != nil {
		return d.running, d.err
	}
	if d.life.Err() != nil {
		return nil, ErrClosed
	}
	if allowed.Burst > 0 {
		now := time.Now()
		if allowed.Look(d.usedTo, now).Remaining == 0 {
			return nil, d.err
		}
		d.usedTo = allowed.Take(d.usedTo, now)
	}
	d.running = make(chan struct{})
	go d.run(d.running)
	return d.running, d.err
}

// want has the document fetched for a request, and waits for that, but not for a service that
// has failed just before: whoever has an old document would have all its requests wait.
func (d *document[T]) want(ctx context.Context, allowed ratelimit.Policy) error {
	done, last := d.start(allowed)
	if done == nil || last != nil && d.held.Load() != nil {
		return last
	}
	return d.wait(ctx, done)
}

// refresh has the document fetched and waits for that.
func (d *document[T]) refresh(ctx context.Context) error {
	done, last := d.start(ratelimit.Policy{})
	if done == nil {
		return last
	}
	return d.wait(ctx, done)
}

// wait waits for a fetch, and returns what came of it.
func (d *document[T]) wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.err
	case <-ctx.Done():
		return ctx.Err()
	case <-d.life.Done():
		return ErrClosed
	}
}

func (d *document[T]) run(done chan struct{}) {
	ctx, cancel := context.WithTimeout(d.life, requestTimeout)
	defer cancel()
	was, asked := d.held.Load(), time.Now()
	if was == nil {
		was = &edition[T]{}
	}
	value, etag, err := d.fetch(ctx, was.etag)
	if errors.Is(err, errUnchanged) {
		value, etag, err = was.value, was.etag, nil
	}
	if err == nil {
		d.held.Store(&edition[T]{value, etag, asked})
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err, d.running = err, nil
	close(done)
}

// end waits for the fetch that is on its way when the life has ended.
func (d *document[T]) end() {
	d.mu.Lock()
	running := d.running
	d.mu.Unlock()
	if running != nil {
		<-running
	}
}

// How long a document rests that could not be had.
const leastRest, mostRest = time.Second, 15 * time.Second

// keep refreshes the document until the end of its life, about that often.
func (d *document[T]) keep(every time.Duration, report func(error)) {
	for {
		err := d.refresh(d.life)
		if d.life.Err() != nil {
			return
		}
		pause := every
		if err != nil {
			report(err)
			pause = min(max(every, leastRest), mostRest)
		}
		// So that a thousand that were started together do not ask together.
		pause -= time.Duration(rand.Int64N(int64(pause)/5 + 1)) //nolint:gosec // dice, not a secret
		select {
		case <-time.After(pause):
		case <-d.life.Done():
			return
		}
	}
}
