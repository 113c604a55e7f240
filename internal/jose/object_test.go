package jose_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// FuzzObject: what is made member by member is what another encoder would have made, and what
// it makes of strings that are not UTF-8 is an error.
func FuzzObject(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string, n int64) {
		o := jose.NewObject(8)
		o.String("first", text)
		o.Int("number", n)
		o.Strings("list", []string{text, "", text})
		o.Strings("none", nil)
		made, err := o.Bytes()
		if valid := utf8.ValidString(text); valid != (err == nil) {
			t.Fatalf("%q: %v", text, err)
		} else if !valid {
			return
		}
		want := map[string]any{"first": text, "number": json.Number(""), "list": []any{text, "", text}, "none": []any{}}
		number, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(made, &got); err != nil {
			t.Fatalf("%s: %v", made, err)
		}
		want["number"], got["number"] = string(number), string(mustJSON(t, got["number"]))
		if n > -1<<53 && n < 1<<53 && !reflect.DeepEqual(got, want) {
			t.Errorf("%s\ngot  %v\nwant %v", made, got, want)
		}
	})
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestEmptyObject is one, too.
func TestEmptyObject(t *testing.T) {
	var o jose.Object
	if text, err := o.Bytes(); string(text) != "{}" || err != nil {
		t.Errorf("%s, %v", text, err)
	}
}
