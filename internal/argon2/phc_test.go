package argon2_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/argon2"
)

const (
	salt16 = "AAECAwQFBgcICQoLDA0ODw"
	tag32  = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
	good   = "$argon2id$v=19$m=19456,t=2,p=1$" + salt16 + "$" + tag32
)

// hostile are PHC strings that must be refused, with why.
var hostile = []struct {
	name, phc string
	want      error
}{
	{"empty", "", argon2.ErrMalformed},
	{"one dollar", "$", argon2.ErrMalformed},
	{"dollars", "$$$$$", argon2.ErrMalformed},
	{"many dollars", strings.Repeat("$", 512), argon2.ErrMalformed},
	{"too long", good + strings.Repeat("A", 512), argon2.ErrMalformed},
	{"no leading dollar", good[1:], argon2.ErrMalformed},
	{"leading space", " " + good, argon2.ErrMalformed},
	{"trailing space", good + " ", argon2.ErrMalformed},
	{"trailing newline", good + "\n", argon2.ErrMalformed},
	{"trailing dollar", good + "$", argon2.ErrMalformed},
	{"NUL", good + "\x00", argon2.ErrMalformed},
	{"bcrypt", "$2b$12$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", argon2.ErrMalformed},
	{"scrypt", "$scrypt$ln=16,r=8,p=1$" + salt16 + "$" + tag32, argon2.ErrMalformed},
	{"upper case", strings.Replace(good, "argon2id", "Argon2id", 1), argon2.ErrMalformed},
	{"unknown variant", strings.Replace(good, "argon2id", "argon2", 1), argon2.ErrMalformed},
	{"argon2d", strings.Replace(good, "argon2id", "argon2d", 1), argon2.ErrArgon2d},
	{"argon2d alone", "$argon2d$", argon2.ErrArgon2d},
	{"version 16", strings.Replace(good, "v=19", "v=16", 1), argon2.ErrVersion},
	{"version absent", strings.Replace(good, "v=19$", "", 1), argon2.ErrVersion},
	{"version 20", strings.Replace(good, "v=19", "v=20", 1), argon2.ErrVersion},
	{"version +19", strings.Replace(good, "v=19", "v=+19", 1), argon2.ErrVersion},
	{"version 019", strings.Replace(good, "v=19", "v=019", 1), argon2.ErrVersion},
	{"version misnamed", strings.Replace(good, "v=19", "x=19", 1), argon2.ErrMalformed},
	{"only the variant", "$argon2id", argon2.ErrMalformed},
	{"only the version", "$argon2id$v=19", argon2.ErrMalformed},
	{"no tag", "$argon2id$v=19$m=19456,t=2,p=1$" + salt16, argon2.ErrMalformed},
	{"parameter missing", with("m=19456,t=2"), argon2.ErrMalformed},
	{"parameters out of order", with("t=2,m=19456,p=1"), argon2.ErrMalformed},
	{"parameter twice", with("m=19456,m=19456,p=1"), argon2.ErrMalformed},
	{"parameter more", with("m=19456,t=2,p=1,keyid=AA"), argon2.ErrMalformed},
	{"no parameters", with(""), argon2.ErrMalformed},
	{"spaces", with("m=19456, t=2, p=1"), argon2.ErrMalformed},
	{"empty number", with("m=,t=2,p=1"), argon2.ErrMalformed},
	{"sign", with("m=+19456,t=2,p=1"), argon2.ErrMalformed},
	{"negative", with("m=-1,t=2,p=1"), argon2.ErrMalformed},
	{"leading zero", with("m=019456,t=2,p=1"), argon2.ErrMalformed},
	{"leading zero in t", with("m=19456,t=02,p=1"), argon2.ErrMalformed},
	{"hexadecimal", with("m=0x4c00,t=2,p=1"), argon2.ErrMalformed},
	{"underscore", with("m=19_456,t=2,p=1"), argon2.ErrMalformed},
	{"exponent", with("m=1e4,t=2,p=1"), argon2.ErrMalformed},
	{"other digits", with("m=١٩٤٥٦,t=2,p=1"), argon2.ErrMalformed},
	{"memory overflows 32 bits to 19456", with("m=4294986752,t=2,p=1"), argon2.ErrMalformed},
	{"memory overflows 64 bits", with("m=18446744073709551617,t=2,p=1"), argon2.ErrMalformed},
	{"lanes overflow 8 bits to 1", with("m=19456,t=2,p=257"), argon2.ErrMalformed},
	{"all memory there is", with("m=4294967295,t=2,p=1"), argon2.ErrLimits},
	{"memory over the limit", with("m=262145,t=1,p=1"), argon2.ErrLimits},
	{"memory under 8 per lane", with("m=31,t=2,p=4"), argon2.ErrLimits},
	{"memory zero", with("m=0,t=2,p=1"), argon2.ErrLimits},
	{"time zero", with("m=19456,t=0,p=1"), argon2.ErrLimits},
	{"time over the limit", with("m=8,t=33,p=1"), argon2.ErrLimits},
	{"time for ever", with("m=8,t=4294967295,p=1"), argon2.ErrLimits},
	{"memory times passes over the limit", with("m=262144,t=9,p=1"), argon2.ErrLimits},
	{"no lanes", with("m=19456,t=2,p=0"), argon2.ErrLimits},
	{"lanes over the limit", with("m=19456,t=2,p=17"), argon2.ErrLimits},
	{"salt empty", bytesOf("", tag32), argon2.ErrLimits},
	{"salt of 7", bytesOf("AAECAwQFBg", tag32), argon2.ErrLimits},
	{"salt of 65", bytesOf(strings.Repeat("AAAA", 21)+"AAA", tag32), argon2.ErrLimits},
	{"tag empty", bytesOf(salt16, ""), argon2.ErrLimits},
	{"tag of 3", bytesOf(salt16, "AAEC"), argon2.ErrLimits},
	{"tag of 65", bytesOf(salt16, strings.Repeat("AAAA", 21)+"AAA"), argon2.ErrLimits},
	{"salt padded", bytesOf(salt16+"==", tag32), argon2.ErrMalformed},
	{"tag padded", bytesOf(salt16, tag32+"="), argon2.ErrMalformed},
	{"url-safe alphabet", bytesOf(strings.Repeat("-_", 11), tag32), argon2.ErrMalformed},
	{"line break in the salt", bytesOf(salt16[:4]+"\n"+salt16[4:], tag32), argon2.ErrMalformed},
	{"carriage return in the tag", bytesOf(salt16, tag32[:8]+"\r"+tag32[8:]), argon2.ErrMalformed},
	{"stray trailing bits in the salt", bytesOf("AAECAwQFBgcICQoLDA0ODx", tag32), argon2.ErrMalformed},
	{"impossible length", bytesOf(salt16, tag32[:41]), argon2.ErrMalformed},
}

func with(params string) string {
	return "$argon2id$v=19$" + params + "$" + salt16 + "$" + tag32
}

func bytesOf(salt, tag string) string {
	return "$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + tag
}

func TestParseRefuses(t *testing.T) {
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			_, err := argon2.Parse(c.phc)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err != nil && len(c.phc) > 40 && strings.Contains(err.Error(), salt16) {
				t.Error("the error repeats the hash")
			}
		})
	}
}

func TestParseAccepts(t *testing.T) {
	for _, phc := range []string{
		good,
		strings.Replace(good, "argon2id", "argon2i", 1),
		with("m=8,t=1,p=1"),
		with("m=128,t=32,p=16"),
		with("m=262144,t=8,p=1"), // the limits themselves
		with("m=65536,t=32,p=16"),
		bytesOf("AAECAwQFBgc", "AAECAw"),
		bytesOf(strings.Repeat("AAAA", 21)+"AA", strings.Repeat("////", 21)+"/w"),
	} {
		h, err := argon2.Parse(phc)
		if err != nil {
			t.Errorf("%s: %v", phc, err)
		} else if h.PHC() != phc {
			t.Errorf("%s came back as %s", phc, h.PHC())
		}
	}
}

// A refused hash must not cost what it asks for.
func TestHostileTakesNoMemory(t *testing.T) {
	pool := newPool(t, argon2.Config{Params: small})
	for _, c := range hostile {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		ok, err := pool.Verify(context.Background(), someone, c.phc, []byte("x"))
		runtime.ReadMemStats(&after)
		if ok || err == nil {
			t.Errorf("%s: verified: %v, %v", c.name, ok, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 64<<10 {
			t.Errorf("%s: took %d bytes", c.name, took)
		}
	}
}

type vector struct {
	Password string `json:"password"`
	PHC      string `json:"phc"`
}

// vectors returns the hashes that argon2-cffi made.
func vectors(t *testing.T) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/argon2-cffi.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []vector `json:"argon2_cffi"`
	}
	if err := json.Unmarshal(data, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	return file.Vectors
}

func FuzzParse(f *testing.F) {
	f.Add(good)
	f.Add(with("m=4294967295,t=4294967295,p=255"))
	for _, c := range hostile {
		f.Add(c.phc)
	}
	f.Fuzz(func(t *testing.T, phc string) {
		h, err := argon2.Parse(phc)
		if err != nil {
			return
		}
		if h.PHC() != phc {
			t.Errorf("%q came back as %q", phc, h.PHC())
		}
		p := h.Params
		if p.Memory > argon2.MaxMemory || p.Time > argon2.MaxTime || p.Threads > argon2.MaxThreads ||
			uint64(p.Memory)*uint64(p.Time) > argon2.MaxMemoryTime || p.Memory < 8*uint32(p.Threads) || p.Time*uint32(p.Threads) == 0 {
			t.Errorf("%q is outside the limits", phc)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := argon2.Parse(good); err != nil {
			b.Fatal(err)
		}
	}
}
