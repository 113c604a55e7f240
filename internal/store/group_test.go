package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// grouping is a SQLite file whose commits are counted; that with the number refused fails.
type grouping struct {
	*store.DB
	t                *testing.T
	commits, refused atomic.Int32
}

// newGrouping has one word.
func newGrouping(t *testing.T) *grouping {
	t.Helper()
	db, err := store.Open(store.Config{Path: filepath.Join(t.TempDir(), "identity.db")})
	check(t, err)
	t.Cleanup(func() { db.Close() })
	g := &grouping{DB: db, t: t}
	_, err = store.ExecForTest(t.Context(), db, "CREATE TABLE words (word TEXT PRIMARY KEY, length INTEGER CHECK (length > 0))")
	check(t, err)
	check(t, g.insert("first", 5)(t.Context()))
	check(t, store.OnCommitForTest(t.Context(), db, func() int32 {
		if g.commits.Add(1) == g.refused.Load() {
			return 1
		}
		return 0
	}))
	return g
}

// words is how many there are.
func (g *grouping) words() int64 {
	g.t.Helper()
	n, err := store.ExecForTest(g.t.Context(), g.DB, "UPDATE words SET length = length")
	check(g.t, err)
	return n
}

// meanwhile does what is given, in this order, while a transaction keeps the connection that
// writes, and returns how each ended, and how many commits that took. Before that transaction
// ends it calls then.
func (g *grouping) meanwhile(then func(), do ...func(ctx context.Context) error) (errs []error, commits int32) {
	g.t.Helper()
	errs = make([]error, len(do))
	var all sync.WaitGroup
	check(g.t, g.Tx(g.t.Context(), func(*store.DB) error {
		for i, one := range do {
			all.Go(func() { errs[i] = one(g.t.Context()) })
			eventually(g.t, 5*time.Second, "it waits", func() bool { return store.WaitingForTest(g.DB) == i+1 })
		}
		commits = g.commits.Load()
		then()
		return nil
	}))
	all.Wait()
	return errs, g.commits.Load() - commits - 1 // without that transaction's
}

func (g *grouping) insert(word string, length int) func(context.Context) error {
	return func(ctx context.Context) error {
		n, err := store.ExecForTest(ctx, g.DB, "INSERT INTO words VALUES (?, ?)", word, length)
		if err == nil && n != 1 {
			g.t.Errorf("%s: %d rows", word, n)
		}
		return err
	}
}

func nothing() {}

func TestStatementsShareACommit(t *testing.T) {
	g := newGrouping(t)
	var do []func(context.Context) error
	for i := range 300 {
		do = append(do, g.insert(strconv.Itoa(i), 1))
	}
	errs, commits := g.meanwhile(nothing, do...)
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if n := g.words(); commits != 3 || n != 301 { // whole transactions get their turn in between
		t.Errorf("%d commits, %d words, want 3 and 301", commits, n)
	}
}

// Of those who want the same key one gets it, and nobody else suffers.
func TestATakenKeyIsItsOwnFailure(t *testing.T) {
	g := newGrouping(t)
	errs, commits := g.meanwhile(nothing, g.insert("a", 1), g.insert("b", 1), g.insert("a", 2), g.insert("c", 1))
	if errs[0] != nil || errs[1] != nil || identity.KindOf(errs[2]) != identity.Conflict || errs[3] != nil {
		t.Errorf("%q", errs)
	}
	if n := g.words(); n != 4 || commits != 1 {
		t.Errorf("%d words, %d commits, want 4 and 1", n, commits)
	}
}

// A statement that fails otherwise may have ended the transaction: then each has its own.
func TestAFailureIsNobodyElses(t *testing.T) {
	g := newGrouping(t)
	errs, _ := g.meanwhile(nothing, g.insert("a", 1), g.insert("empty", 0), g.insert("b", 1))
	if errs[0] != nil || errs[1] == nil || errs[2] != nil {
		t.Errorf("%q", errs)
	}
	if n := g.words(); n != 3 {
		t.Errorf("%d words, want 3", n)
	}
}

// Nobody is told that something has happened, or that a key is taken, that was not committed.
func TestWhatIsNotCommittedHasNotHappened(t *testing.T) {
	g := newGrouping(t)
	errs, _ := g.meanwhile(func() { g.refused.Store(g.commits.Load() + 2) }, g.insert("a", 1), g.insert("a", 2), g.insert("b", 1))
	for i, err := range errs {
		if err == nil || identity.KindOf(err) == identity.Conflict {
			t.Errorf("%d: %v", i, err)
		}
	}
	if n := g.words(); n != 1 {
		t.Errorf("%d words, want 1", n)
	}
	check(t, g.insert("a", 1)(t.Context()))
}

// Who gives up before his turn has done nothing.
func TestNobodysStatementIsNotRun(t *testing.T) {
	g := newGrouping(t)
	ctx, giveUp := context.WithCancel(t.Context())
	errs, commits := g.meanwhile(func() {
		giveUp()
		eventually(t, 5*time.Second, "one has given up", func() bool { return store.WaitingForTest(g.DB) == 2 })
	}, g.insert("a", 1), func(context.Context) error { return g.insert("b", 1)(ctx) }, g.insert("c", 1))
	if errs[0] != nil || !errors.Is(errs[1], context.Canceled) || errs[2] != nil {
		t.Errorf("%q", errs)
	}
	if n := g.words(); n != 3 || commits != 1 {
		t.Errorf("%d words, %d commits, want 3 and 1", n, commits)
	}
}

// A database that is closed answers those who wait.
func TestNobodyWaitsForAClosedDatabase(t *testing.T) {
	g := newGrouping(t)
	errs, _ := g.meanwhile(func() { g.Close() }, g.insert("a", 1), g.insert("b", 1))
	if errs[0] == nil || errs[1] == nil {
		t.Errorf("%q", errs)
	}
}
