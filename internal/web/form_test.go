package web_test

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// What a form says, and what is none (RFC 6749 section 3.2, appendix B).
func TestParseForm(t *testing.T) {
	for body, want := range map[string]map[string][]string{
		"":                         {},
		"a=1":                      {"a": {"1"}},
		"a=1&b=%C3%BC+x":           {"a": {"1"}, "b": {"ü x"}},
		"a=&b":                     {"a": nil, "b": nil}, // as if they were left out
		"a=b=c":                    {"a": {"b=c"}},
		"%61=1":                    {"a": {"1"}},
		"r=1&r=2&r=&r=1":           {"r": {"1", "2", "1"}},
		"&&a=1&&":                  {"a": {"1"}},
		"A=1&a=2":                  {"A": {"1"}, "a": {"2"}},
		"a=1;b=2":                  {"a": {"1;b=2"}, "b": nil},
		strings.Repeat("&", 70_00): {},
	} {
		f, err := web.ParseForm(body, "r")
		if err != nil {
			t.Errorf("%q: %v", body, err)
			continue
		}
		for name, values := range want {
			if got := f.Values(name); !slices.Equal(got, values) {
				t.Errorf("%q: %s is %q, want %q", body, name, got, values)
			}
			value, present := f.Value(name)
			if present != (len(values) > 0) || present && value != values[0] {
				t.Errorf("%q: the value of %s is %q, %v", body, name, value, present)
			}
		}
	}
	for _, body := range []string{
		"a=1&a=1", "a=1&a=", "a=&a=1", "a&a", "a=1&%61=2", "x=1&y=2&x=3", "a=%", "a=%z", "%=1", "a=%ff", "%ff=a", "a=%00", "%00=a", "a=%0a", "a=%7f", "a=\x00", "a=\n", "a=\xff",
		strings.Repeat("x=1&", 65),
	} {
		if _, err := web.ParseForm(body, "r"); identity.KindOf(err) != identity.InvalidRequest {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestParseBasic(t *testing.T) {
	encode := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	for header, want := range map[string][2]string{
		encode("a:b"): {"a", "b"}, encode("a:b:c"): {"a", "b:c"}, encode("a:"): {"a", ""}, encode(":"): {"", ""}, encode("a%3Ab:c+d%2B"): {"a:b", "c d+"},
		strings.Replace(encode("a:b"), "Basic", "bAsIc", 1): {"a", "b"},
	} {
		id, secret, why := web.ParseBasic(header)
		if why != "" || id != want[0] || secret.Reveal() != want[1] {
			t.Errorf("%q: %q, %q, %q", header, id, secret.Reveal(), why)
		}
	}
	for _, header := range []string{
		"", "Basic", "Basic ", "Bearer abc", "Basic  YTpi", "Basic YTpi ", "Basic YTpi\n", "Basic !", "Basic YTp", "Basic YTpi=", encode("ab"), encode("a:%"), encode("%zz:b"), encode("a:\x00"), encode("a:%00"), encode("a:\xff"), encode("a:%ff"), encode("a\n:b"),
	} {
		if id, secret, why := web.ParseBasic(header); why == "" {
			t.Errorf("%q was taken for %q, %q", header, id, secret.Reveal())
		}
	}
}

// Whatever is sent as a form is refused, or reads as the standard library reads it.
func FuzzParseForm(f *testing.F) {
	f.Fuzz(func(t *testing.T, body string) {
		form, err := web.ParseForm(body, "audience")
		if err != nil {
			if identity.KindOf(err) != identity.InvalidRequest {
				t.Fatalf("%v", err)
			}
			return
		}
		if strings.Contains(body, ";") {
			return // which the standard library refuses
		}
		want, err := url.ParseQuery(body)
		if err != nil {
			t.Fatalf("it was taken, and is no form: %v", err)
		}
		for name, values := range want {
			kept := slices.DeleteFunc(values, func(v string) bool { return v == "" })
			if got := form.Values(name); !slices.Equal(got, kept) {
				t.Fatalf("%q is %q, want %q", name, got, kept)
			}
			if len(values) > 1 && name != "audience" {
				t.Fatalf("%q is there twice", name)
			}
			for _, v := range kept {
				if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
					t.Fatalf("%q has what is no text", name)
				}
			}
		}
	})
}

// Whatever is sent as Basic is refused with a reason, or is what was encoded.
func FuzzParseBasic(f *testing.F) {
	f.Fuzz(func(t *testing.T, header string) {
		id, secret, why := web.ParseBasic(header)
		if why != "" {
			if id != "" || !secret.Empty() {
				t.Fatal("it is refused, and has credentials")
			}
			return
		}
		again := base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id) + ":" + url.QueryEscape(secret.Reveal())))
		same, sameSecret, why := web.ParseBasic("Basic " + again)
		if why != "" || same != id || sameSecret.Reveal() != secret.Reveal() {
			t.Fatalf("%q and its secret do not read back: %s", id, why)
		}
	})
}
