package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// commits has statements that come while the disk is busy share one commit, where writes
// queue for one connection anyway: each still happens or does not by itself, in the order
// in which they came, and nobody hears of it before it is durable.
type commits struct {
	pool    *pool
	dialect *dialect
	group   group[*statement]
}

// statement is one that waits for its turn.
type statement struct {
	query string
	args  []any

	affected int64 // what became of it
	err      error
}

func newCommits(p *pool, d *dialect) *commits {
	c := &commits{pool: p, dialect: d}
	c.group.together = c.together
	return c
}

// exec runs a statement and returns the number of rows it affected. When ctx ends before
// its turn has come it is not run; when ctx ends later, nobody hears what became of it.
func (c *commits) exec(ctx context.Context, query string, args []any) (int64, error) {
	// A transaction uses what is prepared already.
	if _, err := c.pool.prepare(ctx, nil, c.dialect, query); err != nil { //nolint:sqlclosecheck // the pool keeps it
		return 0, err
	}
	s := &statement{query: query, args: args}
	if err := c.group.do(ctx, s); err != nil {
		return 0, err
	}
	return s.affected, s.err
}

// together takes the connection for this time only: whole transactions wait for it, too.
func (c *commits) together(take func() []*statement) {
	ctx := context.Background() // no caller's: it is for all of them
	conn, err := c.pool.Conn(ctx)
	batch := take()
	if err != nil {
		fail(batch, err)
		return
	}
	defer conn.Close() //nolint:errcheck // it goes back to its pool
	c.commit(ctx, conn, batch)
}

// commit runs the batch in one transaction, or each by itself where one of them might have
// others fail.
func (c *commits) commit(ctx context.Context, conn *sql.Conn, batch []*statement) {
	if len(batch) == 0 {
		return
	}
	err := c.transaction(ctx, conn, batch)
	if err == nil {
		return
	}
	if errors.Is(err, errAlone) && len(batch) > 1 {
		for i := range batch {
			c.commit(ctx, conn, batch[i:i+1])
		}
		return
	}
	fail(batch, err) // nothing has happened: what any of them has heard so far is not true
}

var errAlone = errors.New("a statement may have ended the transaction of others")

func (c *commits) transaction(ctx context.Context, conn *sql.Conn, batch []*statement) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing, and before one the first error matters
	for _, s := range batch {
		var result sql.Result
		if result, s.err = c.pool.exec(ctx, tx, c.dialect, s.query, s.args); s.err == nil {
			s.affected, s.err = result.RowsAffected()
		}
		// A statement that finds its key taken undoes itself and nothing else (SQLite
		// documentation, "ON CONFLICT", ABORT).
		if s.err != nil && c.dialect.fault(s.err) != faultTaken {
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
