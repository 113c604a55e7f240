package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity"
)

// TestKeyNamed: a key is named by as much of its id as is no other's.
func TestKeyNamed(t *testing.T) {
	c := &connection{base: "http://local", client: &http.Client{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"data":[{"kid":"abc1"},{"kid":"abd2"},{"kid":"-bcd"}],"next_cursor":null}`)
	})}}}
	keys := signingKeys(&program{})
	for _, tc := range []struct{ begun, want, err string }{
		{"abc1", "abc1", ""},
		{"abd", "abd2", ""},
		{"-", "-bcd", ""},
		{"ab", "", "the ids of 2 signing keys begin with ab; expected more of it"},
		{"abc12", "", "There is no such signing key"},
		{"bcd", "", "There is no such signing key"},
		{"", "", "expected the id of a key, or its beginning"},
	} {
		k, err := keyNamed(t.Context(), c, keys, tc.begun)
		if k.KID != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%q: %q, %v", tc.begun, k.KID, err)
		}
		if missing := strings.HasPrefix(tc.err, "There is"); missing != (identity.KindOf(err) == identity.NotFound) {
			t.Errorf("%q: %v is of another kind", tc.begun, err)
		}
	}
	if kidArgument("-bcd") != "-- -bcd" || kidArgument("bcd-") != "bcd-" {
		t.Error("an id that begins with a hyphen would be a flag")
	}
}
