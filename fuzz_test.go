package identity_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-60f9e3ad/identity"
)

// A canonical username is its own canonical form, and that of its spelling in capitals.
func FuzzCanonicalUsername(f *testing.F) {
	for _, seed := range []string{
		"alice", "Alice.Liddell@example.com", "ＡＬＩＣＥ", "andre\u0301", "a b", "", "\xff", "a\x00", "\u212a", "\u0130", "\u03c3\u03c2", "\u05d0\u0661", "a\u200d", strings.Repeat("\u1e9e", 85), "\u1fb3\u0345",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := identity.CanonicalUsername(text)
		if err != nil {
			if identity.KindOf(err) != identity.InvalidRequest || len(text) > 12 && strings.Contains(err.Error(), text) {
				t.Fatalf("the error is %v", err)
			}
			return
		}
		if name == "" || len(name) > 255 || !utf8.ValidString(name) || strings.ContainsAny(name, " \x00\r\n\t") {
			t.Fatalf("%q has the canonical form %q", text, name)
		}
		if again, err := identity.CanonicalUsername(name); err != nil || again != name {
			t.Fatalf("%q has itself the canonical form %q (%v)", name, again, err)
		}
		ascii := func(r rune) bool { return r >= utf8.RuneSelf }
		if upper := strings.ToUpper(name); !strings.ContainsFunc(name, ascii) {
			if again, err := identity.CanonicalUsername(upper); err != nil || again != name {
				t.Fatalf("%q has the canonical form %q (%v), and %q %q", upper, again, err, text, name)
			}
		}
	})
}

// What is told to be a generated secret has its form.
func FuzzClientSecretID(f *testing.F) {
	_, secret := identity.NewClientSecret()
	f.Add(secret.Reveal())
	f.Add(secret.Reveal() + "=")
	f.Add(strings.ToUpper(secret.Reveal()))
	f.Add("ids_abcdefgh_" + strings.Repeat("A", 49))
	f.Add("")
	form := regexp.MustCompile(`\Aids_([a-z0-9]{8})_`)
	f.Fuzz(func(t *testing.T, text string) {
		id, ok := identity.ClientSecretID(identity.NewSecret(text))
		if !ok {
			if id != "" {
				t.Fatal("an id comes with the refusal")
			}
		} else if m := form.FindStringSubmatch(text); m == nil || m[1] != id || len(text) != len(secret.Reveal()) {
			t.Fatalf("%q has the id %q", text, id)
		}
		if ok && identity.CheckChosenSecret(identity.NewSecret(text)) == nil {
			t.Fatal("a caller may choose it")
		}
	})
}

// Metadata stay a JSON object within their bound, a patch applied twice is a patch applied
// once (RFC 7396 is idempotent), and no null is left.
func FuzzMergeMetadata(f *testing.F) {
	for _, seed := range [][2]string{
		{`{}`, `{}`}, {`{"a":{"b":1}}`, `{"a":{"b":null,"c":[null,{}]}}`}, {`{"a":1}`, `{"a":{"b":{"c":null}}}`}, {`{"a":1e400}`, `{"b":-0}`},
		{`{"a":"\ud83d\ude00<"}`, `{"":null}`}, {`{"a":{}}`, `{"a":null}`}, {``, `null`}, {`{"x":1}`, `[]`}, {`{"x":"` + strings.Repeat("x", 4000) + `"}`, `{"y":"` + strings.Repeat("y", 99) + `"}`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, first, patch string) {
		if !json.Valid([]byte(first)) || !json.Valid([]byte(patch)) {
			return // its form is checked before
		}
		stored, err := identity.Metadata("").Merge([]byte(first))
		if err != nil {
			return
		}
		once, err := stored.Merge([]byte(patch))
		if err != nil {
			if once != stored {
				t.Fatal("a refused patch changes something")
			}
			return
		}
		var object map[string]any
		decoder := json.NewDecoder(strings.NewReader(string(once)))
		decoder.UseNumber() // some are too large for any
		if err := decoder.Decode(&object); err != nil || object == nil || len(once) > identity.MaxMetadata {
			t.Fatalf("%q and %q are %q: %v", first, patch, once, err)
		}
		for name, value := range object {
			if value == nil {
				t.Fatalf("the member %q is null", name)
			}
		}
		if twice, err := once.Merge([]byte(patch)); err != nil || twice != once {
			t.Fatalf("twice: %q, %v; once: %q", twice, err, once)
		}
	})
}
