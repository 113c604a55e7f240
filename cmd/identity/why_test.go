package main

import (
	"testing"

	"github.com/seed-60f9e3ad/identity"
)

// Each check that can refuse a request is explained.
func TestAdvice(t *testing.T) {
	for _, check := range identity.Checks() {
		if a := adviceOn[check]; a.says == "" || a.do == "" {
			t.Errorf("nothing is said of %s", check)
		}
	}
}

// What a fact is called stands for it, and nothing is left of one that there is none of.
func TestFilled(t *testing.T) {
	facts := map[string]any{"actual": "a", "ahead": 94.0, "allowed": []any{"b", "c"}, "held": []any{}}
	if got, want := filled("{actual} {ahead} {allowed} {held} {iat}", facts), "a 94 b, c none not said"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
