package store_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// spender spends assertions on PostgreSQL, by their names.
type spender struct {
	*store.DB
	t     *testing.T
	place place
}

// newSpender returns nil where there is no PostgreSQL.
func newSpender(t *testing.T) *spender {
	t.Helper()
	if !shared[dbserver.PostgreSQL].Here(t) {
		return nil
	}
	p := newPlace(t, shared[dbserver.PostgreSQL].Get(t))
	return &spender{p.migrated(t, patience(10*time.Second)), t, p}
}

func spend(ctx context.Context, db *store.DB, name string) (bool, error) {
	return db.SpendAssertion(ctx, sha256.Sum256([]byte(name)), time.Now().Add(time.Hour))
}

// outcome is what one was told.
type outcome struct {
	first bool
	err   error
}

// meanwhile has assertions spent, in this order, while a transaction of another node spends
// the first of them; when all wait it calls then, and that transaction ends. It returns what each
// was told, and by how many statements.
func (s *spender) meanwhile(then func(), do ...func() (bool, error)) (told []outcome, statements int64) {
	s.t.Helper()
	told = make([]outcome, len(do))
	var all sync.WaitGroup
	check(s.t, s.place.open(s.t).Tx(s.t.Context(), func(tx *store.DB) error {
		if first, err := spend(s.t.Context(), tx, "0"); err != nil || !first {
			s.t.Fatal(first, err)
		}
		statements = s.Stats().Statements
		for i, one := range do {
			all.Go(func() { told[i].first, told[i].err = one() })
			s.waiting(i, statements)
		}
		then()
		return nil
	}))
	all.Wait()
	return told, s.Stats().Statements - statements
}

// waiting waits until so many wait, and one statement more than before has begun.
func (s *spender) waiting(n int, before int64) {
	s.t.Helper()
	eventually(s.t, 5*time.Second, "it waits", func() bool {
		return store.SpendingForTest(s.DB) == n && s.Stats().Statements == before+1
	})
}

func (s *spender) named(name string) func() (bool, error) {
	return func() (bool, error) { return spend(s.t.Context(), s.DB, name) }
}

// Those that come at once share a statement, and each of them is spent once.
func TestAssertionsShareAStatement(t *testing.T) {
	s := newSpender(t)
	if s == nil {
		return
	}
	names := []string{"0", "d", "b", "a", "b", "c", "0", "b"}
	do := make([]func() (bool, error), len(names))
	for i, name := range names {
		do[i] = s.named(name)
	}
	told, statements := s.meanwhile(nothing, do...)
	for i, want := range []bool{false, true, true, true, false, true, false, false} {
		if told[i].err != nil || told[i].first != want {
			t.Errorf("%d, %s: first %v, %v", i, names[i], told[i].first, told[i].err)
		}
	}
	if statements != 2 {
		t.Errorf("%d statements, want 2", statements)
	}
}

// Who gives up before his turn has spent nothing.
func TestAnAssertionThatIsNotAskedForAnyMoreIsNotSpent(t *testing.T) {
	s := newSpender(t)
	if s == nil {
		return
	}
	ctx, giveUp := context.WithCancel(t.Context())
	told, _ := s.meanwhile(func() {
		giveUp()
		eventually(t, 5*time.Second, "one has given up", func() bool { return store.SpendingForTest(s.DB) == 1 })
	}, s.named("0"), func() (bool, error) { return spend(ctx, s.DB, "a") }, s.named("b"))
	if told[0].first || !errors.Is(told[1].err, context.Canceled) || !told[2].first {
		t.Errorf("%v", told)
	}
	if first, err := s.named("a")(); err != nil || !first {
		t.Errorf("first %v, %v", first, err)
	}
}

// When the statement fails nobody is told that an assertion was the first, or was not.
func TestNobodyIsToldOfWhatWasNotSpent(t *testing.T) {
	s := newSpender(t)
	if s == nil {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var told [2]outcome
	var waits [2]sync.WaitGroup
	before, err := s.Stats().Statements, error(nil)
	_ = s.place.open(t).Tx(ctx, func(tx *store.DB) error {
		_, err = spend(ctx, tx, "0")
		for i := range told {
			waits[i].Go(func() { told[i].first, told[i].err = spend(ctx, s.DB, "0") })
			s.waiting(i, before)
		}
		s.place.Admin(t, "", fmt.Sprintf(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = '%s' AND application_name = 'identity' AND wait_event_type = 'Lock';`, s.place.database))
		waits[0].Wait()
		return errors.New("it is not spent after all")
	})
	check(t, err)
	waits[1].Wait()
	if told[0].first || identity.KindOf(told[0].err) != identity.Unavailable {
		t.Errorf("of the statement that was cut: first %v, %v", told[0].first, told[0].err)
	}
	if told[1].err != nil || !told[1].first {
		t.Errorf("of the next: first %v, %v", told[1].first, told[1].err)
	}
}

// While there is no connection nobody's turn has come.
func TestWhoGivesUpBeforeThereIsAConnectionHasSpentNothing(t *testing.T) {
	s := newSpender(t)
	if s == nil {
		return
	}
	one := s.place.open(t, pool(1, 1), patience(10*time.Second)) // beside that for following
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	var told outcome
	var waits sync.WaitGroup
	check(t, one.Tx(t.Context(), func(*store.DB) error { // keeps it
		waits.Go(func() { told.first, told.err = spend(ctx, one, "a") })
		eventually(t, 5*time.Second, "it waits", func() bool { return store.SpendingForTest(one) == 1 })
		time.Sleep(50 * time.Millisecond) // it goes on waiting
		if n := store.SpendingForTest(one); n != 1 {
			t.Errorf("%d wait for a connection, want 1", n)
		}
		giveUp()
		waits.Wait()
		return nil
	}))
	if told.first || !errors.Is(told.err, context.Canceled) {
		t.Errorf("first %v, %v", told.first, told.err)
	}
	if first, err := spend(t.Context(), one, "a"); err != nil || !first {
		t.Errorf("afterwards: first %v, %v", first, err)
	}
}

// A server that ends all connections costs those who spend at that moment, and nobody after
// them, however many connections there were.
func TestConnectionsThatWereCutAreNotTriedOneByOne(t *testing.T) {
	s := newSpender(t)
	if s == nil {
		return
	}
	db := s.place.open(t, pool(10, 10))
	together(50, func(i int) { check(t, db.RecordLogins(t.Context(), map[string]time.Time{fmt.Sprint(i): time.Now()})) })
	s.place.endConnections(t)
	failed := 0
	for i := range 20 {
		if _, err := spend(t.Context(), db, fmt.Sprint(i)); err != nil {
			failed++
		}
	}
	if failed > 1 {
		t.Errorf("%d failed, want one at most", failed)
	}
}
