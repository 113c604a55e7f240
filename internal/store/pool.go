package store

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"sync"
)

// pool is a set of connections, with the statements that are prepared on them.
type pool struct {
	*sql.DB

	idle     int // connections that stay open
	mu       sync.RWMutex
	prepared map[string]*sql.Stmt
	// wanted are queries of transactions that were not prepared when they ran.
	wanted  map[string]bool
	rebound map[string]string
}

// mostPrepared bounds the statements of a pool that are kept; the queries of the verbs
// are fewer, but filters make many.
const mostPrepared = 128

// Close ends all connections, and their statements before them.
func (p *pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, stmt := range p.prepared {
		errs = append(errs, stmt.Close())
	}
	p.prepared = nil
	return errors.Join(append(errs, p.DB.Close())...)
}

// dropIdle closes the connections that nobody uses now.
func (p *pool) dropIdle() {
	p.SetMaxIdleConns(-1)
	p.SetMaxIdleConns(p.idle)
}

// runner runs one statement.
type runner struct {
	exec  func(ctx context.Context, args ...any) (sql.Result, error)
	query func(ctx context.Context, args ...any) (*sql.Rows, error)
}

// runner returns what runs the query: as it is prepared or as it stands, in the
// transaction if there is one.
func (p *pool) runner(ctx context.Context, tx *sql.Tx, d *dialect, query string) (runner, error) {
	query = p.bound(d, query)
	stmt, err := p.prepare(ctx, tx, d, query)
	if err != nil {
		return runner{}, err
	}
	if stmt != nil && tx != nil {
		stmt = tx.StmtContext(ctx, stmt) //nolint:sqlclosecheck // it ends with the transaction
	}
	if stmt != nil {
		return runner{stmt.ExecContext, stmt.QueryContext}, nil
	}
	exec, ask := p.ExecContext, p.QueryContext
	if tx != nil {
		exec, ask = tx.ExecContext, tx.QueryContext
	}
	return runner{
		func(ctx context.Context, args ...any) (sql.Result, error) { return exec(ctx, query, args...) },
		func(ctx context.Context, args ...any) (*sql.Rows, error) { return ask(ctx, query, args...) },
	}, nil
}

// exec runs a statement.
func (p *pool) exec(ctx context.Context, tx *sql.Tx, d *dialect, query string, args []any) (sql.Result, error) {
	run, err := p.runner(ctx, tx, d, query)
	if err != nil {
		return nil, err
	}
	return run.exec(ctx, args...)
}

// query runs a query.
func (p *pool) query(ctx context.Context, tx *sql.Tx, d *dialect, query string, args []any) (*sql.Rows, error) {
	run, err := p.runner(ctx, tx, d, query)
	if err != nil {
		return nil, err
	}
	return run.query(ctx, args...)
}

// bound is the query with the dialect's placeholders.
func (p *pool) bound(d *dialect, query string) string {
	if !d.numbered {
		return query
	}
	p.mu.RLock()
	bound, ok := p.rebound[query]
	p.mu.RUnlock()
	if ok {
		return bound
	}
	bound = d.rebind(query)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rebound == nil {
		p.rebound = map[string]string{}
	}
	if len(p.rebound) < 4*mostPrepared {
		p.rebound[query] = bound
	}
	return bound
}

// prepare returns the statement as it is prepared once for each connection; nil where
// the driver sees to that. A transaction takes no second connection for it: it uses what
// is there, and the pool that writes prepares what is not before the next one.
func (p *pool) prepare(ctx context.Context, tx *sql.Tx, d *dialect, query string) (*sql.Stmt, error) {
	if !d.prepared {
		return nil, nil //nolint:nilnil // documented
	}
	p.mu.RLock()
	stmt, full := p.prepared[query], len(p.prepared) >= mostPrepared
	p.mu.RUnlock()
	if stmt != nil || full {
		return stmt, nil
	}
	if tx != nil {
		p.want(query)
		return nil, nil //nolint:nilnil // documented
	}
	stmt, err := p.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.prepared == nil {
		p.prepared = map[string]*sql.Stmt{}
	}
	if present := p.prepared[query]; present != nil { // somebody was faster
		return present, stmt.Close() //nolint:sqlclosecheck // the other one is used
	}
	p.prepared[query] = stmt
	return stmt, nil
}

func (p *pool) want(query string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wanted == nil {
		p.wanted = map[string]bool{}
	}
	if len(p.wanted) < mostPrepared {
		p.wanted[query] = true
	}
}

// prepareWanted prepares what transactions have wanted. What cannot be prepared is not:
// who runs it will hear why.
func (p *pool) prepareWanted(ctx context.Context, d *dialect) {
	p.mu.Lock()
	wanted := p.wanted
	p.wanted = nil
	p.mu.Unlock()
	for query := range wanted {
		_, _ = p.prepare(ctx, nil, d, query) //nolint:sqlclosecheck // the pool keeps it
	}
}

// pieces cuts a list into pieces of most, a power of two, and of what is left into pieces of
// smaller powers: so a few statements, which stay prepared, do for lists of every length.
func pieces[T any](list []T, most int) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for n := most; len(list) > 0; {
			for n > len(list) {
				n /= 2
			}
			if !yield(list[:n:n]) {
				return
			}
			list = list[n:]
		}
	}
}
