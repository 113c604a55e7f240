package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
)

// group has statements that came while the disk was busy share one commit, where writes
// queue for one connection anyway: each still happens or does not by itself, in the order
// in which they came, and nobody hears of it before it is durable.
type group struct {
	pool    *pool
	dialect *dialect

	mu      sync.Mutex
	waiting []*statement
	running bool
}

// statement is one that waits for its turn.
type statement struct {
	query string
	args  []any

	done     chan struct{} // closed when it is known what became of it:
	affected int64
	err      error
}

// mostGrouped is how many statements share a commit: others that write wait meanwhile.
const mostGrouped = 128

// exec runs a statement and returns the number of rows it affected. When ctx ends before
// its turn has come it is not run; when ctx ends later, nobody hears what became of it.
func (g *group) exec(ctx context.Context, query string, args []any) (int64, error) {
	// A transaction uses what is prepared already.
	if _, err := g.pool.prepare(ctx, nil, g.dialect, query); err != nil { //nolint:sqlclosecheck // the pool keeps it
		return 0, err
	}
	s := &statement{query: query, args: args, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, s)
	idle := !g.running
	g.running = true
	g.mu.Unlock()
	if idle {
		go g.run() //nolint:gosec // it is for all callers, so the context is none of theirs
	}
	select {
	case <-s.done:
		return s.affected, s.err
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		g.waiting = slices.DeleteFunc(g.waiting, func(other *statement) bool { return other == s })
		return 0, ctx.Err()
	}
}

// run runs what waits, until nothing does. It gives the connection back each time: whole
// transactions wait for it, too.
func (g *group) run() {
	ctx := context.Background() // no caller's: it is for all of them
	for g.goesOn() {
		conn, err := g.pool.Conn(ctx)
		runtime.Gosched() // those that are about to come need not wait for the next commit
		batch := g.take()
		if err != nil {
			fail(batch, err)
		} else {
			g.commit(ctx, conn, batch)
			_ = conn.Close() // it goes back to its pool
		}
		for _, s := range batch {
			close(s.done)
		}
	}
}

// goesOn reports whether anything waits; if not, nobody runs any more.
func (g *group) goesOn() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running = len(g.waiting) > 0; !g.running {
		g.waiting = nil
	}
	return g.running
}

// take returns those whose turn it is: none, if they have given up.
func (g *group) take() []*statement {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), mostGrouped)
	batch := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	return batch
}

// commit runs the batch in one transaction, or each by itself where one of them might have
// others fail.
func (g *group) commit(ctx context.Context, conn *sql.Conn, batch []*statement) {
	if len(batch) == 0 {
		return
	}
	err := g.together(ctx, conn, batch)
	if err == nil {
		return
	}
	if errors.Is(err, errAlone) && len(batch) > 1 {
		for i := range batch {
			g.commit(ctx, conn, batch[i:i+1])
		}
		return
	}
	fail(batch, err) // nothing has happened: what any of them has heard so far is not true
}

var errAlone = errors.New("a statement may have ended the transaction of others")

func (g *group) together(ctx context.Context, conn *sql.Conn, batch []*statement) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing, and before one the first error matters
	for _, s := range batch {
		var result sql.Result
		if result, s.err = g.pool.exec(ctx, tx, g.dialect, s.query, s.args); s.err == nil {
			s.affected, s.err = result.RowsAffected()
		}
		// A statement that finds its key taken undoes itself and nothing else (SQLite
		// documentation, "ON CONFLICT", ABORT).
		if s.err != nil && g.dialect.fault(s.err) != faultTaken {
			return fmt.Errorf("%w: %w", errAlone, s.err)
		}
	}
	return tx.Commit()
}

func fail(batch []*statement, err error) {
	for _, s := range batch {
		s.affected, s.err = 0, err
	}
}
