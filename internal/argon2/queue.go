package argon2

import (
	"net/netip"
	"slices"
)

// waiter is a caller without a slot.
type waiter struct {
	Party
	kib     int64
	decided chan struct{} // closed when it got its slot, or gave way
	granted bool          // which of the two
}

// queue holds the callers that wait, and says whose turn it is: the classes
// take turns, in each class the sources take turns, and of each source the
// longest waiting caller is next. So whoever sends thousands of requests waits
// for their own: another source of the class gets one turn for each of theirs.
//
// It is not safe for concurrent use: the pool's mutex is around it.
type queue struct {
	lines  [classes][]*line // in the order of their turns
	last   Class            // had its turn
	length int
}

// line holds the waiting callers of one source in one class, in the order of
// their arrival. There is none without a caller.
type line struct {
	source  netip.Prefix
	waiters []*waiter
}

// add puts a caller at the end of its line. A new line has its turn after those
// that are there.
func (q *queue) add(w *waiter) {
	q.length++
	if i := q.find(w.Party); i >= 0 {
		l := q.lines[w.Class][i]
		l.waiters = append(l.waiters, w)
		return
	}
	q.lines[w.Class] = append(q.lines[w.Class], &line{w.Source, []*waiter{w}})
}

// find returns the index of the party's line, or -1.
func (q *queue) find(p Party) int {
	return slices.IndexFunc(q.lines[p.Class], func(l *line) bool { return l.source == p.Source })
}

// next returns whose turn it is among the classes that may, or nil.
func (q *queue) next(may func(Class) bool) *waiter {
	for i := range classes {
		c := (q.last + 1 + i) % classes
		if len(q.lines[c]) > 0 && may(c) {
			return q.lines[c][0].waiters[0]
		}
	}
	return nil
}

// take removes the caller whose turn it is. Its line has its next turn after
// all others of the class.
func (q *queue) take(w *waiter) {
	q.last = w.Class
	l := q.lines[w.Class][0]
	q.remove(w)
	if len(l.waiters) > 0 {
		q.lines[w.Class] = append(q.lines[w.Class][1:], l)
	}
}

// remove takes a caller out of its line.
func (q *queue) remove(w *waiter) {
	i := q.find(w.Party)
	l := q.lines[w.Class][i]
	at := slices.Index(l.waiters, w)
	l.waiters = slices.Delete(l.waiters, at, at+1)
	if len(l.waiters) == 0 {
		q.lines[w.Class] = slices.Delete(q.lines[w.Class], i, i+1)
	}
	q.length--
}

// crowding returns the caller that gives way when the queue is too long by the
// newcomer: of the class with the most waiting callers, in it of the source with
// the most, the one that came last. Among equals it is the newcomer's own class,
// and own source, so that nobody is sent away for one who waits no less often,
// else the source whose turn is last.
func (q *queue) crowding(newcomer Party) *waiter {
	class := newcomer.Class
	for c := range classes {
		if q.waiting(c) > q.waiting(class) {
			class = c
		}
	}
	var longest *line
	for _, l := range q.lines[class] {
		if longest == nil || len(l.waiters) >= len(longest.waiters) {
			longest = l
		}
	}
	if i := q.find(newcomer); class == newcomer.Class && len(q.lines[class][i].waiters) == len(longest.waiters) {
		longest = q.lines[class][i]
	}
	return longest.waiters[len(longest.waiters)-1]
}

// waiting returns how many callers of a class wait.
func (q *queue) waiting(c Class) (n int) {
	for _, l := range q.lines[c] {
		n += len(l.waiters)
	}
	return n
}
