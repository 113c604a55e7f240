// Package ratelimit bounds how often a source may fail. The decision is a pure function,
// GCRA (the generic cell rate algorithm of ITU-T I.371): a source has one number, the
// time at which all that it has used is replenished, and nothing has to run for it to be.
//
// A Limiter keeps that number for each source of this process, an IPv4 address or a /64
// of IPv6. What is counted is failures: an attempt holds a unit before the work begins,
// so that parallel attempts cannot have more than there are, and gives it back if it
// succeeds. Who only succeeds is never refused; at most they wait for those of their own
// source that are on their way. Memory is bounded: what is replenished is forgotten, and
// beyond the cap whatever is nearest to it.
package ratelimit

import "time"

// Policy allows Burst units at once, and one more each Interval.
type Policy struct {
	Burst    int
	Interval time.Duration
}

// Window is how long a source that has used everything waits for all of it.
func (p Policy) Window() time.Duration { return time.Duration(p.Burst) * p.Interval }

// State is what a policy says of a source at some moment.
type State struct {
	// Remaining units can be used now.
	Remaining int
	// Reset is when all of them can be used again, RetryAfter when one can; both from now.
	Reset, RetryAfter time.Duration
}

// Look says what can be used now. full is the time at which everything is replenished
// that the source has used so far; zero if that is nothing.
func (p Policy) Look(full, now time.Time) State {
	// A clock that steps back makes nobody wait longer than for everything.
	debt := min(max(full.Sub(now), 0), p.Window())
	s := State{Reset: debt, Remaining: int((p.Window() - debt) / p.Interval)}
	if s.Remaining == 0 {
		s.RetryAfter = debt - p.Window() + p.Interval
	}
	return s
}

// Take uses one unit, and returns the time at which everything is replenished then. It
// takes it also where Look has none left.
func (p Policy) Take(full, now time.Time) time.Time {
	return now.Add(p.Look(full, now).Reset + p.Interval)
}
