package argon2_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/argon2"
)

// from is a source.
func from(n int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}), 32)
}

// line starts callers who wait in a pool, and says in which order they got their turn.
type line struct {
	*testing.T
	pool *argon2.Pool

	mu    sync.Mutex
	order []string
}

// tell adds what became of a caller.
func (l *line) tell(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.order = append(l.order, what)
}

// told returns what became of callers since it was asked last.
func (l *line) told() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	order := l.order
	l.order = nil
	return order
}

// begins reports whether the list does so.
func begins(list []string, want ...string) bool {
	return len(list) >= len(want) && slices.Equal(list[:len(want)], want)
}

// wait has n callers of a party wait, who each hold their slot for a moment.
func (l *line) wait(name string, party argon2.Party, n int) {
	for range n {
		go func() {
			release, err := l.pool.Occupy(l.Context(), party, 64)
			if err != nil {
				l.tell(name + ": " + err.Error())
				return
			}
			l.tell(name)
			time.Sleep(time.Millisecond)
			release()
		}()
		synctest.Wait()
	}
}

// The attack: thousands of logins from one address. Another one has its turn next.
func TestOneSourceDoesNotStarveAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{T: t, pool: newPool(t, argon2.Config{Params: small, Slots: 1, Queue: 1000, Wait: time.Minute})}
		release := occupy(t, l.pool, 1, 64)
		l.wait("storm", argon2.Party{Source: from(1)}, 900)
		l.wait("one", argon2.Party{Source: from(2)}, 2)
		release()
		time.Sleep(10 * time.Second)
		if got := l.told(); !begins(got, "storm", "one", "storm", "one", "storm") || len(got) != 902 {
			t.Errorf("%d had their turn: %v", len(got), got)
		}
		idle(t, l.pool)
	})
}

// A storm of people, however many addresses it comes from, leaves machines and
// administrators their turns.
func TestClassesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{T: t, pool: newPool(t, argon2.Config{Params: small, Slots: 1, Queue: 1000, Wait: time.Minute})}
		release := occupy(t, l.pool, 1, 64) // people had their turn
		for i := range 100 {
			l.wait("person", argon2.Party{Class: argon2.People, Source: from(i)}, 3)
		}
		l.wait("machine", argon2.Party{Class: argon2.Machines}, 2)
		l.wait("administrator", argon2.Party{Class: argon2.Administration}, 1)
		l.wait("imported", argon2.Party{Class: argon2.Imported}, 1)
		release()
		time.Sleep(10 * time.Second)
		if got := l.told(); !begins(got, "machine", "administrator", "imported", "person", "machine", "person", "person") || len(got) != 304 {
			t.Errorf("%d had their turn: %v", len(got), got)
		}
	})
}

// In a full queue the one who fills it gives way, and not who comes last.
func TestWhoCrowdsGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{T: t, pool: newPool(t, argon2.Config{Params: small, Slots: 1, Queue: 8, Wait: time.Minute})}
		release := occupy(t, l.pool, 1, 64)
		l.wait("storm", argon2.Party{Source: from(1)}, 9) // the ninth is its own
		l.wait("one", argon2.Party{Source: from(2)}, 1)
		l.wait("machine", argon2.Party{Class: argon2.Machines}, 1)
		over := ": " + argon2.ErrOverloaded.Error()
		if got := l.told(); !slices.Equal(got, []string{"storm" + over, "storm" + over, "storm" + over}) {
			t.Errorf("sent away: %v", got)
		}
		// Among those who wait equally often it is who comes last.
		for i := range 6 {
			l.wait("other", argon2.Party{Source: from(10 + i)}, 1)
		}
		l.wait("last", argon2.Party{Source: from(20)}, 1)
		want := []string{"storm" + over, "storm" + over, "storm" + over, "storm" + over, "storm" + over, "other" + over, "last" + over}
		if got := l.told(); !slices.Equal(got, want) {
			t.Errorf("sent away: %v", got)
		}
		release()
		time.Sleep(time.Second)
		if got, told := l.pool.Stats(), l.told(); len(told) != 8 || got.Lines[argon2.People].Full != 10 || got.Lines[argon2.Machines].Full != 0 || got.Overloaded != 10 {
			t.Errorf("%v, %+v", told, got)
		}
		idle(t, l.pool)
	})
}

// What a hash of another system costs is not what all wait for: one at once.
func TestImportedHashesRunOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := newPool(t, argon2.Config{Params: small, Slots: 3, Queue: 10, Wait: time.Minute})
		imported := argon2.Party{Class: argon2.Imported}
		first, err := pool.Occupy(t.Context(), imported, 64)
		if err != nil {
			t.Fatal(err)
		}
		second := make(chan func())
		go func() {
			release, err := pool.Occupy(t.Context(), imported, 64)
			if err != nil {
				t.Error(err)
			}
			second <- release
		}()
		synctest.Wait()
		occupy(t, pool, 2, 64)() // others pass it
		if s := pool.Stats(); s.InUse != 1 || s.Lines[argon2.Imported].Waiting != 1 {
			t.Errorf("%+v", s)
		}
		first()
		(<-second)()
		idle(t, pool)
	})
}

// A hash that can never run is refused at once.
func TestTooLargeForThePool(t *testing.T) {
	pool := newPool(t, argon2.Config{Params: small, Memory: 128, Slots: 1})
	release := occupy(t, pool, 1, 64)
	defer release()
	if _, err := pool.Verify(t.Context(), someone, with("m=129,t=1,p=1"), []byte("x")); !errors.Is(err, argon2.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	if err := pool.Do(t.Context(), someone, 129, func() { t.Error("it ran") }); !errors.Is(err, argon2.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	if err := pool.Fits(128); err != nil {
		t.Errorf("what fits is refused: %v", err)
	}
}

// Whoever holds the queue up and goes away leaves it to those behind.
func TestLargeHashThatGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := newPool(t, argon2.Config{Params: small, Memory: 128, Slots: 2, Wait: time.Minute})
		release := occupy(t, pool, 1, 64)
		ctx, cancel := context.WithCancel(t.Context())
		gone, served := make(chan error), make(chan error)
		go func() { _, err := pool.Occupy(ctx, someone, 128); gone <- err }()
		synctest.Wait()
		go func() {
			behind, err := pool.Occupy(t.Context(), someone, 64)
			if err == nil {
				behind()
			}
			served <- err
		}()
		synctest.Wait()
		if s := pool.Stats(); s.Waiting != 2 || s.InUse != 1 {
			t.Fatalf("%+v", s)
		}
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		release()
		idle(t, pool)
	})
}
