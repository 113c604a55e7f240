package identitytest_test

import (
	"slices"
	"time"
)

// What follows is how the contract has sessions behave, said once more, without looking
// at the service: one request after another, each at a moment.

// family is a session in the model.
type family struct {
	id string
	of *person
	// tokens are its refresh tokens by how often it had been refreshed; the last is the one
	// that is good. access is the last access token.
	tokens  []string
	access  string
	maximum int
	// rotated is when it was last refreshed.
	rotated, expires time.Time
	// ended is when somebody ended it, and disowned when all sessions were.
	ended, disowned bool
	// reuses is how often the audit says that it was reused.
	reuses int
}

// person is a user in the model.
type person struct {
	id, name, password string
	enabled, allowed   bool // to log in, and to have the audience
	// from is when their state began: each has a millisecond of its own. Access tokens know
	// the second only, and those of an earlier one do not count.
	from time.Time
}

// begin has a state of the person begin.
func (p *person) begin(now time.Time) {
	if least := p.from.Add(time.Millisecond); now.Before(least) {
		now = least
	}
	p.from = now
}

func (f *family) refreshes() int { return len(f.tokens) - 1 }

func (f *family) over(now time.Time) bool { return f.ended || f.disowned || !now.Before(f.expires) }

func (f *family) end(now time.Time) {
	f.ended = f.ended || !f.over(now)
}

// rules are what the model goes by at a moment.
type rules struct {
	now   time.Time
	grace time.Duration
}

// outcome is what a request leads to. The zero outcome is a refusal.
type outcome struct {
	// good is the refresh token of the answer; the model says unseen where nobody has
	// seen it yet.
	good string
	left int
}

const unseen = "the next one"

// refresh is the use of the token that the session had after so many refreshes.
func (f *family) refresh(r rules, refreshes int) outcome {
	if f.over(r.now) {
		return outcome{}
	}
	switch newest := f.refreshes(); {
	case refreshes == newest && newest == f.maximum:
		return outcome{}
	case refreshes == newest && !f.of.allowed:
		f.end(r.now)
		return outcome{}
	case refreshes == newest:
		f.tokens, f.rotated = append(f.tokens, unseen), r.now
		return outcome{unseen, f.maximum - newest - 1}
	case refreshes == newest-1 && r.now.Before(f.rotated.Add(r.grace)):
		if !f.of.allowed {
			f.end(r.now)
			return outcome{}
		}
		return outcome{f.tokens[newest], f.maximum - newest}
	}
	f.end(r.now)
	f.reuses++
	return outcome{}
}

// act is something that is done to a session together with others.
type act struct {
	kind      string // refresh, logout, or the name of what ends it otherwise
	family    int    // its number among the sessions
	refreshes int
	node      int
}

// apply has an act happen.
func apply(sessions []*family, r rules, what act) outcome {
	f := sessions[what.family]
	switch what.kind {
	case "refresh":
		return f.refresh(r, what.refreshes)
	case "logout":
		f.end(r.now)
	case "end all of the user":
		for _, other := range sessions {
			if other.of == f.of {
				other.end(r.now)
			}
		}
	}
	return outcome{}
}

// explain looks for an order in which the requests lead to these outcomes, and to a state
// in which so says yes. It returns the sessions as they are then; nil if there is none.
func explain(sessions []*family, r rules, requests []act, got []outcome, so func([]*family) bool) []*family {
	var try func(sessions []*family, left []int) []*family
	try = func(sessions []*family, left []int) []*family {
		if len(left) == 0 {
			if so(sessions) {
				return sessions
			}
			return nil
		}
		for i, next := range left {
			after := make([]*family, len(sessions))
			for n, f := range sessions {
				clone := *f
				clone.tokens = slices.Clone(f.tokens)
				after[n] = &clone
			}
			if !after[requests[next].family].sees(apply(after, r, requests[next]), got[next]) {
				continue
			}
			if found := try(after, slices.Delete(slices.Clone(left), i, i+1)); found != nil {
				return found
			}
		}
		return nil
	}
	all := make([]int, len(requests))
	for i := range all {
		all[i] = i
	}
	return try(sessions, all)
}

// sees compares what the model says with what came, and takes in a token that is new.
func (f *family) sees(want, got outcome) bool {
	if want.good == unseen && got.good != "" && !slices.Contains(f.tokens, got.good) {
		f.tokens[len(f.tokens)-1] = got.good
		want.good = got.good
	}
	return got == want
}
