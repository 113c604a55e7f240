package guessable_test

import (
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/guessable"
)

func TestPasswordsSimilarToTheUsername(t *testing.T) {
	for username, passwords := range map[string][]string{
		"alice": {
			"alice123", "Alice2026", "!!alice!!", "1alice23", "alicealice", "ALICE-ALICE", "a l i c e 1", "a.l.i.c.e.",
			"ecila123", "alice-ecila", "4l1c3!!!", "@L|c3___", "a1ice12345678", "alice111111111", "alice!!!!!!!!!!!!", "123456alice123456",
			"ａｌｉｃｅ１２３", strings.Repeat("alice", 204), strings.Repeat("alice!", 170), "alice-alice-alice-1", "alicexyz", "alice abc 123",
		},
		"alice.liddell":            {"alice.liddell", "aliceliddell", "alice_liddell1", "liddell.alice", "liddell2026", "alice1234", "lleddil.ecila", "al1ce l1ddell", "Alice+Liddell"},
		"alice@example.com":        {"alice@example.com", "alice@example", "example2026", "aliceatexample", "alice-a-example"},
		"al":                       {"alalalal", "AL AL AL", "al123456", "alal1234", "lalalalal", "12345678al"},
		"a":                        {"aaaaaaaa", "aaaaaab1"},
		"sam5":                     {"5mas5mas", "sam5sam5", "$am5-2345"},
		"........":                 {"........", "........1", "................"},
		"andr\u00e9breton":         {"Andre\u0301Breton1"},
		"\u30ac\u30e9\u30b9\u5c4b": {"\uff76\uff9e\uff97\uff7d\u5c4b\u4e00\u4e8c\u4e09"}, // half width, whose marks are characters of their own
	} {
		for _, p := range passwords {
			if name, err := identity.CanonicalUsername(username); err != nil || name != username {
				t.Errorf("%q is not a canonical username: %v", username, err)
			}
			if !guessable.Similar(username, norm.NFC.String(p)) {
				t.Errorf("%q is not similar to %s", p, username)
			}
		}
	}
}

func TestPasswordsThatOnlyHaveTheUsername(t *testing.T) {
	for username, passwords := range map[string][]string{
		"al":      {"calm-seas-and-tall-ships", "alXq7!zk", "al-rides-horses", "alaskaal", "regal-owl"},
		"a":       {"bandana-a", "a quiet evening", "Xa7!zk2v"},
		"bob":     {"bobsleigh-and-ice", "Xq7bob!zk2v"},
		"rose":    {"rosebushes", "primrose hill", "close-to-the-sea"},
		"anna":    {"savannah-trip", "Xq7anna!zk2v"},
		"admin":   {"the administrator's password", "administration building"},
		"alice":   {"alice has a red horse", "Xq7!alice-zk2v", "malice aforethought", strings.Repeat("x", 1024), "            ", "alicebrown42"},
		"i":       {"1234abcd-wolf", "Xq7!zk2v"},
		"1":       {"Xq71!zk2v"},
		"test@id": {"tested in the field"},
		"....":    {"....Xq7!zk2v", "elevenowls"},
		"nobody":  {"one body of water"},
		"":        {"Xq7!zk2v", "elevenowls"},
	} {
		for _, p := range passwords {
			if guessable.Similar(username, p) {
				t.Errorf("%q is similar to %s", p, username)
			}
		}
	}
}

// The costliest names and passwords cost next to nothing beside a hash.
func BenchmarkSimilar(b *testing.B) {
	username := strings.Repeat("a", 255)
	password := strings.Repeat(strings.Repeat("a", 254)+"b", 4) + "abcd"
	b.ReportAllocs()
	for b.Loop() {
		if guessable.Similar(username, password) {
			b.Fatal("it is similar")
		}
	}
}

// A username with next to nothing around it is similar in whatever spelling, and what has
// no character of it is not.
func FuzzSimilar(f *testing.F) {
	f.Add("alice", "alice123")
	f.Add("alice.liddell@example.com", "4l1c3-l1dd3ll")
	f.Add("al", "calm-seas")
	f.Add("........", "        ")
	f.Add("\u212a\u0130\u1e9e", "e\u0301\u0345\ufb01\uff9e\u03a3")
	f.Add("", "\xff\x00")
	f.Add(strings.Repeat("a", 40), strings.Repeat("ab", 30))
	f.Add("|!1l", strings.Repeat("\U0001f0a1", 40))
	f.Fuzz(func(t *testing.T, username, password string) {
		name, err := identity.CanonicalUsername(username)
		if err != nil {
			guessable.Similar(username, password)
			guessable.Common(username)
			return
		}
		upper := norm.NFC.String(strings.ToUpper(name))
		if guessable.Fold(upper) != guessable.Fold(name) {
			upper = name // some letters have no way back
		}
		for _, same := range []string{name, name + name, name + "1", "a" + name, upper} {
			if !guessable.Similar(name, norm.NFC.String(same)) {
				t.Fatalf("%q is not similar to %q", same, name)
			}
		}
		similar := guessable.Similar(name, password)
		if similar != guessable.Similar(name, guessable.Fold(password)) {
			t.Fatal("case or width decides")
		}
		if similar && !strings.ContainsFunc(guessable.Fold(password), func(r rune) bool {
			return strings.ContainsRune(guessable.Fold(name)+"01345_7!|$@loieast", r)
		}) {
			t.Fatal("similar with nothing in common")
		}
	})
}
