package guessable_test

import (
	"bufio"
	"compress/gzip"
	"os"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-60f9e3ad/identity/internal/guessable"
)

// source returns the passwords that the list is made of.
func source(t testing.TB) []string {
	t.Helper()
	file, err := os.Open("passwords.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var passwords []string
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		passwords = append(passwords, norm.NFC.String(lines.Text()))
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	return passwords
}

// The committed list has every password of the source that a user could choose, and no
// other.
func TestListIsThatOfTheSource(t *testing.T) {
	distinct := map[string]bool{}
	for _, p := range source(t) {
		if len([]rune(p)) < 8 {
			continue
		}
		distinct[guessable.Entry(p)] = true
		if !guessable.Common(p) {
			t.Errorf("%q is not on the list", p)
		}
	}
	if len(distinct) < 20_000 || len(distinct) != guessable.Count() {
		t.Errorf("the list has %d passwords, the source %d", guessable.Count(), len(distinct))
	}
	text, err := os.ReadFile("passwords.sha256")
	if err != nil {
		t.Fatal(err)
	}
	if len(text) != guessable.Count()*guessable.EntryLength {
		t.Fatalf("the list is cut off: %d bytes", len(text))
	}
	last := ""
	for ; len(text) > 0; text = text[guessable.EntryLength:] {
		entry := string(text[:guessable.EntryLength])
		if entry <= last {
			t.Fatalf("%x does not stand in its order, or twice", entry)
		}
		last = entry
	}
}

func TestCommon(t *testing.T) {
	for password, want := range map[string]bool{
		"password":                     true,
		"PassWord":                     true,
		"ＰＡＳＳＷＯＲＤ":                     true, // full width
		"12345678":                     true,
		"iloveyou":                     true,
		"qwertyuiop":                   true,
		"p@ssw0rd":                     true,
		"correcthorsebatterystaple":    true,
		"correct horse battery staple": false,
		"password-of-mine":             false,
		"pass word":                    false,
		" password":                    false,
		"password\n":                   false,
		"Xq7!zk2v":                     false,
		"":                             false,
		strings.Repeat("x", 1024):      false,
		"\xff\xfe\xfd\xfc\xfb\xfa\xf9": false,
	} {
		if got := guessable.Common(password); got != want {
			t.Errorf("%q: %v, want %v", password, got, want)
		}
	}
}

func BenchmarkCommon(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if guessable.Common("correct horse battery staple") {
			b.Fatal("it is on the list")
		}
	}
}
