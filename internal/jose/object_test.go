package jose_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
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
		want := map[string]any{
			"first": text, "number": json.Number(strconv.FormatInt(n, 10)), "list": []any{text, "", text}, "none": []any{},
		}
		var got map[string]any
		decoder := json.NewDecoder(bytes.NewReader(made))
		decoder.UseNumber()
		if err := decoder.Decode(&got); err != nil {
			t.Fatalf("%s: %v", made, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s\ngot  %v\nwant %v", made, got, want)
		}
	})
}

// TestEmptyObject is one, too.
func TestEmptyObject(t *testing.T) {
	var o jose.Object
	if text, err := o.Bytes(); string(text) != "{}" || err != nil {
		t.Errorf("%s, %v", text, err)
	}
}
