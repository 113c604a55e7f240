package foreignhash_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/foreignhash"
)

const (
	salt16   = "AAECAwQFBgcICQoLDA0ODw"
	hash32   = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
	bcrypt53 = "Ak1z.w7Rj/ZbVtY0mXHpLu1lTjhWpAkOl.9YcT26f6kv7Lpj1tTkC"
)

func phc(params string) string  { return "$pbkdf2-sha256$" + params + "$" + salt16 + "$" + hash32 }
func scryptPHC(p string) string { return "$scrypt$" + p + "$" + salt16 + "$" + hash32 }
func django(iterations string) string {
	return "pbkdf2_sha256$" + iterations + "$seasalt$" + hash32 + "="
}
func djangoScrypt(n, r, p string) string {
	return "scrypt$" + n + "$seasalt$" + r + "$" + p + "$" + hash32 + "="
}

// zeros is the unpadded base64 of n zero bytes.
func zeros(n int) string { return strings.Repeat("A", (n*8+5)/6) }

var unknown, limits, argon2 = foreignhash.ErrUnknownForm, foreignhash.ErrLimits, foreignhash.ErrArgon2

// hostile are texts that must be refused, with why.
var hostile = []struct {
	name, text string
	want       error
}{
	{"empty", "", unknown},
	{"one dollar", "$", unknown},
	{"dollars", "$$$$$$", unknown},
	{"1024 dollars", strings.Repeat("$", 1024), unknown},
	{"1025 bytes", strings.Repeat("$", 1025), limits},
	{"a megabyte of a good beginning", phc("i=1000") + strings.Repeat("A", 1<<20), limits},
	{"NUL", "\x00", unknown},
	{"a password", "correct horse battery staple", unknown},
	{"MD5-crypt", "$1$seasalt$AAAAAAAAAAAAAAAAAAAAAA", unknown},
	{"SHA-512-crypt", "$6$seasalt$" + zeros(64), unknown},
	{"Django's unusable password", "!" + zeros(30), unknown},
	{"Django's MD5", "md5$seasalt$d41d8cd98f00b204e9800998ecf8427e", unknown},
	{"plain SHA-256", "{SHA256}" + hash32 + "=", unknown},
	{"Argon2", "$argon2id$v=19$m=19456,t=2,p=1$" + salt16 + "$" + hash32, argon2},
	{"Django's Argon2", "argon2$argon2id$v=19$m=19456,t=2,p=1$" + salt16 + "$" + hash32, argon2},

	{"bcrypt 2", "$2$10$" + bcrypt53 + ".", unknown},
	{"bcrypt 2x, of faulty code", "$2x$10$" + bcrypt53, unknown},
	{"bcrypt 2c", "$2c$10$" + bcrypt53, unknown},
	{"bcrypt 3b", "$3b$10$" + bcrypt53, unknown},
	{"bcrypt 2B", "$2B$10$" + bcrypt53, unknown},
	{"bcrypt with Spring's id", "{bcrypt}$2a$10$" + bcrypt53, unknown},
	{"bcrypt alone", "$2b$", unknown},
	{"bcrypt without salt", "$2b$10$", unknown},
	{"bcrypt cut", "$2b$10$" + bcrypt53[:52], unknown},
	{"bcrypt with more", "$2b$10$" + bcrypt53 + "A", unknown},
	{"bcrypt with a newline", "$2b$10$" + bcrypt53 + "\n", unknown},
	{"bcrypt with a newline within", "$2b$10$" + bcrypt53[:52] + "\n", unknown},
	{"bcrypt with a space before", " $2b$10$" + bcrypt53, unknown},
	{"bcrypt padded", "$2b$10$" + bcrypt53[:52] + "=", unknown},
	{"bcrypt with a plus", "$2b$10$" + bcrypt53[:30] + "+" + bcrypt53[31:], unknown},
	{"bcrypt with a dollar", "$2b$10$" + bcrypt53[:22] + "$" + bcrypt53[23:], unknown},
	{"bcrypt with stray bits in the salt", "$2b$10$" + bcrypt53[:21] + "v" + bcrypt53[22:], unknown},
	{"bcrypt with stray bits in the hash", "$2b$10$" + bcrypt53[:52] + "D", unknown},
	{"bcrypt, no dollar after the cost", "$2b$10." + bcrypt53, unknown},
	{"bcrypt cost of one digit", "$2b$9$" + bcrypt53 + ".", unknown},
	{"bcrypt cost of three digits", "$2b$010$" + bcrypt53[1:], unknown},
	{"bcrypt cost with a sign", "$2b$+9$" + bcrypt53, unknown},
	{"bcrypt cost negative", "$2b$-1$" + bcrypt53, unknown},
	{"bcrypt cost hexadecimal", "$2b$0a$" + bcrypt53, unknown},
	{"bcrypt cost 3", "$2b$03$" + bcrypt53, limits},
	{"bcrypt cost 0", "$2b$00$" + bcrypt53, limits},
	{"bcrypt cost 16", "$2b$16$" + bcrypt53, limits},
	{"bcrypt cost 31", "$2b$31$" + bcrypt53, limits},
	{"bcrypt cost 99", "$2b$99$" + bcrypt53, limits},
	{"Django's bcrypt, one dollar", "bcrypt$2b$10$" + bcrypt53, unknown},
	{"Django's bcrypt, three dollars", "bcrypt$$$2b$10$" + bcrypt53, unknown},
	{"Django's bcrypt twice", "bcrypt$bcrypt$$2b$10$" + bcrypt53, unknown},
	{"Django's bcrypt of another form", "bcrypt$" + phc("i=1000"), unknown},
	{"Django's bcrypt, no dollar before the cost", "bcrypt$$2b_10$" + bcrypt53, unknown},
	{"Django's bcrypt 2x", "bcrypt$$2x$10$" + bcrypt53, unknown},
	{"Django's bcrypt cost 16", "bcrypt$$2b$16$" + bcrypt53, limits},
	{"Django's bcrypt alone", "bcrypt", unknown},
	{"bcrypt_sha256 alone", "bcrypt_sha256$", unknown},
	{"bcrypt_sha256 cost 31", "bcrypt_sha256$$2b$31$" + bcrypt53, limits},
	{"bcrypt_sha256 of itself", "bcrypt_sha256$bcrypt_sha256$$2b$10$" + bcrypt53, unknown},
	{"bcrypt-sha256 of passlib", "$bcrypt-sha256$v=2,t=2b,r=12$" + bcrypt53[:22] + "$" + bcrypt53[22:], unknown},

	{"PBKDF2 alone", "$pbkdf2-sha256", unknown},
	{"PBKDF2 without salt and hash", "$pbkdf2-sha256$i=1000", unknown},
	{"PBKDF2 without hash", "$pbkdf2-sha256$i=1000$" + salt16, unknown},
	{"PBKDF2 with more", phc("i=1000") + "$", unknown},
	{"PBKDF2 with more after a dollar", phc("i=1000") + "$AA", unknown},
	{"PBKDF2 with a newline", phc("i=1000") + "\n", unknown},
	{"PBKDF2 with a NUL", phc("i=1000") + "\x00", unknown},
	{"PBKDF2 without leading dollar", phc("i=1000")[1:], unknown},
	{"PBKDF2 in upper case", strings.ToUpper("$pbkdf2-sha256") + "$i=1000$" + salt16 + "$" + hash32, unknown},
	{"PBKDF2 of MD5", "$pbkdf2-md5$i=1000$" + salt16 + "$" + hash32, unknown},
	{"PBKDF2 of SHA-224", "$pbkdf2-sha224$i=1000$" + salt16 + "$" + hash32, unknown},
	{"PBKDF2, no iterations", phc(""), unknown},
	{"PBKDF2, empty iterations", phc("i="), unknown},
	{"PBKDF2, iterations 0", phc("i=0"), limits},
	{"PBKDF2, iterations 00", phc("i=00"), unknown},
	{"PBKDF2, negative iterations", phc("i=-1"), unknown},
	{"PBKDF2, signed iterations", phc("i=+1000"), unknown},
	{"PBKDF2, leading zero", phc("i=01000"), unknown},
	{"PBKDF2, hexadecimal", phc("i=0x10"), unknown},
	{"PBKDF2, underscore", phc("i=1_000"), unknown},
	{"PBKDF2, exponent", phc("i=1e3"), unknown},
	{"PBKDF2, fraction", phc("i=1000.0"), unknown},
	{"PBKDF2, other digits", phc("i=١٠٠٠"), unknown},
	{"PBKDF2, space", phc("i= 1000"), unknown},
	{"PBKDF2, iterations over the limit", phc("i=10000001"), limits},
	{"PBKDF2, iterations overflow 32 bits to 1000", phc("i=4294968296"), limits},
	{"PBKDF2, iterations overflow 64 bits to 1000", phc("i=18446744073709552616"), limits},
	{"PBKDF2, iterations of 900 digits", phc("i=" + strings.Repeat("9", 900)), limits},
	{"PBKDF2, work over the limit, SHA-256", "$pbkdf2-sha256$i=5000001$" + salt16 + "$" + zeros(33), limits},
	{"PBKDF2, work over the limit, SHA-512", "$pbkdf2-sha512$i=5000001$" + salt16 + "$" + zeros(64), limits},
	{"PBKDF2, work over the limit, SHA-1", "$pbkdf2$i=2500001$" + salt16 + "$" + zeros(64), limits},
	{"PBKDF2, l is wrong", phc("i=1000,l=31"), unknown},
	{"PBKDF2, l is empty", phc("i=1000,l="), unknown},
	{"PBKDF2, l with a leading zero", phc("i=1000,l=032"), unknown},
	{"PBKDF2, l twice", phc("i=1000,l=32,l=32"), unknown},
	{"PBKDF2, l before i", phc("l=32,i=1000"), unknown},
	{"PBKDF2, l only", phc("l=32"), unknown},
	{"PBKDF2, another parameter", phc("i=1000,k=32"), unknown},
	{"PBKDF2, comma", phc("i=1000,"), unknown},
	{"PBKDF2, l with passlib's form", phc("1000,l=32"), unknown},
	{"PBKDF2, salt empty", "$pbkdf2-sha256$i=1000$$" + hash32, limits},
	{"PBKDF2, salt of 129", "$pbkdf2-sha256$i=1000$" + zeros(129) + "$" + hash32, limits},
	{"PBKDF2, hash empty", "$pbkdf2-sha256$i=1000$" + salt16 + "$", limits},
	{"PBKDF2, hash of 15", "$pbkdf2-sha256$i=1000$" + salt16 + "$" + zeros(15), limits},
	{"PBKDF2, hash of 65", "$pbkdf2-sha256$i=1000$" + salt16 + "$" + zeros(65), limits},
	{"PBKDF2, salt padded", "$pbkdf2-sha256$i=1000$" + salt16 + "==$" + hash32, unknown},
	{"PBKDF2, hash padded", phc("i=1000") + "=", unknown},
	{"PBKDF2, URL-safe alphabet", "$pbkdf2-sha256$i=1000$" + strings.Repeat("-_", 11) + "$" + hash32, unknown},
	{"PBKDF2, passlib's alphabet in PHC", "$pbkdf2-sha256$i=1000$..AA$" + hash32, unknown},
	{"PBKDF2, standard alphabet in passlib's form", "$pbkdf2-sha256$1000$++AA$" + hash32, unknown},
	{"PBKDF2, line break in the salt", "$pbkdf2-sha256$i=1000$" + salt16[:4] + "\n" + salt16[4:] + "$" + hash32, unknown},
	{"PBKDF2, stray bits in the salt", "$pbkdf2-sha256$i=1000$" + salt16[:21] + "x$" + hash32, unknown},
	{"PBKDF2, stray bits in passlib's salt", "$pbkdf2-sha256$1000$./$" + hash32, unknown},
	{"PBKDF2, stray bits in the hash", "$pbkdf2-sha256$i=1000$" + salt16 + "$" + hash32[:42] + "9", unknown},
	{"PBKDF2, impossible length", "$pbkdf2-sha256$i=1000$" + salt16 + "$" + hash32[:41], unknown},

	{"Django's PBKDF2 alone", "pbkdf2_sha256$", unknown},
	{"Django's PBKDF2, no hash", "pbkdf2_sha256$1000$seasalt", unknown},
	{"Django's PBKDF2 with more", django("1000") + "$", unknown},
	{"Django's PBKDF2, leading dollar", "$" + django("1000"), unknown},
	{"Django's PBKDF2, not padded", strings.TrimSuffix(django("1000"), "="), unknown},
	{"Django's PBKDF2, padded twice", django("1000") + "=", unknown},
	{"Django's PBKDF2, i=", django("i=1000"), unknown},
	{"Django's PBKDF2, negative", django("-1000"), unknown},
	{"Django's PBKDF2, leading zero", django("0001000"), unknown},
	{"Django's PBKDF2, too much", django("99999999"), limits},
	{"Django's PBKDF2, none", django("0"), limits},
	{"Django's PBKDF2, no salt", strings.Replace(django("1000"), "seasalt", "", 1), limits},
	{"Django's PBKDF2, long salt", strings.Replace(django("1000"), "seasalt", strings.Repeat("s", 129), 1), limits},
	{"Django's PBKDF2, NUL in the salt", strings.Replace(django("1000"), "seasalt", "sea\x00salt", 1), unknown},
	{"Django's PBKDF2, space in the salt", strings.Replace(django("1000"), "seasalt", "sea salt", 1), unknown},
	{"Django's PBKDF2, broken UTF-8 in the salt", strings.Replace(django("1000"), "seasalt", "sea\xffsalt", 1), unknown},
	{"Django's PBKDF2 of SHA-512", strings.Replace(django("1000"), "sha256", "sha512", 1), unknown},

	{"scrypt alone", "$scrypt$", unknown},
	{"scrypt without hash", "$scrypt$ln=4,r=8,p=1$" + salt16, unknown},
	{"scrypt with more", scryptPHC("ln=4,r=8,p=1") + "$AA", unknown},
	{"scrypt, parameter missing", scryptPHC("ln=4,r=8"), unknown},
	{"scrypt, parameter more", scryptPHC("ln=4,r=8,p=1,x=1"), unknown},
	{"scrypt, out of order", scryptPHC("r=8,ln=4,p=1"), unknown},
	{"scrypt, N for ln", scryptPHC("N=16,r=8,p=1"), unknown},
	{"scrypt, leading zero", scryptPHC("ln=04,r=8,p=1"), unknown},
	{"scrypt, negative", scryptPHC("ln=4,r=-8,p=1"), unknown},
	{"scrypt, empty number", scryptPHC("ln=4,r=8,p="), unknown},
	{"scrypt, ln 0", scryptPHC("ln=0,r=8,p=1"), limits},
	{"scrypt, ln 19 with r 8", scryptPHC("ln=19,r=8,p=1"), limits},
	{"scrypt, ln 22", scryptPHC("ln=22,r=2,p=1"), limits},
	{"scrypt, ln 63", scryptPHC("ln=63,r=8,p=1"), limits},
	{"scrypt, ln 64", scryptPHC("ln=64,r=8,p=1"), limits},
	{"scrypt, ln 999999999", scryptPHC("ln=999999999,r=8,p=1"), limits},
	{"scrypt, ln 2^64+4", scryptPHC("ln=18446744073709551620,r=8,p=1"), limits},
	{"scrypt, N too large for r", scryptPHC("ln=16,r=1,p=1"), limits},
	{"scrypt, r 0", scryptPHC("ln=4,r=0,p=1"), limits},
	{"scrypt, r 33", scryptPHC("ln=4,r=33,p=1"), limits},
	{"scrypt, r of a gigabyte", scryptPHC("ln=1,r=4194304,p=1"), limits},
	{"scrypt, p 0", scryptPHC("ln=4,r=8,p=0"), limits},
	{"scrypt, p 17", scryptPHC("ln=4,r=8,p=17"), limits},
	{"scrypt, p for ever", scryptPHC("ln=4,r=8,p=134217727"), limits},
	{"scrypt, work over the limit", scryptPHC("ln=18,r=8,p=3"), limits},
	{"scrypt, hash padded", scryptPHC("ln=4,r=8,p=1") + "=", unknown},
	{"scrypt, salt empty", "$scrypt$ln=4,r=8,p=1$$" + hash32, limits},
	{"scrypt, hash of 15", "$scrypt$ln=4,r=8,p=1$" + salt16 + "$" + zeros(15), limits},
	{"Django's scrypt alone", "scrypt", unknown},
	{"Django's scrypt, hash missing", "scrypt$16$seasalt$8$1", unknown},
	{"Django's scrypt with more", djangoScrypt("16", "8", "1") + "$", unknown},
	{"Django's scrypt, salt first", "scrypt$seasalt$16$8$1$" + hash32 + "=", unknown},
	{"Django's scrypt, not padded", strings.TrimSuffix(djangoScrypt("16", "8", "1"), "="), unknown},
	{"Django's scrypt, N 0", djangoScrypt("0", "8", "1"), limits},
	{"Django's scrypt, N 1", djangoScrypt("1", "8", "1"), limits},
	{"Django's scrypt, N 3", djangoScrypt("3", "8", "1"), limits},
	{"Django's scrypt, N 16383", djangoScrypt("16383", "8", "1"), limits},
	{"Django's scrypt, N 3 * 2^13", djangoScrypt("24576", "8", "1"), limits},
	{"Django's scrypt, N 2^19", djangoScrypt("524288", "8", "1"), limits},
	{"Django's scrypt, N 2^64", djangoScrypt("18446744073709551616", "8", "1"), limits},
	{"Django's scrypt, N negative", djangoScrypt("-16", "8", "1"), unknown},
	{"Django's scrypt, r for ever", djangoScrypt("2", "99999999", "1"), limits},
	{"Django's scrypt, p for ever", djangoScrypt("2", "8", "999999999999"), limits},
	{"Django's scrypt, no salt", strings.Replace(djangoScrypt("16", "8", "1"), "seasalt", "", 1), limits},
}

func TestParseRefuses(t *testing.T) {
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			h, err := foreignhash.Parse(c.text)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if h.Name() != "" || h.Memory() != 0 || h.Verify(nil) {
				t.Error("a Hash comes with the error")
			}
			for part := range strings.SplitSeq(c.text, "$") {
				if len(part) > 6 && strings.Contains(err.Error(), part) && !strings.Contains("scrypt bcrypt pbkdf2 argon2", part) {
					t.Errorf("the error %q repeats the text", err)
				}
			}
		})
	}
}

// The limits themselves are accepted.
func TestParseAccepts(t *testing.T) {
	for text, want := range map[string]string{
		"$2a$04$" + bcrypt53:                 "bcrypt",
		"$2y$15$" + bcrypt53:                 "bcrypt",
		"bcrypt$$2y$15$" + bcrypt53:          "bcrypt",
		"bcrypt_sha256$$2a$15$" + bcrypt53:   "bcrypt-sha256",
		phc("i=1"):                           "pbkdf2-sha256",
		phc("1"):                             "pbkdf2-sha256",
		phc("i=10000000,l=32"):               "pbkdf2-sha256",
		phc("10000000"):                      "pbkdf2-sha256",
		django("10000000"):                   "pbkdf2-sha256",
		"pbkdf2_sha1$1$s$" + zeros(20) + "=": "pbkdf2-sha1",
		"$pbkdf2-sha1$i=1$AA$" + zeros(16):   "pbkdf2-sha1",
		"$pbkdf2$i=2500000,l=64$" + zeros(128) + "$" + zeros(64):             "pbkdf2-sha1",
		"$pbkdf2-sha256$i=5000000,l=64$AA$" + zeros(64):                      "pbkdf2-sha256",
		"$pbkdf2-sha512$i=5000000,l=64$AA$" + zeros(64):                      "pbkdf2-sha512",
		strings.Replace(django("1"), "seasalt", strings.Repeat("~!", 64), 1): "pbkdf2-sha256",
		scryptPHC("ln=1,r=1,p=1"):                                            "scrypt",
		scryptPHC("ln=15,r=1,p=16"):                                          "scrypt",
		scryptPHC("ln=18,r=8,p=2"):                                           "scrypt",
		scryptPHC("ln=16,r=32,p=2"):                                          "scrypt",
		scryptPHC("ln=20,r=2,p=2"):                                           "scrypt",
		scryptPHC("ln=13,r=32,p=16"):                                         "scrypt",
		djangoScrypt("262144", "8", "2"):                                     "scrypt",
		"$scrypt$ln=1,r=1,p=1$" + zeros(128) + "$" + zeros(64):               "scrypt",
	} {
		h, err := foreignhash.Parse(text)
		if err != nil || h.Name() != want {
			t.Errorf("%s: %q, %v", text, h.Name(), err)
		}
	}
}

// What is refused must not cost what it asks for, nor what is only parsed.
func TestParseTakesNoMemory(t *testing.T) {
	texts := []string{scryptPHC("ln=18,r=8,p=2"), phc("i=10000000")}
	for _, c := range hostile {
		texts = append(texts, c.text)
	}
	for _, text := range texts {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = foreignhash.Parse(text)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 64<<10 {
			t.Errorf("%.60q took %d bytes", text, took)
		}
	}
}

// A printed Hash shows no salt and no hash.
func TestPrintedHash(t *testing.T) {
	for name, text := range cheap {
		h := parse(t, text)
		printed := fmt.Sprintf("%v %+v %#v", h, h, h)
		if strings.Contains(printed, text[len(text)-16:]) || strings.Contains(printed, "[]byte") || len(printed) > 300 {
			t.Errorf("%s prints as %s", name, printed)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range hostile {
		if len(c.text) <= 1100 {
			f.Add(c.text)
		}
	}
	for _, text := range cheap {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h, err := foreignhash.Parse(text)
		if err != nil {
			if !errors.Is(err, unknown) && !errors.Is(err, limits) && !errors.Is(err, argon2) {
				t.Fatalf("an error of no kind: %v", err)
			}
			if h.Name() != "" {
				t.Fatal("a Hash comes with the error")
			}
			return
		}
		if h.Name() == "" || h.Memory() < 8 || h.Memory() > foreignhash.MaxScryptMemory {
			t.Fatalf("%q, %d KiB", h.Name(), h.Memory())
		}
		if strings.ContainsAny(text, " \n\r\t\x00") || len(text) > foreignhash.MaxText {
			t.Fatal("accepted with what is in no form")
		}
		for _, more := range []string{text + "$", "$" + text, text + "\n", text + "=", " " + text} {
			if _, err := foreignhash.Parse(more); err == nil {
				t.Fatalf("%q is accepted too", more)
			}
		}
	})
}
