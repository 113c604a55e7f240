package web_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

func parse(t *testing.T, body string) *web.Object {
	t.Helper()
	o, err := web.ParseObject([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func fields(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*identity.Error](err)
	if !ok || e.Kind != identity.InvalidRequest {
		t.Fatalf("got %v", err)
	}
	var list []string
	for _, f := range e.Fields {
		if f.Message == "" {
			t.Errorf("%v has no message", f.Loc)
		}
		list = append(list, strings.Join(f.Loc, ".")+" "+string(f.Type))
	}
	return list
}

// Every way to ask for a member, against every kind of value.
func TestObjectNeverCoerces(t *testing.T) {
	type result struct {
		value   string
		present bool
	}
	asks := map[string]func(o *web.Object) result{
		"String":         func(o *web.Object) result { v := o.String("m"); return result{v, v != ""} },
		"OptionalString": func(o *web.Object) result { v, ok := o.OptionalString("m"); return result{v, ok} },
		"Secret":         func(o *web.Object) result { v := o.Secret("m"); return result{v.Reveal(), !v.Empty()} },
		"OptionalSecret": func(o *web.Object) result { v, ok := o.OptionalSecret("m"); return result{v.Reveal(), ok} },
		"OptionalInt": func(o *web.Object) result {
			v, ok := o.OptionalInt("m")
			return result{strings.TrimPrefix(fmt.Sprint(v), "0"), ok}
		},
		"OptionalBool": func(o *web.Object) result {
			v, ok := o.OptionalBool("m")
			return result{map[bool]string{true: "true"}[v], ok}
		},
		"OptionalStrings": func(o *web.Object) result { v, ok := o.OptionalStrings("m"); return result{strings.Join(v, ","), ok} },
	}
	const (
		isString  = "String OptionalString Secret OptionalSecret"
		isInt     = "OptionalInt"
		isBool    = "OptionalBool"
		isStrings = "OptionalStrings"
	)
	for _, tc := range []struct {
		json, good, value string
		bad               string // the type of the error for the others
	}{
		{`"text"`, isString, "text", "wrong_type"},
		{`"1"`, isString, "1", "wrong_type"},
		{`"true"`, isString, "true", "wrong_type"},
		{`"\u00e9\n\ud83d\ude00"`, isString, "é\n😀", "wrong_type"},
		{`5`, isInt, "5", "wrong_type"},
		{`-5`, isInt, "-5", "wrong_type"},
		{`0`, isInt, "", "wrong_type"},
		{`-0`, isInt, "", "wrong_type"},
		{`9223372036854775807`, isInt, "9223372036854775807", "wrong_type"},
		{`-9223372036854775808`, isInt, "-9223372036854775808", "wrong_type"},
		{`1.0`, "", "", "wrong_type"},
		{`1e2`, "", "", "wrong_type"},
		{`1E2`, "", "", "wrong_type"},
		{`1.5`, "", "", "wrong_type"},
		{`1e400`, "", "", "wrong_type"},
		{`true`, isBool, "true", "wrong_type"},
		{`false`, isBool, "", "wrong_type"},
		{`null`, "", "", "wrong_type"},
		{`{}`, "", "", "wrong_type"},
		{`{"a":"b"}`, "", "", "wrong_type"},
		{`[]`, isStrings, "", "wrong_type"},
		{`["a"]`, isStrings, "a", "wrong_type"},
		{`[ "a" , "\u0062\"" ]`, isStrings, `a,b"`, "wrong_type"},
		{`["a",1]`, "", "", "wrong_type"},
		{`[1]`, "", "", "wrong_type"},
		{`[null]`, "", "", "wrong_type"},
		{`["a",null]`, "", "", "wrong_type"},
		{`[["a"]]`, "", "", "wrong_type"},
		{`["a",{}]`, "", "", "wrong_type"},
	} {
		for name, ask := range asks {
			o := parse(t, `{"before":{"m":1},"m":`+tc.json+`,"after":["m"]}`)
			got := ask(o)
			_, _ = o.Has("before"), o.Has("after")
			var wantFields []string
			want := result{tc.value, true}
			if !strings.Contains(" "+tc.good+" ", " "+name+" ") {
				want, wantFields = result{}, []string{"body.m " + tc.bad}
			}
			if diff := cmp.Diff(wantFields, fields(t, o.Err())); diff != "" || got != want {
				t.Errorf("%s of %s: got %v, want %v; fields (-want +got):\n%s", name, tc.json, got, want, diff)
			}
		}
	}
}

func TestObjectIntBeyond64Bits(t *testing.T) {
	for _, n := range []string{"9223372036854775808", "-9223372036854775809", strings.Repeat("9", 400)} {
		o := parse(t, `{"m":`+n+`}`)
		if v, ok := o.OptionalInt("m"); v != 0 || ok {
			t.Errorf("%s: %d", n, v)
		}
		if diff := cmp.Diff([]string{"body.m invalid_value"}, fields(t, o.Err())); diff != "" {
			t.Errorf("%s:\n%s", n, diff)
		}
	}
}

func TestObjectAbsentMembers(t *testing.T) {
	o := parse(t, `{}`)
	_, s := o.OptionalString("a")
	_, x := o.OptionalSecret("b")
	_, i := o.OptionalInt("c")
	_, b := o.OptionalBool("d")
	l, ls := o.OptionalStrings("e")
	if s || x || i || b || ls || l != nil || o.Has("f") {
		t.Error("an absent member is there")
	}
	if err := o.Err(); err != nil {
		t.Error(err)
	}
	if v := o.String("g"); v != "" {
		t.Error(v)
	}
	if v := o.Secret("h"); !v.Empty() {
		t.Error("secret")
	}
	if diff := cmp.Diff([]string{"body.g missing", "body.h missing"}, fields(t, o.Err())); diff != "" {
		t.Error(diff)
	}
}

func TestObjectEmptyValuesAreThere(t *testing.T) {
	o := parse(t, `{"s":"","l":[]}`)
	if v, ok := o.OptionalString("s"); v != "" || !ok {
		t.Error("empty string")
	}
	if v := o.String("s"); v != "" {
		t.Error("empty string")
	}
	if v, ok := o.OptionalStrings("l"); v == nil || len(v) != 0 || !ok {
		t.Error("empty list")
	}
	if err := o.Err(); err != nil {
		t.Error(err)
	}
}

func TestObjectReportsAllTogether(t *testing.T) {
	long := strings.Repeat("x", 65)
	o := parse(t, `{"z":1,"Username":"a","password":7,"audience":"`+canary+`","":1,"`+long+`":1,"<script>":1,"é":1,"line\nfeed":1,"a":1}`)
	o.String("username")
	o.Secret("password")
	o.OptionalString("audience")
	o.Invalid("audience", "must have %d characters", 3)
	o.Merge(nil)
	o.Merge(identity.InvalidField("audience", "known already"))
	o.Merge(fmt.Errorf("checking: %w", identity.InvalidField("password", "known already")))
	o.Merge(identity.InvalidField("scope", "is new"))
	want := []string{
		"body.username missing", "body.password wrong_type", "body.audience invalid_value", "body.scope invalid_value",
		"body.z unknown", "body.Username unknown", "body.(not shown) unknown", "body.(not shown) unknown",
		"body.(not shown) unknown", "body.(not shown) unknown", "body.(not shown) unknown", "body.a unknown",
	}
	for range 2 { // asking again changes nothing
		if diff := cmp.Diff(want, fields(t, o.Err())); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if text := o.Err().Error(); strings.Contains(text, canary) || !strings.Contains(text, "must have 3 characters") {
		t.Error(text)
	}
}

func TestObjectMergeKeepsOtherErrors(t *testing.T) {
	for _, other := range []error{
		errors.New("broken"), identity.Errorf(identity.Conflict, "taken"), identity.Errorf(identity.InvalidRequest, "no fields"),
	} {
		o := parse(t, `{"unknown":1}`)
		o.Merge(other)
		o.Merge(nil)
		o.Merge(errors.New("a later one"))
		if err := o.Err(); !errors.Is(err, other) {
			t.Errorf("got %v, want %v", err, other)
		}
	}
}
