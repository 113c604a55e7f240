package faults_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

const (
	ok      = faults.Succeeded
	fail    = faults.Failed
	unknown = faults.Unknown
)

// did is an operation between two seconds; an unknown one has no end.
func did(op, key string, outcome faults.Outcome, from, to float64, detail ...string) faults.Operation {
	o := faults.Operation{Op: op, Key: key, Outcome: outcome, Invoked: seconds(from), Ended: seconds(to), Detail: faults.Detail{}}
	if outcome == unknown {
		o.Ended = faults.Never
	}
	for i := 0; i < len(detail); i += 2 {
		o.Detail[detail[i]] = detail[i+1]
	}
	return o
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func users(of ...any) faults.State {
	s := faults.State{Users: map[string]faults.UserState{}}
	for i := 0; i < len(of); i += 2 {
		s.Users[of[i].(string)] = of[i+1].(faults.UserState)
	}
	return s
}

func machine(c faults.ClientState) faults.State {
	return faults.State{Clients: map[string]faults.ClientState{"m": c}}
}

var (
	on, off = faults.UserState{Enabled: true}, faults.UserState{}
	nobody  = faults.State{}
)

const (
	held    = "acknowledged writes hold"
	refused = "refused writes have not happened"
	jti     = "a jti succeeds once"
	gone    = "a principal that is disabled or deleted gets nothing"
	removed = "a credential that is removed proves nothing"
	tokens  = "tokens verify"
)

type ops = []faults.Operation

func TestRules(t *testing.T) {
	created := did("user.create", "a", ok, 0, 1, "credential", "old")
	disabled := did("user.patch", "a", ok, 2, 3, "enabled", "false")
	changed := did("user.patch", "a", ok, 2, 3, "credential", "new")
	made := did("client.create", "m", ok, 0, 1, "secret", "s1")
	added := did("secret.add", "m", ok, 1, 2, "secret", "s2", "label", "second")
	dropped := did("secret.delete", "m", ok, 2, 3, "secret", "s1")
	both := faults.ClientState{Enabled: true, Secrets: map[string]bool{"s1": true, "s2": true}, Labels: map[string]bool{"second": true}}
	only2 := faults.ClientState{Enabled: true, Secrets: map[string]bool{"s2": true}, Labels: map[string]bool{"second": true}}
	shown := func(outcome faults.Outcome, at float64, key, id string) faults.Operation {
		return did("token", key, outcome, at, at+0.1, "jti", id)
	}
	for name, tc := range map[string]struct {
		ops   ops
		state faults.State
		want  string // the rule that is broken, "" for none
	}{
		"a create that is there":              {ops{created}, users("a", on), ""},
		"a create that is lost":               {ops{created}, nobody, held},
		"a create disabled":                   {ops{did("user.create", "a", ok, 0, 1, "enabled", "false")}, users("a", off), ""},
		"a create disabled, enabled at last":  {ops{did("user.create", "a", ok, 0, 1, "enabled", "false")}, users("a", on), held},
		"an unknown create that happened":     {ops{did("user.create", "a", unknown, 0, 0)}, users("a", on), ""},
		"an unknown create that did not":      {ops{did("user.create", "a", unknown, 0, 0)}, nobody, ""},
		"a refused create that happened":      {ops{did("user.create", "a", fail, 0, 1)}, users("a", on), refused},
		"a refused create that did not":       {ops{did("user.create", "a", fail, 0, 1)}, nobody, ""},
		"a create refused beside another":     {ops{created, did("user.create", "a", fail, 0, 1)}, users("a", on), ""},
		"unknown, then refused as taken":      {ops{did("user.create", "a", unknown, 0, 0), did("user.create", "a", fail, 1, 2)}, users("a", on), ""},
		"a delete that holds":                 {ops{created, did("user.delete", "a", ok, 2, 3)}, nobody, ""},
		"a delete that is undone":             {ops{created, did("user.delete", "a", ok, 2, 3)}, users("a", on), held},
		"an unknown delete that happened":     {ops{created, did("user.delete", "a", unknown, 2, 0)}, nobody, ""},
		"a refused delete that happened":      {ops{did("user.delete", "a", fail, 2, 3)}, nobody, refused},
		"a refused delete that did not":       {ops{did("user.delete", "a", fail, 2, 3)}, users("a", on), ""},
		"a disable that holds":                {ops{created, disabled}, users("a", off), ""},
		"a disable that is lost":              {ops{created, disabled}, users("a", on), held},
		"a refused disable that happened":     {ops{created, did("user.patch", "a", fail, 2, 3, "enabled", "false")}, users("a", off), refused},
		"disable and enable at once":          {ops{created, disabled, did("user.patch", "a", ok, 2.5, 4, "enabled", "true")}, users("a", off), ""},
		"disable, then enable":                {ops{created, disabled, did("user.patch", "a", ok, 3.5, 4, "enabled", "true")}, users("a", off), held},
		"a user made before, disabled":        {ops{disabled}, users("a", on), held},
		"a user made before, refused":         {ops{did("user.patch", "a", fail, 2, 3, "enabled", "false")}, users("a", off), ""},
		"a password that holds":               {ops{created, changed}, users("a", faults.UserState{Enabled: true, Credential: "new"}), ""},
		"a password that is lost":             {ops{created, changed}, users("a", faults.UserState{Enabled: true, Credential: "old"}), held},
		"a password and none works":           {ops{created, changed}, users("a", faults.UserState{Enabled: true, Credential: "none"}), held},
		"a client that is lost":               {ops{made}, nobody, held},
		"a secret that is there":              {ops{made, added}, machine(both), ""},
		"a secret that is lost":               {ops{made, added}, machine(faults.ClientState{Enabled: true, Secrets: map[string]bool{"s1": true}}), held},
		"a secret of unknown id":              {ops{made, did("secret.add", "m", unknown, 1, 0, "label", "second")}, machine(both), ""},
		"a refused secret that is there":      {ops{made, did("secret.add", "m", fail, 1, 2, "label", "second")}, machine(both), refused},
		"a removal that holds":                {ops{made, added, dropped}, machine(only2), ""},
		"a removal that is lost":              {ops{made, added, dropped}, machine(both), held},
		"a key that is lost":                  {ops{made, did("key.add", "m", ok, 1, 2, "kid", "k")}, machine(both), held},
		"one jti, one success":                {ops{shown(ok, 1, "m", "j"), shown(fail, 2, "m", "j"), shown(unknown, 3, "m", "j")}, nobody, ""},
		"one jti of two clients":              {ops{shown(ok, 1, "m", "j"), shown(ok, 2, "n", "j")}, nobody, ""},
		"one jti, two successes":              {ops{shown(ok, 1, "m", "j"), shown(ok, 1, "m", "j")}, nobody, jti},
		"a login before the disable":          {ops{created, did("login", "a", ok, 1.5, 1.7), disabled}, users("a", off), ""},
		"a login within the bound":            {ops{created, disabled, did("login", "a", ok, 3.9, 9)}, users("a", off), ""},
		"a login after the bound":             {ops{created, disabled, did("login", "a", ok, 4.1, 4.2)}, users("a", off), gone},
		"a refused login after the bound":     {ops{created, disabled, did("login", "a", fail, 4.1, 4.2)}, users("a", off), ""},
		"somebody else's login":               {ops{created, disabled, did("login", "b", ok, 4.1, 4.2)}, users("a", off), ""},
		"a login after an unknown disable":    {ops{created, did("user.patch", "a", unknown, 2, 0, "enabled", "false"), did("login", "a", ok, 9, 10)}, users("a", off), ""},
		"a login after an enable":             {ops{created, disabled, did("user.patch", "a", ok, 4, 5, "enabled", "true"), did("login", "a", ok, 6, 7)}, users("a", on), ""},
		"a login after an unknown enable":     {ops{created, disabled, did("user.patch", "a", unknown, 4, 0, "enabled", "true"), did("login", "a", ok, 6, 7)}, users("a", on), ""},
		"a login after a refused enable":      {ops{created, disabled, did("user.patch", "a", fail, 4, 5, "enabled", "true"), did("login", "a", ok, 6, 7)}, users("a", off), gone},
		"a login before the enable":           {ops{created, disabled, did("login", "a", ok, 5, 6), did("user.patch", "a", ok, 7, 8, "enabled", "true")}, users("a", on), gone},
		"a login after the delete":            {ops{created, did("user.delete", "a", ok, 2, 3), did("login", "a", ok, 5, 6)}, nobody, gone},
		"a token of a disabled client":        {ops{made, did("client.patch", "m", ok, 2, 3, "enabled", "false"), did("token", "m", ok, 5, 6)}, machine(faults.ClientState{Secrets: both.Secrets}), gone},
		"the old password":                    {ops{created, changed, did("login", "a", ok, 5, 6, "credential", "old")}, users("a", on), removed},
		"the old password within the bound":   {ops{created, changed, did("login", "a", ok, 3.5, 6, "credential", "old")}, users("a", on), ""},
		"the new password":                    {ops{created, changed, did("login", "a", ok, 5, 6, "credential", "new")}, users("a", on), ""},
		"a password that nobody set":          {ops{created, did("login", "a", ok, 5, 6, "credential", "other")}, users("a", on), removed},
		"one's own change, with the old":      {ops{created, changed, did("user.password", "a", ok, 5, 6, "previous", "old", "credential", "third")}, users("a", on), removed},
		"one's own change, with the new":      {ops{created, changed, did("user.password", "a", ok, 5, 6, "previous", "new", "credential", "third")}, users("a", on), ""},
		"a removed secret":                    {ops{made, added, dropped, did("token", "m", ok, 5, 6, "credential", "s1")}, machine(only2), removed},
		"the other secret":                    {ops{made, added, dropped, did("token", "m", ok, 5, 6, "credential", "s2")}, machine(only2), ""},
		"a secret after an unknown removal":   {ops{made, did("secret.delete", "m", unknown, 2, 3, "secret", "s1"), did("token", "m", ok, 5, 6, "credential", "s1")}, machine(both), ""},
		"a removed key":                       {ops{made, did("key.delete", "m", ok, 2, 3, "kid", "k"), did("token", "m", ok, 5, 6, "kid", "k", "jti", "j")}, machine(both), removed},
		"an operation that no rule speaks of": {ops{did("x", "a", ok, 0, 1)}, nobody, ""},
	} {
		for i := range tc.ops {
			tc.ops[i].ID = uint64(i + 1)
		}
		found := faults.Check(faults.History{Operations: tc.ops, State: tc.state}, faults.Rules())
		expect(t, name, found, tc.want)
	}
}

// expect wants violations of one rule and no other, or none.
func expect(t *testing.T, name string, found []faults.Violation, rule string) {
	t.Helper()
	if rule != "" && len(found) == 0 {
		t.Errorf("%s: nothing found, want %q", name, rule)
	}
	for _, v := range found {
		if v.Rule != rule || v.Text == "" {
			t.Errorf("%s: %v, want %q", name, v, rule)
		}
	}
}

func TestTokensVerify(t *testing.T) {
	h := faults.History{Operations: ops{did("login", "a", ok, 0, 1)}, Tokens: map[uint64]string{0: "good"}}
	expect(t, "no verifier", faults.Check(h, faults.Rules()), tokens)
	h.Verify = func(token string) error {
		if token != "good" {
			return errors.New("bad")
		}
		return nil
	}
	expect(t, "good", faults.Check(h, faults.Rules()), "")
	h.Tokens[0] = "forged"
	found := faults.Check(h, faults.Rules())
	expect(t, "forged", found, tokens)
	if len(found) != 1 || len(found[0].Operations) != 1 || !strings.Contains(found[0].String(), "login a ok") {
		t.Errorf("%v does not name its operation", found)
	}
}

// TestAnotherBound moves the bound.
func TestAnotherBound(t *testing.T) {
	h := faults.History{Bound: 3 * time.Second, State: users("a", off), Operations: ops{
		did("user.patch", "a", ok, 2, 3, "enabled", "false"), did("login", "a", ok, 5, 6),
	}}
	h.Operations[1].ID = 1
	expect(t, "within three seconds", faults.Check(h, faults.Rules()), "")
	h.Bound = 2*time.Second - 1
	expect(t, "after two", faults.Check(h, faults.Rules()), gone)
}
