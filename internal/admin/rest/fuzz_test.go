package rest_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-60f9e3ad/identity/internal/admin/rest"
)

// A cursor leads to the key that it was made of, on its own list only, and has one
// spelling.
func FuzzCursor(f *testing.F) {
	encode := base64.RawURLEncoding.EncodeToString
	for _, seed := range []string{
		rest.Cursor("users", "alice"), rest.Cursor("clients", "alice"), "", "=", encode([]byte("users\n")), encode([]byte("users")), encode([]byte("users\nx\ny")),
		encode([]byte("users\n\xff")), encode([]byte("users\n\x00")), encode([]byte("users\nab")) + "\n", "dXNlcnMKYWI", "dXNlcnMKYWJ", "users\nalice",
	} {
		f.Add(seed, "alice")
	}
	f.Fuzz(func(t *testing.T, text, key string) {
		if after, ok := rest.ReadCursor("users", text); ok {
			if after == "" || !utf8.ValidString(after) || strings.ContainsRune(after, 0) {
				t.Fatalf("%q leads to %q", text, after)
			}
			// The decoder of base64 skips line breaks.
			if again := rest.Cursor("users", after); again != strings.NewReplacer("\r", "", "\n", "").Replace(text) {
				t.Fatalf("%q and %q are one", text, again)
			}
			if _, ok := rest.ReadCursor("clients", text); ok {
				t.Fatal("it leads into another list too")
			}
		}
		after, ok := rest.ReadCursor("users", rest.Cursor("users", key))
		if want := key != "" && utf8.ValidString(key) && !strings.ContainsRune(key, 0); ok != want || ok && after != key {
			t.Fatalf("%q came back as %q, %v", key, after, ok)
		}
	})
}

// FuzzIdempotencyKey: a key is text that can be shown, of a length that can be kept; a bare
// one and the same in quotes are one, and no other text is.
func FuzzIdempotencyKey(f *testing.F) {
	for _, seed := range []string{"", `""`, "a", `"a"`, `"a\"b"`, `"a\\"`, `"a\x"`, `"a`, `a"`, "a b", `"a b"`, "a,b", `"a";b`, "\x00", "ü", strings.Repeat("x", 255), strings.Repeat("x", 256)} {
		f.Add(seed)
	}
	read := func(text string) (string, error) {
		key, _, err := rest.ReadIdempotencyKey(&http.Request{Header: http.Header{"Idempotency-Key": {text}}})
		return key, err
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := read(text)
		if err != nil {
			if key != "" {
				t.Fatalf("%q is refused, and is %q", text, key)
			}
			return
		}
		if key == "" || len(key) > 255 || strings.Trim(key, " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~") != "" {
			t.Fatalf("%q is %q", text, key)
		}
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`
		if again, err := read(quoted); err != nil || again != key {
			t.Fatalf("%q is %q, and %q is %q: %v", text, key, quoted, again, err)
		}
		if bare := strings.Trim(text, " \t"); bare != key && bare != quoted {
			t.Fatalf("%q is %q", text, key)
		}
	})
}
