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
// Its times are elapsed ones: steps of the clock do not make it older.
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
	held := d.held.Load()
	if held == nil || time.Since(held.asked) > most {
		return value, false
	}
	return held.value, true
}

// refresh has the document fetched, and waits for that. One fetch is made for all who want
// it, and none beyond what is allowed: then it returns what came of the last. The zero policy
// allows any number.
func (d *document[T]) refresh(ctx context.Context, allowed ratelimit.Policy) error {
	d.mu.Lock()
	if d.running == nil {
		if d.life.Err() != nil {
			defer d.mu.Unlock()
			return ErrClosed
		}
		if allowed.Burst > 0 {
			now := time.Now()
			if allowed.Look(d.usedTo, now).Remaining == 0 {
				defer d.mu.Unlock()
				return d.err
			}
			d.usedTo = allowed.Take(d.usedTo, now)
		}
		d.running = make(chan struct{})
		go d.run(d.running)
	}
	done := d.running
	d.mu.Unlock()
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

// keep refreshes the document until the end of its life, about that often; after a failure
// sooner, if that is long.
func (d *document[T]) keep(every, afterFailure time.Duration, report func(error)) {
	for {
		err := d.refresh(d.life, ratelimit.Policy{})
		if d.life.Err() != nil {
			return
		}
		pause := every
		if err != nil {
			report(err)
			pause = min(every, afterFailure)
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
