package rest_test

import (
	"encoding/base64"
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
