package argon2_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-60f9e3ad/identity/internal/argon2"
)

// step is one thing that happens to a pool.
type step struct {
	Do     string
	Party  argon2.Party
	KiB    uint32
	Of     int // which of those that wait or hold
	Passed time.Duration
}

const (
	modelMemory = 250
	modelWait   = 3 * time.Second
)

// TestPoolIsItsModel compares the pool with one that is written down as simply as
// possible, over whatever happens: who holds a slot, who waits, who was sent away.
func TestPoolIsItsModel(t *testing.T) {
	steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{
			Do:     rapid.SampledFrom([]string{"come", "come", "come", "come", "release", "release", "cancel", "pass"}).Draw(t, "do"),
			Party:  argon2.Party{Class: rapid.SampledFrom(argon2.Classes()).Draw(t, "class"), Source: from(rapid.IntRange(0, 3).Draw(t, "source"))},
			KiB:    rapid.SampledFrom([]uint32{64, 64, 100, 200, 250}).Draw(t, "KiB"),
			Of:     rapid.IntRange(0, 20).Draw(t, "of"),
			Passed: rapid.SampledFrom([]time.Duration{time.Second, 2 * time.Second, 4 * time.Second}).Draw(t, "passed"),
		}
	}), 1, 80)
	rapid.Check(t, func(rt *rapid.T) {
		slots, queue := rapid.IntRange(1, 3).Draw(rt, "slots"), rapid.IntRange(1, 8).Draw(rt, "queue")
		happens := steps.Draw(rt, "steps")
		var fault string // rapid's T is of another goroutine
		synctest.Test(t, func(t *testing.T) { fault = follow(t, slots, queue, happens) })
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

// follow has everything happen to a pool and to a model, and says where they differ.
func follow(t *testing.T, slots, queue int, happens []step) string {
	pool := newPool(t, argon2.Config{Params: small, Memory: modelMemory, Slots: slots, Queue: queue, Wait: modelWait})
	r := &reality{pool: pool, state: map[int]string{}, cancel: map[int]func(){}, release: map[int]func(){}}
	defer r.end()
	m := &model{slots: slots, queue: queue, state: map[int]string{}, turn: map[argon2.Party]int{}}
	for i, s := range happens {
		time.Sleep(time.Millisecond) // no two deadlines are one
		m.pass(time.Now())
		switch s.Do {
		case "come":
			r.come(i, s)
			m.come(caller{i, s.Party, int64(s.KiB), time.Now()})
		case "release":
			if id, ok := m.one("holds", s.Of); ok {
				r.free(id)
				m.leave(id, "done")
			}
		case "cancel":
			if id, ok := m.one("waits", s.Of); ok {
				r.cancel[id]()
				m.leave(id, "canceled")
			}
		case "pass":
			time.Sleep(s.Passed)
			m.pass(time.Now())
		}
		synctest.Wait()
		if states := r.states(); !maps.Equal(states, m.state) {
			return fmt.Sprintf("after step %d, %+v: the pool has %v, the model %v", i, s, states, m.state)
		}
		var kib int64
		for _, c := range m.callers {
			if m.state[c.id] == "holds" {
				kib += c.kib
			}
		}
		if stats := pool.Stats(); stats.MemoryKiB != kib || kib > modelMemory || stats.InUse > slots || stats.Waiting > queue {
			return fmt.Sprintf("after step %d: %+v, held %d KiB", i, stats, kib)
		}
	}
	// Nobody is lost: whoever still waits has a turn when the others are done, or has
	// waited for too long.
	for {
		id, ok := m.one("holds", 0)
		if !ok {
			break
		}
		r.free(id)
		m.leave(id, "done")
		synctest.Wait()
	}
	if stats, states := pool.Stats(), r.states(); stats.Waiting != 0 || stats.InUse != 0 || stats.MemoryKiB != 0 || !maps.Equal(states, m.state) {
		return fmt.Sprintf("at the end: %+v, the pool has %v, the model %v", stats, states, m.state)
	}
	return ""
}

// reality is what becomes of the callers of a pool.
type reality struct {
	pool   *argon2.Pool
	cancel map[int]func()

	mu      sync.Mutex
	state   map[int]string
	release map[int]func()
}

// states returns what has become of all.
func (r *reality) states() map[int]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.state)
}

// become notes what has become of a caller, who holds a slot if there is a release.
func (r *reality) become(id int, state string, release func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state[id], r.release[id] = state, release
}

func (r *reality) come(id int, s step) {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel[id] = cancel
	r.become(id, "waits", nil)
	go func() {
		release, err := r.pool.Occupy(ctx, s.Party, s.KiB)
		switch {
		case err == nil:
			r.become(id, "holds", release)
		case errors.Is(err, argon2.ErrOverloaded):
			r.become(id, "away", nil)
		case errors.Is(err, context.Canceled):
			r.become(id, "canceled", nil)
		default:
			r.become(id, err.Error(), nil)
		}
	}()
	synctest.Wait()
}

// end has all callers leave.
func (r *reality) end() {
	for id, cancel := range r.cancel {
		cancel()
		synctest.Wait()
		if r.states()[id] == "holds" {
			r.free(id)
		}
	}
}

func (r *reality) free(id int) {
	r.mu.Lock()
	release := r.release[id]
	r.mu.Unlock()
	release()
	r.become(id, "done", nil)
}

// caller is one that came to the model.
type caller struct {
	id    int
	party argon2.Party
	kib   int64
	since time.Time
}

// model is the pool as one would explain it: a list of callers in the order of their
// arrival. The turn of a party is the moment at which it last had one, or began to wait.
type model struct {
	slots, queue int
	callers      []caller
	state        map[int]string
	turn         map[argon2.Party]int
	moment       int
	last         argon2.Class
}

func (m *model) in(state string, of func(caller) bool) (found []caller) {
	for _, c := range m.callers {
		if m.state[c.id] == state && of(c) {
			found = append(found, c)
		}
	}
	return found
}

func anybody(caller) bool { return true }

func ofClass(class argon2.Class) func(caller) bool {
	return func(c caller) bool { return c.party.Class == class }
}

func ofParty(party argon2.Party) func(caller) bool {
	return func(c caller) bool { return c.party == party }
}

// one returns one of the callers in a state, if there is any.
func (m *model) one(state string, n int) (id int, ok bool) {
	all := m.in(state, anybody)
	if len(all) == 0 {
		return 0, false
	}
	return all[n%len(all)].id, true
}

func (m *model) come(c caller) {
	if len(m.in("waits", ofParty(c.party))) == 0 {
		m.moment++
		m.turn[c.party] = m.moment
	}
	m.callers = append(m.callers, c)
	m.state[c.id] = "waits"
	m.grant()
	if len(m.in("waits", anybody)) <= m.queue {
		return
	}
	class := c.party.Class
	for _, other := range argon2.Classes() {
		if len(m.in("waits", ofClass(other))) > len(m.in("waits", ofClass(class))) {
			class = other
		}
	}
	// Of the sources with the most callers it is the newcomer's own, else the one whose
	// turn is last.
	var out []caller
	for _, w := range m.in("waits", ofClass(class)) {
		theirs := m.in("waits", ofParty(w.party))
		if out == nil || len(theirs) > len(out) || len(theirs) == len(out) && m.rather(theirs[0].party, out[0].party, c.party) {
			out = theirs
		}
	}
	m.state[out[len(out)-1].id] = "away"
}

// rather reports whether, of two sources with the same number of callers, it is the
// first that gives way.
func (m *model) rather(a, b, newcomer argon2.Party) bool {
	if a == newcomer || b == newcomer {
		return a == newcomer
	}
	return m.turn[a] > m.turn[b]
}

func (m *model) leave(id int, state string) {
	m.state[id] = state
	m.grant()
}

// pass has those who waited for too long give up.
func (m *model) pass(now time.Time) {
	for _, c := range m.in("waits", anybody) {
		if m.state[c.id] == "waits" && now.Sub(c.since) >= modelWait {
			m.leave(c.id, "away")
		}
	}
}

func (m *model) grant() {
	for {
		holding := m.in("holds", anybody)
		memory := int64(modelMemory)
		imported := false
		for _, h := range holding {
			memory -= h.kib
			imported = imported || h.party.Class == argon2.Imported
		}
		next, ok := m.next(imported)
		if !ok || len(holding) == m.slots || next.kib > memory {
			return
		}
		m.state[next.id], m.last = "holds", next.party.Class
		m.moment++
		m.turn[next.party] = m.moment
	}
}

// next returns whose turn it is.
func (m *model) next(imported bool) (caller, bool) {
	classes := argon2.Classes()
	for i := range classes {
		class := classes[(int(m.last)+1+i)%len(classes)]
		waiting := m.in("waits", ofClass(class))
		if len(waiting) == 0 || class == argon2.Imported && imported {
			continue
		}
		return slices.MinFunc(waiting, func(a, b caller) int { return m.turn[a.party] - m.turn[b.party] }), true
	}
	return caller{}, false
}
