package foreignhash_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/foreignhash"
)

type vector struct{ Name, Password, Hash string }

// vectors returns hashes that other implementations made of known passwords.
// The file says of each group with what it was made.
func vectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var groups []struct {
		Made, Name string
		Vectors    []vector
	}
	if err := json.Unmarshal(text, &groups); err != nil {
		t.Fatal(err)
	}
	var all []vector
	for _, g := range groups {
		for _, v := range g.Vectors {
			v.Name = g.Name
			all = append(all, v)
		}
	}
	if len(all) < 100 {
		t.Fatalf("only %d vectors", len(all))
	}
	return all
}

func parse(t testing.TB, text string) foreignhash.Hash {
	t.Helper()
	h, err := foreignhash.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return h
}

func TestVectors(t *testing.T) {
	names := map[string]int{}
	for _, v := range vectors(t) {
		names[v.Name]++
		if v.Name == "argon2" {
			continue // TestArgon2 has it
		}
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			h := parse(t, v.Hash)
			if h.Name() != v.Name {
				t.Errorf("%s is %s, want %s", v.Hash, h.Name(), v.Name)
			}
			given := []byte(v.Password)
			if !h.Verify(given) {
				t.Errorf("%s does not verify %q", v.Hash, v.Password)
			}
			if string(given) != v.Password {
				t.Errorf("%s: Verify changed the password", v.Hash)
			}
			if h.Verify(wrong(v.Password)) {
				t.Errorf("%s verifies another password than %q", v.Hash, v.Password)
			}
		})
	}
	for _, name := range []string{"bcrypt", "bcrypt-sha256", "pbkdf2-sha1", "pbkdf2-sha256", "pbkdf2-sha512", "scrypt", "argon2"} {
		if names[name] == 0 {
			t.Errorf("no vector of %s", name)
		}
	}
}

// wrong returns a password that differs from p in one bit, or in length where
// that is the least.
func wrong(p string) []byte {
	if p == "" {
		return []byte("x")
	}
	w := []byte(p)
	w[len(w)/8] ^= 1 // within what bcrypt sees
	return w
}

// The forms of one vector each, cheap to verify.
var cheap = map[string]string{
	"bcrypt":                "$2y$05$Ak1z.w7Rj/ZbVtY0mXHpLu1lTjhWpAkOl.9YcT26f6kv7Lpj1tTkC",
	"bcrypt of Django":      "bcrypt$$2b$04$LnwYxglUDpNeZibgWHBRu.HOVP1RQsyvvkJcDK0.Xmy80VsQwDWrK",
	"bcrypt SHA-256":        "bcrypt_sha256$$2b$04$HHdC1X3VXv1x24M2Rl5Lb.XeG0soEwakT2Bt5E.jqqs/fqHhRAJSa",
	"PBKDF2 as PHC":         "$pbkdf2-sha256$i=2000,l=16$MDEyMzQ1Njc4OWFiY2RlZg$bucuaFAmxWz1I16djE1K+A",
	"PBKDF2 as PHC, no l":   "$pbkdf2-sha256$i=2000$MDEyMzQ1Njc4OWFiY2RlZg$bucuaFAmxWz1I16djE1K+A",
	"PBKDF2 of passlib":     "$pbkdf2$1000$Uirl3BsjxHjPmTMGoFSqtQ$F7qcUylTWMN4vXVMkYJes08Lvko",
	"PBKDF2 of Django":      "pbkdf2_sha1$1000$7A12cJqFS1yXR4aCmciG5G$MNZWp8xJNtiFPe1hlDfZA2H2mz4=",
	"scrypt as PHC":         "$scrypt$ln=6,r=8,p=1$w/g/ZwxhzLkXQuhdizFGCA$BTVOs78ey9Kx3lH18S9VXizXTIivqvg7IF2dDFl1RJU",
	"scrypt of Django":      "scrypt$64$dYcCgDU0UdwgLqP2rFFQZT$8$5$WQ1jnTVt++JOlNdzmAyyA0QUfof1fYej1gLN7nDHlyhqktv6P1qefp2shZ0MeXbruDxotHXfyUxkSX4JtaTSXA==",
	"scrypt, cheapest ever": cheapest,
}

const cheapest = "$scrypt$ln=1,r=1,p=1$TmFDbA$ibdlGP11V5HBbWbhl/Fv/g" // of another password than the others

// A changed character anywhere in the hash makes another hash, or none.
func TestChangedHash(t *testing.T) {
	for _, name := range []string{"bcrypt", "PBKDF2 as PHC", "PBKDF2 of Django", "scrypt as PHC"} {
		text, computed := cheap[name], 0
		for i := len(text) - 20; i < len(text); i++ {
			c := byte('A')
			if text[i] == c {
				c = 'Q' // differs in the highest bits of the six
			}
			h, err := foreignhash.Parse(text[:i] + string(c) + text[i+1:])
			if err != nil {
				continue // of the last character, some bits must be zero
			}
			computed++
			if h.Verify([]byte("correct horse battery staple")) {
				t.Errorf("%s: verifies with another character %d", name, i)
			}
		}
		if computed < 15 {
			t.Errorf("%s: only %d changes were computed", name, computed)
		}
	}
}

// bcrypt sees 72 bytes, in each of its three spellings; before that, each counts.
func TestBcryptLength(t *testing.T) {
	for _, id := range []string{"2a", "2b", "2y"} {
		h := parse(t, "$"+id+"$05$Dk1z.w7Rj/ZbVtY0mXHpLu6KdcWM2HBRAuRs4UCI7/rP1Hahy6.Im") // of 72 sevens
		for password, want := range map[string]bool{
			strings.Repeat("7", 72):                   true,
			strings.Repeat("7", 73):                   true,
			strings.Repeat("7", 72) + "x":             true,
			strings.Repeat("7", 72) + "\x00":          true,
			strings.Repeat("7", 255):                  true,
			strings.Repeat("7", 256):                  true, // where a length of one byte would wrap
			strings.Repeat("7", 5_000):                true,
			strings.Repeat("7", 71):                   false,
			strings.Repeat("7", 71) + "x":             false,
			strings.Repeat("7", 71) + "\x00":          false,
			"x" + strings.Repeat("7", 72):             false,
			strings.Repeat("7", 36):                   false,
			"":                                        false,
			strings.Repeat("7", 70) + "é" + "7777777": false,
		} {
			if got := h.Verify([]byte(password)); got != want {
				t.Errorf("%s, %d bytes: %v, want %v", id, len(password), got, want)
			}
		}
		// The bytes after the 72nd are the caller's, and stay as they are.
		given := []byte(strings.Repeat("7", 100))
		if h.Verify(given); string(given) != strings.Repeat("7", 100) {
			t.Errorf("%s: Verify changed the password", id)
		}
	}
	// The digest that Django puts before bcrypt sees all of them.
	for _, v := range vectors(t) {
		if v.Name == "bcrypt-sha256" && len(v.Password) == 300 && parse(t, v.Hash).Verify([]byte(v.Password[:299])) {
			t.Error("bcrypt_sha256 cuts the password")
		}
	}
}

// A NUL ends no password.
func TestNUL(t *testing.T) {
	for _, v := range vectors(t) {
		if strings.Contains(v.Password, "\x00") {
			h := parse(t, v.Hash)
			for _, w := range []string{"with", "with\x00", "with\x00nul", "withNUL"} {
				if h.Verify([]byte(w)) {
					t.Errorf("%s verifies %q", v.Hash, w)
				}
			}
		}
	}
}

// The package comment says which passwords the algorithms take for one. If this
// changes, so must the comment.
func TestTwins(t *testing.T) {
	const known = "correct horse battery staple"
	for name, text := range cheap {
		if text == cheapest {
			continue
		}
		h := parse(t, text)
		hmac := strings.HasPrefix(h.Name(), "pbkdf2") || h.Name() == "scrypt"
		for password, want := range map[string]bool{
			known + "\x00":                  hmac,
			known + "\x00" + known:          h.Name() == "bcrypt",
			known + "\x00" + known + "\x00": false,
			known + "\x00x":                 false,
			"\x00" + known:                  false,
		} {
			if got := h.Verify([]byte(password)); got != want {
				t.Errorf("%s verifies %q: %v", name, password, got)
			}
		}
	}
}

// A Hash may be verified by many at once.
func TestVerifyInParallel(t *testing.T) {
	var wg sync.WaitGroup
	for name, text := range cheap {
		if text == cheapest {
			continue
		}
		h := parse(t, text)
		for range 4 {
			wg.Go(func() {
				if !h.Verify([]byte("correct horse battery staple")) || h.Verify([]byte("correct horse battery stapl")) {
					t.Errorf("%s went wrong", name)
				}
			})
		}
	}
	wg.Wait()
}

func TestMemory(t *testing.T) {
	for text, want := range map[string]uint32{
		cheap["bcrypt"]:           8,
		cheap["PBKDF2 of Django"]: 8,
		cheap["bcrypt SHA-256"]:   8,
		cheap["scrypt as PHC"]:    64,
		cheap["scrypt of Django"]: 64,
		cheapest:                  8,
		strings.Replace(cheap["scrypt as PHC"], "ln=6", "ln=15", 1):                32 << 10,
		strings.Replace(cheap["scrypt as PHC"], "ln=6", "ln=18", 1):                foreignhash.MaxScryptMemory,
		strings.Replace(cheap["scrypt as PHC"], "ln=6,r=8", "ln=16,r=32", 1):       foreignhash.MaxScryptMemory,
		strings.Replace(cheap["scrypt of Django"], "scrypt$64", "scrypt$65536", 1): 64 << 10,
	} {
		if got := parse(t, text).Memory(); got != want {
			t.Errorf("%s: %d KiB, want %d", text, got, want)
		}
	}
}

func TestZeroHash(t *testing.T) {
	var h foreignhash.Hash
	if h.Verify(nil) || h.Verify([]byte("x")) || h.Name() != "" || h.Memory() != 0 {
		t.Error("the zero Hash is something")
	}
}

func TestArgon2(t *testing.T) {
	const phc = "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODw"
	for text, want := range map[string]string{
		phc:                        phc,
		"argon2" + phc:             phc,
		"argon2$argon2i$v=19":      "$argon2i$v=19",
		"argon2$argon2":            "$argon2",
		"argon2":                   "",
		"argon2$":                  "",
		"argon2id" + phc:           "",
		"argon2" + phc[1:]:         "",
		"argon2$bcrypt$x":          "",
		" " + phc:                  "",
		"Argon2" + phc:             "",
		"":                         "",
		"$2b$12$argon2$argon2id$":  "",
		"argon2argon2" + phc:       "",
		"bcrypt$argon2" + phc:      "",
		"argon2\x00" + phc:         "",
		"$argon" + phc:             "",
		"argon2$scrypt$ln=1,r=1,p": "",
	} {
		got, ok := foreignhash.Argon2(text)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v", text, got, ok)
		}
		if _, err := foreignhash.Parse(text); errors.Is(err, foreignhash.ErrArgon2) != ok || err == nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, v := range vectors(t) {
		if v.Name == "argon2" {
			if got, ok := foreignhash.Argon2(v.Hash); !ok || "argon2"+got != v.Hash {
				t.Errorf("%s: %s, %v", v.Hash, got, ok)
			}
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	for name, text := range cheap {
		h := parse(b, text)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h.Verify([]byte("correct horse battery staple"))
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for name, text := range cheap {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				parse(b, text)
			}
		})
	}
}
