package web_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

func nested(depth int) string {
	return strings.Repeat(`{"a":`, depth-1) + `{}` + strings.Repeat(`}`, depth-1)
}

func elements(n int) string {
	return `{"a":[` + strings.TrimSuffix(strings.Repeat("0,", n), ",") + `]}`
}

func hostileBodies() map[string]string {
	return map[string]string{
		"empty":                          "",
		"white space":                    " \t\r\n",
		"open":                           "{",
		"closed only":                    "}",
		"array":                          `[]`,
		"array of an object":             `[{}]`,
		"string":                         `"x"`,
		"number":                         `1`,
		"null":                           `null`,
		"two objects":                    `{}{}`,
		"two objects apart":              "{}\n{}",
		"trailing letter":                `{}x`,
		"trailing comma":                 `{"a":1,}`,
		"trailing brace":                 `{}}`,
		"trailing U+0000":                "{}\x00",
		"trailing no-break space":        "{}\u00a0",
		"trailing comment":               `{}//`,
		"byte order mark":                "\ufeff{}",
		"UTF-16":                         "\xff\xfe{\x00}\x00",
		"comment":                        `{/**/}`,
		"single quotes":                  `{'a':1}`,
		"bare name":                      `{a:1}`,
		"number as name":                 `{1:1}`,
		"no value":                       `{"a"}`,
		"leading zero":                   `{"a":01}`,
		"plus":                           `{"a":+1}`,
		"NaN":                            `{"a":NaN}`,
		"hexadecimal":                    `{"a":0x1}`,
		"fraction without digit":         `{"a":1.}`,
		"capital literal":                `{"a":True}`,
		"duplicate":                      `{"a":1,"a":2}`,
		"duplicate, equal":               `{"a":1,"a":1}`,
		"duplicate, escaped":             `{"a":1,"\u0061":2}`,
		"duplicate, empty":               `{"":1,"":2}`,
		"duplicate, nested":              `{"x":{"a":1,"a":2}}`,
		"duplicate, nested in arrays":    `{"x":[[{"a":1,"b":{},"a":2}]]}`,
		"invalid byte in a string":       "{\"a\":\"\xff\"}",
		"invalid byte in a name":         "{\"\xff\":1}",
		"overlong slash":                 "{\"a\":\"\xc0\xaf\"}",
		"overlong U+0000":                "{\"a\":\"\xc0\x80\"}",
		"surrogate in UTF-8":             "{\"a\":\"\xed\xa0\x80\"}",
		"cut UTF-8":                      "{\"a\":\"\xe2\x82\"}",
		"beyond U+10FFFF":                "{\"a\":\"\xf4\x90\x80\x80\"}",
		"lone high surrogate":            `{"a":"\ud800"}`,
		"lone low surrogate":             `{"a":"\udc00"}`,
		"surrogates the wrong way":       `{"a":"\udc00\ud800"}`,
		"high surrogate and letter":      `{"a":"\ud800x"}`,
		"high surrogate and escape":      `{"a":"\ud800\u0041"}`,
		"lone surrogate in a name":       `{"\ud800":1}`,
		"raw control character":          "{\"a\":\"\x01\"}",
		"raw line feed":                  "{\"a\":\"\n\"}",
		"raw U+0000":                     "{\"a\":\"\x00\"}",
		"raw U+0000 in a name":           "{\"a\x00\":1}",
		"escaped U+0000":                 `{"a":"\u0000"}`,
		"escaped U+0000 in a name":       `{"a\u0000":1}`,
		"escaped U+0000, deep":           `{"a":[{"b":["x\u0000y"]}]}`,
		"escaped U+0000 after an escape": `{"a":"\\\u0000"}`,
		"unknown escape":                 `{"a":"\x41"}`,
		"short escape":                   `{"a":"\u00"}`,
		"open string":                    `{"a":"`,
		"open escape":                    `{"a":"\`,
		"too deep":                       nested(17),
		"far too deep":                   strings.Repeat(`{"a":`, 9000),
		"far too deep arrays":            `{"a":` + strings.Repeat(`[`, 60000),
		"too many elements":              elements(512), // and the member
		"too many members":               `{` + strings.TrimSuffix(manyMembers(513), ",") + `}`,
		"too many empty arrays":          `{"a":[` + strings.TrimSuffix(strings.Repeat("[],", 512), ",") + `]}`,
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"m%d":0,`, i)
	}
	return b.String()
}

func TestParseObjectRefuses(t *testing.T) {
	for name, body := range hostileBodies() {
		t.Run(name, func(t *testing.T) {
			_, err := web.ParseObject([]byte(body))
			if err == nil || identity.KindOf(err) != identity.InvalidJSON {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestParseObjectTakes(t *testing.T) {
	for name, body := range map[string]string{
		"empty object":          `{}`,
		"white space":           " \t\r\n{ \"a\" : 1 }\r\n\t ",
		"astral escape":         `{"a":"\ud83d\ude00"}`,
		"a backslash and u0000": `{"a":"\\u0000"}`,
		"U+0001":                `{"a":"\u0001"}`,
		"case makes names":      `{"a":1,"A":2}`,
		"same name elsewhere":   `{"a":{"a":1},"b":{"a":1},"c":[{"a":1},{"a":2}]}`,
		"deep":                  nested(16),
		"many elements":         elements(511),
		"many members":          `{` + strings.TrimSuffix(manyMembers(512), ",") + `}`,
		"huge number":           `{"a":1e999999}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := web.ParseObject([]byte(body)); err != nil {
				t.Error(err)
			}
		})
	}
}

// Neither the text for the caller nor the one for the log quotes the body.
func TestParseErrorsQuoteNothing(t *testing.T) {
	for _, body := range []string{
		`{"` + canary + ``, `{"` + canary + `":1,"` + canary + `":2}`, `{"a":{"` + canary + `":x}}`, `{"password":"` + canary + "\x00" + `"}`,
		`{"a":` + canary + `}`, canary, `{"a":"` + canary + `\q"}`, `{"a":"` + canary + `\u0000"}`, `{} ` + canary,
	} {
		_, err := web.ParseObject([]byte(body))
		if err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// Whatever ParseObject takes, encoding/json reads too, and with the same
// strings; whatever it refuses is InvalidJSON.
func FuzzParseObject(f *testing.F) {
	for _, body := range hostileBodies() {
		if len(body) < 1024 {
			f.Add([]byte(body))
		}
	}
	f.Add([]byte(`{"a":"b","c":["d","\ud83d\ude00"],"e":{"f":null},"g":-0,"h":true}`))
	f.Add([]byte(`{"a":"\\u0000","A":[[],{},[{}]]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := web.ParseObject(body)
		if err != nil {
			if e, ok := errors.AsType[*identity.Error](err); !ok || e.Kind != identity.InvalidJSON {
				t.Fatalf("%v", err)
			}
			return
		}
		if !utf8.Valid(body) {
			t.Fatal("took invalid UTF-8")
		}
		var want map[string]any
		if err := json.Unmarshal(body, &want); err != nil && !strings.Contains(err.Error(), "cannot unmarshal number") {
			t.Fatalf("took what encoding/json refuses: %v", err)
		}
		for name, value := range want {
			if strings.ContainsRune(name, 0) {
				t.Fatal("took U+0000 in a name")
			}
			switch value := value.(type) {
			case string:
				if got := o.String(name); got != value || strings.ContainsRune(got, 0) {
					t.Fatalf("member %q: %q, want %q", name, got, value)
				}
			case bool:
				if got, ok := o.OptionalBool(name); got != value || !ok {
					t.Fatalf("member %q: %v, want %v", name, got, value)
				}
			default:
				if _, ok := o.OptionalString(name); ok || !o.Has(name) {
					t.Fatalf("member %q is no string", name)
				}
				o.OptionalStrings(name)
				o.OptionalInt(name)
			}
		}
		_ = o.Err()
	})
}

const loginBody = `{"username":"alice@example.com","password":"correct horse battery staple","audience":"https://orders.example.com"}`

func BenchmarkParseObject(b *testing.B) {
	body := []byte(loginBody)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		o, err := web.ParseObject(body)
		if err != nil {
			b.Fatal(err)
		}
		o.String("username")
		o.Secret("password")
		o.OptionalString("audience")
		if err := o.Err(); err != nil {
			b.Fatal(err)
		}
	}
}
