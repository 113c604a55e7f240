package faults

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// written is an operation and one value that it writes.
type written struct {
	Operation
	value string
}

// writes are all that each register was asked to hold, in the order of asking.
func writes(h History) map[register][]written {
	found := map[register][]written{}
	for _, o := range h.Operations {
		for _, e := range o.effects() {
			found[e.register] = append(found[e.register], written{o, e.value})
		}
	}
	for _, list := range found {
		slices.SortStableFunc(list, func(a, b written) int { return cmp.Compare(a.Invoked, b.Invoked) })
	}
	return found
}

// sorted are the registers in an order that does not change.
func sorted(all map[register][]written) []register {
	return slices.SortedFunc(maps.Keys(all), func(a, b register) int { return cmp.Compare(a.String(), b.String()) })
}

// initial is the value of a register before the first write, "" where nobody can tell.
// Something that the ledger saw made was not there, something that it only saw removed
// was.
func initial(r register, list []written) string {
	if !r.binary() {
		return ""
	}
	for _, w := range list {
		if w.value == yes {
			return no
		}
	}
	return yes
}

// possible reports whether the register may hold the value at the end: a write that may
// have happened wrote it, and no acknowledged one that began after its end wrote over it.
// An unknown write has no end; nothing is after it.
func possible(r register, list []written, value string) bool {
	overwritten := func(ended written) bool {
		return slices.ContainsFunc(list, func(w written) bool { return w.Outcome == Succeeded && w.Invoked > ended.Ended })
	}
	for _, w := range list {
		if w.value == value && w.Outcome != Failed && !overwritten(w) {
			return true
		}
	}
	if slices.ContainsFunc(list, func(w written) bool { return w.Outcome == Succeeded }) {
		return false
	}
	before := initial(r, list)
	return before == "" || before == value
}

// acknowledgedHold finds registers whose value contradicts what was acknowledged.
func acknowledgedHold(h History) []Violation {
	var found []Violation
	all := writes(h)
	for _, r := range sorted(all) {
		list := all[r]
		value, told := h.State.value(r)
		acknowledged := slices.DeleteFunc(slices.Clone(list), func(w written) bool { return w.Outcome != Succeeded })
		if !told || len(acknowledged) == 0 || possible(r, list, value) || len(onlyRefused(r, list, value)) > 0 {
			continue
		}
		last := slices.MaxFunc(acknowledged, func(a, b written) int { return cmp.Compare(a.Invoked, b.Invoked) })
		found = append(found, Violation{
			Text:       fmt.Sprintf("%s: at the end it is %q, and %q was acknowledged last", r, value, last.value),
			Operations: []Operation{last.Operation},
		})
	}
	return found
}

// refusedDidNotHappen finds registers whose value only refused operations wrote.
func refusedDidNotHappen(h History) []Violation {
	var found []Violation
	all := writes(h)
	for _, r := range sorted(all) {
		value, told := h.State.value(r)
		if !told {
			continue
		}
		v := Violation{Text: fmt.Sprintf("%s: at the end it is %q, which every request for it was refused", r, value)}
		for _, w := range onlyRefused(r, all[r], value) {
			v.Operations = append(v.Operations, w.Operation)
		}
		if len(v.Operations) > 0 {
			found = append(found, v)
		}
	}
	return found
}

// onlyRefused are the refused writes of a value that cannot come from anything else.
func onlyRefused(r register, list []written, value string) []written {
	var of []written
	for _, w := range list {
		if w.value == value {
			of = append(of, w)
		}
	}
	if slices.ContainsFunc(of, func(w written) bool { return w.Outcome != Failed }) || possible(r, list, value) {
		return nil
	}
	return of
}

// jtiOnce finds assertions that succeeded more than once.
func jtiOnce(h History) []Violation {
	type assertion struct{ client, jti string }
	successes := map[assertion][]Operation{}
	for _, o := range h.Operations {
		if jti := o.Detail[DetailJTI]; jti != "" && o.Outcome == Succeeded {
			successes[assertion{o.Key, jti}] = append(successes[assertion{o.Key, jti}], o)
		}
	}
	var found []Violation
	for a, operations := range successes {
		if len(operations) > 1 {
			found = append(found, Violation{
				Text:       fmt.Sprintf("client %s: jti %s succeeded %d times", a.client, a.jti, len(operations)),
				Operations: operations,
			})
		}
	}
	slices.SortFunc(found, func(a, b Violation) int { return cmp.Compare(a.Text, b.Text) })
	return found
}

// gone finds successes that needed a value which had been written over: acknowledged, at
// least the bound before the request began, and with no write since that may have
// brought it back.
func gone(about func(register) bool) func(History) []Violation {
	return func(h History) []Violation {
		var found []Violation
		all := writes(h)
		for _, o := range h.Operations {
			if o.Outcome != Succeeded {
				continue
			}
			for _, need := range o.needs() {
				if !about(need.register) {
					continue
				}
				if by, lost := lostBefore(all[need.register], need.value, o, h.Bound); lost {
					found = append(found, Violation{
						Text:       fmt.Sprintf("%s: %s succeeded %v after it was acknowledged to be %q", need.register, o.Op, o.Invoked-by.Ended, by.value),
						Operations: []Operation{by.Operation, o},
					})
				}
			}
		}
		return found
	}
}

// lostBefore finds the acknowledged write after which a register could not have the value
// any more when o began.
func lostBefore(list []written, value string, o Operation, bound time.Duration) (written, bool) {
	for _, by := range slices.Backward(list) {
		if by.value == value || by.Outcome != Succeeded || by.ID == o.ID || o.Invoked <= by.Ended+bound {
			continue
		}
		broughtBack := slices.ContainsFunc(list, func(w written) bool {
			return w.value == value && w.Outcome != Failed && w.Ended > by.Invoked && w.Invoked < o.Ended
		})
		if !broughtBack {
			return by, true
		}
	}
	return written{}, false
}

// tokensVerify finds tokens that are not good at the end.
func tokensVerify(h History) []Violation {
	if len(h.Tokens) > 0 && h.Verify == nil {
		return []Violation{{Text: fmt.Sprintf("%d tokens, and nothing to verify them with", len(h.Tokens))}}
	}
	var found []Violation
	for _, id := range slices.Sorted(maps.Keys(h.Tokens)) {
		if err := h.Verify(h.Tokens[id]); err != nil {
			found = append(found, Violation{
				Text:       fmt.Sprintf("the token of operation %d: %v", id, err),
				Operations: slices.DeleteFunc(slices.Clone(h.Operations), func(o Operation) bool { return o.ID != id }),
			})
		}
	}
	return found
}
