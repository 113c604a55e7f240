package identity_test

import (
	"testing"

	"github.com/seed-60f9e3ad/identity"
)

// What is copied into a shell is one word there, whatever the name is.
func TestArgument(t *testing.T) {
	for name, want := range map[string]string{
		"ann": "ann", "a.b-c_d@e": "a.b-c_d@e", "": "''", "-h": "-- -h", "x$(id)": "'x$(id)'", "a b": "'a b'", "o'neil;id": `'o'\''neil;id'`, "-a'b": `-- '-a'\''b'`, "ömer": "'ömer'", "~root": "'~root'",
	} {
		if got := identity.Argument(name); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}
