package seal_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/seal"
)

// A list of keys is read to the last, each once, and its faults repeat nothing of it.
func FuzzParseKeys(f *testing.F) {
	for _, seed := range []string{
		strongText, strongText + "," + strings.Repeat("A", 43) + "=", strongText + ", " + strongText, strongText + ",", "", " ", strings.Repeat("A", 86) + "==",
		strings.Repeat("A", 44) + "\n" + strings.Repeat("A", 42) + "==", strings.Repeat("_", 43) + "=", strings.Repeat("/", 43) + "=", strings.Repeat("A", 42) + "B=", "\x00,\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		keys, err := seal.ParseKeys(list)
		if err != nil {
			for entry := range strings.SplitSeq(list, ",") {
				if len(entry) > 16 && strings.Contains(err.Error(), entry) {
					t.Fatal("the error repeats an entry")
				}
			}
			return
		}
		if len(keys) != 1+strings.Count(list, ",") {
			t.Fatalf("%d keys", len(keys))
		}
		ids := map[string]bool{}
		for _, key := range keys {
			ids[key.ID()] = true
			token, err := key.Wrap([]byte("hello"))
			if err != nil {
				t.Fatal(err)
			}
			if text, err := key.Unwrap(token); err != nil || string(text) != "hello" {
				t.Fatalf("a key does not open what it wrapped: %v", err)
			}
		}
		if len(ids) != len(keys) {
			t.Fatal("two keys have one id")
		}
	})
}

// What the original stored opens to what was in it, and anything else is an error of one
// of two kinds. inner has the second token made of the data, under the true data key.
func FuzzOpenOriginal(f *testing.F) {
	key := parseKey(f, strongText)
	dataText := seal.GenerateKey().Reveal()
	dataKey := parseKey(f, dataText)
	wrap := func(t testing.TB, key *seal.FernetKey, data []byte) string {
		token, err := key.Wrap(data)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	outer := wrap(f, key, []byte(dataText))
	f.Add([]byte(outer+":"+wrap(f, dataKey, []byte("pem"))), false)
	f.Add([]byte(outer+":"+outer), false)
	f.Add([]byte(wrap(f, key, []byte("no key"))+":"+outer), false)
	f.Add([]byte(outer), false)
	f.Add([]byte(outer+"::"), false)
	f.Add([]byte(":"), false)
	f.Add([]byte("-----BEGIN PRIVATE KEY-----"), true)
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, data []byte, inner bool) {
		stored := data
		if inner {
			stored = []byte(outer + ":" + wrap(t, dataKey, data))
		}
		opened, err := seal.OpenOriginal(stored, []*seal.FernetKey{key})
		if inner && (err != nil || string(opened) != string(data)) {
			t.Fatalf("opened to %q (%v), want %q", opened, err, data)
		}
		if err != nil && (!errors.Is(err, seal.ErrDamaged) && !errors.Is(err, seal.ErrUnknownKey) || opened != nil) {
			t.Fatalf("the error is %v", err)
		}
	})
}
