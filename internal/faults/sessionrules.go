package faults

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// family is all that a ledger tells of one session whose login was acknowledged.
type family struct {
	id        string
	login     Operation
	refreshes []Operation
	// ends are the operations that end it, if they happen.
	ends []Operation
}

// families are the sessions of a history that can be refreshed, in the order of their
// logins.
func families(h History) []*family {
	var list []*family
	byID, byUser := map[string]*family{}, map[string][]*family{}
	for _, o := range h.Operations {
		if id := o.Detail[DetailSession]; o.Op == OpLogin && o.Outcome == Succeeded && o.Detail[DetailSuccessor] != "" {
			f := &family{id: id, login: o}
			list, byID[id], byUser[o.Key] = append(list, f), f, append(byUser[o.Key], f)
		}
	}
	for _, o := range h.Operations {
		var ended []*family
		switch o.Op {
		case OpRefresh:
			if f := byID[o.Key]; f != nil {
				f.refreshes = append(f.refreshes, o)
			}
		case OpLogout, OpSessionEnd:
			if f := byID[o.Key]; f != nil {
				ended = []*family{f}
			}
		case OpAllSessionsEnd:
			ended = list
		case OpUserPassword, OpUserDelete, OpUserSessionEnd:
			ended = byUser[o.Key]
		case OpUserPatch:
			if o.Detail[DetailEnabled] == no || o.Detail[DetailCredential] != "" {
				ended = byUser[o.Key]
			}
		}
		for _, f := range ended {
			f.ends = append(f.ends, o)
		}
	}
	return list
}

// succeeded are the refreshes that were acknowledged, by the token that was used.
func (f *family) succeeded() map[string][]Operation {
	by := map[string][]Operation{}
	for _, o := range f.refreshes {
		if o.Outcome == Succeeded {
			by[o.Detail[DetailUsed]] = append(by[o.Detail[DetailUsed]], o)
		}
	}
	return by
}

// each makes a rule of what is found in one session.
func each(check func(History, *family) []Violation) func(History) []Violation {
	return func(h History) []Violation {
		var found []Violation
		for _, f := range families(h) {
			found = append(found, check(h, f)...)
		}
		return found
	}
}

// endedGoOn finds refreshes that began after it was acknowledged that their session had
// ended. There is no bound to wait for: the database decides.
func endedGoOn(_ History, f *family) (found []Violation) {
	for _, end := range f.ends {
		if end.Outcome != Succeeded || end.Invoked < f.login.Ended {
			continue // what began before the login was answered may have come before it
		}
		for _, o := range f.refreshes {
			if o.Outcome == Succeeded && o.Invoked > end.Ended {
				found = append(found, Violation{
					Text:       fmt.Sprintf("session %s: refreshed %v after %s was acknowledged", f.id, o.Invoked-end.Ended, end.Op),
					Operations: []Operation{end, o},
				})
			}
		}
	}
	return found
}

// oneLine finds refresh tokens that have more than one successor.
func oneLine(_ History, f *family) (found []Violation) {
	for _, list := range sortedUses(f) {
		successors := map[string]bool{}
		for _, o := range list {
			successors[o.Detail[DetailSuccessor]] = true
		}
		if len(successors) > 1 {
			found = append(found, Violation{Text: fmt.Sprintf("session %s: a token has %d successors", f.id, len(successors)), Operations: list})
		}
	}
	return found
}

// boundedRefreshes finds sessions of which more tokens were used than the login said, and
// refreshes after which no fewer were left.
func boundedRefreshes(_ History, f *family) (found []Violation) {
	maximum := left(f.login)
	if n := len(f.succeeded()); n > maximum {
		found = append(found, Violation{Text: fmt.Sprintf("session %s: refreshed %d times, of at most %d", f.id, n, maximum), Operations: []Operation{f.login}})
	}
	for _, o := range f.refreshes {
		if o.Outcome == Succeeded && (left(o) < 0 || left(o) >= maximum) {
			found = append(found, Violation{Text: fmt.Sprintf("session %s: %d refreshes are left of %d", f.id, left(o), maximum), Operations: []Operation{f.login, o}})
		}
	}
	return found
}

// usedAgain finds tokens that were taken a second time when the grace had passed. Nodes
// tell the time by the database's clock, as well as they can: hence the bound.
func usedAgain(h History, f *family) (found []Violation) {
	for _, list := range sortedUses(f) {
		first := slices.MinFunc(list, func(a, b Operation) int { return cmp.Compare(a.Ended, b.Ended) })
		for _, o := range list {
			if o.Invoked > first.Ended+h.State.Grace+h.Bound {
				found = append(found, Violation{
					Text:       fmt.Sprintf("session %s: a token was taken again after %v", f.id, o.Invoked-first.Ended),
					Operations: []Operation{first, o},
				})
			}
		}
	}
	return found
}

// sessionsHold finds sessions that are over though nobody ended them, that go on though
// somebody did, and that have forgotten refreshes, or counted some that never were.
func sessionsHold(h History, f *family) []Violation {
	if h.State.Sessions == nil {
		return nil
	}
	fewest, unknown, last, refused := left(f.login), 0, f.login, false
	for _, o := range f.refreshes {
		switch {
		case o.Outcome == Succeeded && left(o) < fewest:
			fewest, last = left(o), o
		case o.Outcome == Unknown:
			unknown++
		case o.Status == 401: // it may have ended the session
			refused = true
		}
	}
	now, goesOn := h.State.Sessions[f.id]
	wrong := func(text string, operations ...Operation) []Violation {
		return []Violation{{Text: fmt.Sprintf("session %s %s", f.id, text), Operations: operations}}
	}
	for _, end := range f.ends {
		if end.Outcome == Succeeded && end.Invoked > f.login.Ended && goesOn {
			return wrong("goes on, though its end was acknowledged", end)
		}
	}
	mayBeOver := refused || slices.ContainsFunc(f.ends, func(end Operation) bool { return end.Outcome != Failed && end.Ended > f.login.Invoked })
	switch {
	case !goesOn && !mayBeOver:
		return wrong("is over, and nobody ended it", last)
	case goesOn && (now > fewest || now < fewest-unknown):
		return wrong(fmt.Sprintf("can be refreshed %d times at the end; %d was acknowledged, and %d refreshes had no answer", now, fewest, unknown), last)
	}
	return nil
}

// sortedUses are the acknowledged refreshes of each token, in an order that does not
// change.
func sortedUses(f *family) [][]Operation {
	by := f.succeeded()
	var list [][]Operation
	for _, used := range slices.Sorted(maps.Keys(by)) {
		list = append(list, by[used])
	}
	return list
}

// left is how often a session could be refreshed after a login or refresh; -1 where that
// is not told.
func left(o Operation) int {
	n, err := strconv.Atoi(o.Detail[DetailLeft])
	if err != nil {
		return -1
	}
	return n
}
