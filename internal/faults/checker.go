package faults

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Bound is how long after an acknowledged disable or removal it must hold on every node.
const Bound = time.Second

// History is all that is known of a run.
type History struct {
	Operations []Operation
	State      State
	// Bound is as the constant; zero means that.
	Bound time.Duration
	// Tokens are those that were issued, by the operation's id.
	Tokens map[uint64]string
	// Verify reports why a token is not good at the end. It must be there where Tokens are.
	Verify func(token string) error
}

// Rule is a promise of the service.
type Rule struct {
	Name string
	// Check returns what in the history breaks the promise.
	Check func(History) []Violation
}

// Violation is a promise that was not kept.
type Violation struct {
	Rule, Text string
	Operations []Operation
}

// String tells the violation, an operation a line.
func (v Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", v.Rule, v.Text)
	for _, o := range v.Operations {
		fmt.Fprintf(&b, "\n    %s", o)
	}
	return b.String()
}

// Rules are the promises that every run is held to.
func Rules() []Rule {
	return []Rule{
		{"acknowledged writes hold", acknowledgedHold},
		{"refused writes have not happened", refusedDidNotHappen},
		{"a jti succeeds once", jtiOnce},
		{"a principal that is disabled or deleted gets nothing", gone(func(r register) bool { return !r.credential() })},
		{"a credential that is removed proves nothing", gone(register.credential)},
		{"tokens verify", tokensVerify},
		{"a session that has ended goes on no more", each(endedGoOn)},
		{"a session has one line of refresh tokens", each(oneLine)},
		{"a session is refreshed as often as it may be", each(boundedRefreshes)},
		{"a used refresh token is good no more", each(usedAgain)},
		{"acknowledged sessions hold", each(sessionsHold)},
	}
}

// Check holds a history to rules.
func Check(h History, rules []Rule) []Violation {
	if h.Bound == 0 {
		h.Bound = Bound
	}
	var found []Violation
	for _, rule := range rules {
		for _, v := range rule.Check(h) {
			v.Rule = rule.Name
			found = append(found, v)
		}
	}
	return found
}

// Judge holds a ledger to Rules, given what the service says at the end and the clients
// that were issued tokens. They must verify with the keys that the first client reads from
// the service now. It returns the operations of the ledger too.
func Judge(ctx context.Context, ledger *Ledger, state State, clients ...*Client) ([]Operation, []Violation, error) {
	operations, err := Read(ledger.Path())
	if err != nil {
		return nil, nil, err
	}
	h := History{Operations: operations, State: state, Tokens: map[uint64]string{}}
	for i, c := range clients {
		c.collect(h.Tokens)
		if i == 0 {
			if h.Verify, err = c.Verifier(ctx); err != nil {
				return nil, nil, err
			}
		}
	}
	return operations, Check(h, Rules()), nil
}

// Expect fails the test for what Judge finds.
func Expect(t testing.TB, ledger *Ledger, state State, clients ...*Client) {
	t.Helper()
	_, violations, err := Judge(t.Context(), ledger, state, clients...)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		t.Error(v)
	}
}
