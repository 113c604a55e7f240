package faults_test

import (
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

const (
	goesOn   = "a session that has ended goes on no more"
	lines    = "a session has one line of refresh tokens"
	bounded  = "a session is refreshed as often as it may be"
	again    = "a used refresh token is good no more"
	sessions = "acknowledged sessions hold"
)

func TestSessionRules(t *testing.T) {
	begun := did("login", "a", ok, 0, 1, "session", "s", "left", "2", "successor", "t0")
	refresh := func(outcome faults.Outcome, from float64, used, successor, left string) faults.Operation {
		o := did("refresh", "s", outcome, from, from+0.1, "used", used)
		if outcome == ok {
			o.Detail["successor"], o.Detail["left"] = successor, left
		} else {
			o.Status = 401
		}
		return o
	}
	first, second := refresh(ok, 2, "t0", "t1", "1"), refresh(ok, 3, "t1", "t2", "0")
	at := func(left int) faults.State {
		return faults.State{Sessions: map[string]int{"s": left}, Grace: 10 * time.Second}
	}
	over := faults.State{Sessions: map[string]int{}}
	for name, tc := range map[string]struct {
		ops   ops
		state faults.State
		want  string
	}{
		"nobody asked":                          {ops{begun, first, second}, nobody, ""},
		"a login that holds":                    {ops{begun}, at(2), ""},
		"a login that is lost":                  {ops{begun}, over, sessions},
		"a login without a session":             {ops{did("login", "a", ok, 0, 1)}, over, ""},
		"refreshes that hold":                   {ops{begun, first, second}, at(0), ""},
		"a refresh that is forgotten":           {ops{begun, first, second}, at(1), sessions},
		"a refresh that was not":                {ops{begun, first}, at(0), sessions},
		"a lost answer, counted":                {ops{begun, first, refresh(unknown, 3, "t1", "", "")}, at(0), ""},
		"a lost answer, not counted":            {ops{begun, first, refresh(unknown, 3, "t1", "", "")}, at(1), ""},
		"a refusal may be the end":              {ops{begun, first, refresh(fail, 30, "t0", "", "")}, over, ""},
		"a refusal need not be":                 {ops{begun, first, second, refresh(fail, 4, "t2", "", "")}, at(0), ""},
		"the same answer again":                 {ops{begun, first, refresh(ok, 2.5, "t0", "t1", "1")}, at(1), ""},
		"another answer":                        {ops{begun, first, refresh(ok, 2.5, "t0", "other", "1")}, at(1), lines},
		"the same answer within the grace":      {ops{begun, first, refresh(ok, 13, "t0", "t1", "1")}, at(1), ""},
		"the same answer after the grace":       {ops{begun, first, refresh(ok, 13.2, "t0", "t1", "1")}, at(1), again},
		"one refresh too many":                  {ops{begun, first, second, refresh(ok, 4, "t2", "t3", "0")}, at(0), bounded},
		"none fewer are left":                   {ops{begun, refresh(ok, 2, "t0", "t1", "2")}, nobody, bounded},
		"it does not say how many are left":     {ops{begun, refresh(ok, 2, "t0", "t1", "")}, nobody, bounded},
		"a logout that holds":                   {ops{begun, did("logout", "s", ok, 2, 3)}, over, ""},
		"a logout that is lost":                 {ops{begun, did("logout", "s", ok, 2, 3)}, at(2), sessions},
		"a logout without an answer":            {ops{begun, did("logout", "s", unknown, 2, 0)}, over, ""},
		"a logout without effect":               {ops{begun, did("logout", "s", unknown, 2, 0)}, at(2), ""},
		"a refused logout":                      {ops{begun, did("logout", "s", fail, 2, 3)}, over, sessions},
		"refreshed after the logout":            {ops{begun, did("logout", "s", ok, 1, 1.5), first}, nobody, goesOn},
		"refreshed while it is logged out":      {ops{begun, did("logout", "s", ok, 1, 2.5), first}, over, ""},
		"refreshed after a logout, perhaps":     {ops{begun, did("logout", "s", unknown, 1, 0), first}, at(1), ""},
		"refreshed before the logout":           {ops{begun, first, did("logout", "s", ok, 3, 4)}, over, ""},
		"refreshed after another's logout":      {ops{begun, did("logout", "r", ok, 1, 1.5), first}, at(1), ""},
		"refreshed after its end":               {ops{begun, did("session.end", "s", ok, 1, 1.5), first}, nobody, goesOn},
		"refreshed after the end of a's":        {ops{begun, did("user.session.end", "a", ok, 1, 1.5), first}, nobody, goesOn},
		"refreshed after the end of b's":        {ops{begun, did("user.session.end", "b", ok, 1, 1.5), first}, at(1), ""},
		"refreshed after the end of all":        {ops{begun, did("session.end.all", "*", ok, 1, 1.5), first}, nobody, goesOn},
		"refreshed after a new password":        {ops{begun, did("user.password", "a", ok, 1, 1.5), first}, nobody, goesOn},
		"refreshed after a password was set":    {ops{begun, did("user.patch", "a", ok, 1, 1.5, "credential", "new"), first}, nobody, goesOn},
		"refreshed after the user was disabled": {ops{begun, did("user.patch", "a", ok, 1, 1.5, "enabled", "false"), first}, nobody, goesOn},
		"refreshed after the user was enabled":  {ops{begun, did("user.patch", "a", ok, 1, 1.5, "enabled", "true"), first}, at(1), ""},
		"refreshed after the user was deleted":  {ops{begun, did("user.delete", "a", ok, 1, 1.5), first}, nobody, goesOn},
		"ended while it began":                  {ops{begun, did("user.session.end", "a", ok, 0.5, 1.5), first}, at(1), ""},
		"ended before it began":                 {ops{did("login", "a", ok, 2, 3, "session", "s", "left", "2", "successor", "t0"), did("user.session.end", "a", ok, 0, 1)}, over, sessions},
	} {
		for i := range tc.ops {
			tc.ops[i].ID = uint64(i + 1)
		}
		found := faults.Check(faults.History{Operations: tc.ops, State: tc.state}, faults.Rules())
		// What users and passwords there are is for TestRules.
		var ofSessions []faults.Violation
		for _, v := range found {
			switch v.Rule {
			case goesOn, lines, bounded, again, sessions:
				ofSessions = append(ofSessions, v)
			}
		}
		expect(t, name, ofSessions, tc.want)
	}
}
