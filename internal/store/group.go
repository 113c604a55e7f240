package store

import (
	"context"
	"runtime"
	"slices"
	"sync"
)

// group has work that comes while other work of its kind is being done wait, and then be
// done together.
type group[T any] struct {
	// together does what take gives it, in the order in which it came, and calls take as
	// late as it can. What became of each is left in it.
	together func(take func() []T)

	mu      sync.Mutex
	waiting []*queued[T]
	running bool
}

// queued is work that waits for its turn.
type queued[T any] struct {
	work T
	done chan struct{} // closed when it is known what became of it
}

// mostGrouped is how much is done together: others that write wait meanwhile.
const mostGrouped = 128

// do has the work done. When ctx ends before its turn has come it is not done; when ctx
// ends later, nobody hears what became of it. On an error the work is not to be read.
func (g *group[T]) do(ctx context.Context, work T) error {
	q := &queued[T]{work: work, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, q)
	idle := !g.running
	g.running = true
	g.mu.Unlock()
	if idle {
		go g.run()
	}
	select {
	case <-q.done:
		return nil
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		g.waiting = slices.DeleteFunc(g.waiting, func(other *queued[T]) bool { return other == q })
		return ctx.Err()
	}
}

// run has done what waits, until nothing does.
func (g *group[T]) run() {
	for g.goesOn() {
		var batch []*queued[T]
		g.together(func() []T {
			runtime.Gosched() // those that are about to come need not wait for the next time
			batch = g.take()
			work := make([]T, len(batch))
			for i, q := range batch {
				work[i] = q.work
			}
			return work
		})
		for _, q := range batch {
			close(q.done)
		}
	}
}

// goesOn reports whether anything waits; if not, nobody runs any more.
func (g *group[T]) goesOn() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running = len(g.waiting) > 0; !g.running {
		g.waiting = nil
	}
	return g.running
}

// take returns those whose turn it is: none, if they have given up.
func (g *group[T]) take() []*queued[T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), mostGrouped)
	batch := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	return batch
}
