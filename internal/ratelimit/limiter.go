package ratelimit

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

const (
	// most is how many sources are remembered: some 10 MB.
	most = 100_000
	// sampled is how many sources are looked at, in no order, for the one to forget.
	sampled = 16
	// patience is how long an attempt waits for others of its source.
	patience = 5 * time.Second
)

// Limiter counts the failures of sources. Its methods are safe for concurrent use.
type Limiter struct {
	policy Policy
	now    func() time.Time
	most   int

	mu      sync.Mutex
	sources map[netip.Prefix]*source
}

// source is what is known of one.
type source struct {
	full time.Time // see Policy.Look
	// held is how many attempts have begun and not ended.
	held int
	// ended is closed when one of them ends; nil while nobody waits for that.
	ended chan struct{}
}

// New makes a Limiter. A policy without a burst never refuses.
func New(policy Policy, now func() time.Time) *Limiter {
	return &Limiter{policy: policy, now: now, most: most, sources: map[netip.Prefix]*source{}}
}

// Policy returns the policy.
func (l *Limiter) Policy() Policy { return l.policy }

// Off reports whether it never refuses.
func (l *Limiter) Off() bool { return l.policy.Burst == 0 }

// Hold is a unit that an attempt holds until it ends.
type Hold struct {
	limiter *Limiter
	of      netip.Prefix
	once    sync.Once
}

// Take gives an attempt of the source a unit, or reports that there is none. Where there
// would be one if those that are on their way succeed, it waits for them, as long as ctx
// and a few seconds last.
func (l *Limiter) Take(ctx context.Context, of netip.Prefix) (*Hold, State, bool) {
	if l.Off() {
		return &Hold{}, State{}, true
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		state, ended, ok := l.try(of)
		if ok {
			return &Hold{limiter: l, of: of}, state, true
		}
		if ended == nil {
			return nil, state, false
		}
		select {
		case <-ended:
		case <-ctx.Done():
			state.RetryAfter = max(state.RetryAfter, time.Second)
			return nil, state, false
		}
	}
}

// try gives a unit if there is one. If there may be one soon, ended says when to try again.
func (l *Limiter) try(of netip.Prefix) (state State, ended <-chan struct{}, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sources[of]
	if s == nil {
		s = &source{}
	}
	state = l.policy.Look(s.full, l.now())
	switch {
	case s.held < state.Remaining:
		s.held++
		l.keep(of, s)
		return state, nil, true
	case state.Remaining == 0:
		return state, nil, false
	}
	if s.ended == nil {
		s.ended = make(chan struct{})
	}
	return state, s.ended, false
}

// keep remembers a source, and for it forgets another if there are too many: one that is
// replenished, or else is nearest to it of those looked at.
func (l *Limiter) keep(of netip.Prefix, s *source) {
	if _, known := l.sources[of]; !known && len(l.sources) >= l.most {
		var nearest netip.Prefix
		var found *source
		looked := 0
		for at, other := range l.sources {
			if other.held == 0 && (found == nil || other.full.Before(found.full)) {
				nearest, found = at, other
			}
			if looked++; looked >= sampled && found != nil {
				break
			}
		}
		if found != nil {
			delete(l.sources, nearest)
		}
	}
	l.sources[of] = s
}

// End ends the attempt, once: the unit is used up by one that failed, and given back by
// any other. It returns what the source has then.
func (h *Hold) End(failed bool) State {
	l := h.limiter
	if l == nil {
		return State{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now, s := l.now(), l.sources[h.of]
	if s == nil {
		return l.policy.Look(time.Time{}, now)
	}
	h.once.Do(func() {
		s.held--
		if failed {
			s.full = l.policy.Take(s.full, now)
		}
		if s.ended != nil {
			close(s.ended)
			s.ended = nil
		}
	})
	if s.held == 0 && !s.full.After(now) {
		delete(l.sources, h.of)
	}
	return l.policy.Look(s.full, now)
}

// Look returns what a source has now.
func (l *Limiter) Look(of netip.Prefix) State {
	l.mu.Lock()
	defer l.mu.Unlock()
	full := time.Time{}
	if s := l.sources[of]; s != nil {
		full = s.full
	}
	return l.policy.Look(full, l.now())
}

// Prune forgets the sources that are replenished.
func (l *Limiter) Prune() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for of, s := range l.sources {
		if s.held == 0 && !s.full.After(now) {
			delete(l.sources, of)
		}
	}
}
