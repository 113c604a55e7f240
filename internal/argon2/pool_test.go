package argon2_test

import (
	"context"
	"errors"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/argon2"
)

// small keeps the tests fast.
var small = argon2.Params{Memory: 64, Time: 1, Threads: 1}

// someone is on whose behalf most tests hash.
var someone = argon2.Party{Class: argon2.People}

func newPool(t testing.TB, c argon2.Config) *argon2.Pool {
	t.Helper()
	pool, err := argon2.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

func TestVerifyArgon2CFFI(t *testing.T) {
	pool := newPool(t, argon2.Config{})
	for _, v := range vectors(t) {
		variant := strings.Split(v.PHC, "$")[1]
		t.Run(variant+" "+v.Password, func(t *testing.T) {
			ok, err := pool.Verify(t.Context(), someone, v.PHC, []byte(v.Password))
			if variant == "argon2d" {
				if ok || !errors.Is(err, argon2.ErrArgon2d) {
					t.Fatalf("got %v, %v, want it refused as Argon2d", ok, err)
				}
				return
			}
			if !ok || err != nil {
				t.Errorf("the password: %v, %v", ok, err)
			}
			if ok, err := pool.Verify(t.Context(), someone, v.PHC, []byte(v.Password+"\x00")); ok || err != nil {
				t.Errorf("another password: %v, %v", ok, err)
			}
		})
	}
}

func TestHash(t *testing.T) {
	form := regexp.MustCompile(`^\$argon2id\$v=19\$m=64,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`)
	pool := newPool(t, argon2.Config{Params: small})
	for _, password := range []string{"", "p", "pässwörd ключ", "with\x00NUL", strings.Repeat("long", 1024)} {
		phc, err := pool.Hash(t.Context(), someone, []byte(password))
		if err != nil || !form.MatchString(phc) {
			t.Fatalf("%q, %v", phc, err)
		}
		again, err := pool.Hash(t.Context(), someone, []byte(password))
		if err != nil || again == phc {
			t.Errorf("the salt is not random: %v", err)
		}
		if ok, err := pool.Verify(t.Context(), someone, phc, []byte(password)); !ok || err != nil {
			t.Errorf("right password: %v, %v", ok, err)
		}
		for _, wrong := range []string{password + " ", strings.ToUpper(password) + "x", password + "\x00"} {
			if ok, err := pool.Verify(t.Context(), someone, phc, []byte(wrong)); ok || err != nil {
				t.Errorf("wrong password: %v, %v", ok, err)
			}
		}
		if pool.NeedsRehash(phc) {
			t.Error("a fresh hash needs rehashing")
		}
	}
}

// The zero Config makes hashes with the default parameters.
func TestHashDefault(t *testing.T) {
	pool := newPool(t, argon2.Config{})
	phc, err := pool.Hash(t.Context(), someone, []byte("password"))
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("%q, %v", phc, err)
	}
}

// A changed character anywhere in the tag must not verify.
func TestVerifyChangedTag(t *testing.T) {
	pool := newPool(t, argon2.Config{Params: small})
	phc, err := pool.Hash(t.Context(), someone, []byte("password"))
	if err != nil {
		t.Fatal(err)
	}
	for i := strings.LastIndexByte(phc, '$') + 1; i < len(phc); i++ {
		c := byte('A')
		if phc[i] == c {
			c = 'E' // keeps the bits that the last character must not have
		}
		if ok, err := pool.Verify(t.Context(), someone, phc[:i]+string(c)+phc[i+1:], []byte("password")); ok || err != nil {
			t.Errorf("character %d: %v, %v", i, ok, err)
		}
	}
}

// Burn must do the work of a Verify: the same parameters, one slot.
func TestBurn(t *testing.T) {
	pool := newPool(t, argon2.Config{Params: small, Slots: 1, Wait: time.Millisecond})
	h, err := argon2.Parse(pool.Dummy())
	if err != nil || h.Params != small || h.Variant != argon2.Argon2id || len(pool.Dummy()) != len("$argon2id$v=19$m=64,t=1,p=1$")+22+1+43 {
		t.Errorf("the dummy is not of the form that Hash makes: %v", err)
	}
	if err := pool.Burn(t.Context(), someone); err != nil {
		t.Error(err)
	}
	release, err := pool.Occupy(t.Context(), someone, 64)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if err := pool.Burn(t.Context(), someone); !errors.Is(err, argon2.ErrOverloaded) {
		t.Errorf("Burn did not take a slot: %v", err)
	}
	if other := newPool(t, argon2.Config{Params: small}); other.Dummy() == pool.Dummy() {
		t.Error("two pools share a dummy")
	}
}

func TestNeedsRehash(t *testing.T) {
	pool := newPool(t, argon2.Config{Params: argon2.Params{Memory: 19456, Time: 2, Threads: 1}})
	for _, c := range []struct {
		name, phc string
		want      bool
	}{
		{"the pool's own", good, false},
		{"more memory", with("m=65536,t=2,p=1"), false},
		{"more passes", with("m=19456,t=3,p=1"), false},
		{"more lanes", with("m=19456,t=2,p=4"), false},
		{"argon2-cffi's default", bytesOf16("m=65536,t=3,p=4"), false},
		{"more memory, fewer passes, more work", with("m=47104,t=1,p=1"), false},
		{"more memory, fewer passes, less work", with("m=20000,t=1,p=1"), true},
		{"less memory", with("m=19455,t=2,p=1"), true},
		{"less memory, more passes", with("m=12288,t=4,p=1"), true},
		{"fewer passes", with("m=19456,t=1,p=1"), true},
		{"argon2i", strings.Replace(good, "argon2id", "argon2i", 1), true},
		{"short salt", bytesOf("AAECAwQFBgcICQoLDA0O", tag32), true},
		{"short tag", bytesOf(salt16, "AAECAwQFBgcICQoLDA0O"), true},
		{"argon2d", strings.Replace(good, "argon2id", "argon2d", 1), true},
		{"no hash", "", true},
	} {
		if got := pool.NeedsRehash(c.phc); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func bytesOf16(params string) string {
	return "$argon2id$v=19$" + params + "$" + salt16 + "$" + salt16
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]argon2.Config{
		"no passes":      {Params: argon2.Params{Memory: 19456, Threads: 1}},
		"no lanes":       {Params: argon2.Params{Memory: 19456, Time: 2}},
		"no memory":      {Params: argon2.Params{Time: 2, Threads: 1}},
		"too much":       {Params: argon2.Params{Memory: argon2.MaxMemory + 1, Time: 1, Threads: 1}},
		"negative slots": {Slots: -1},
		"many slots":     {Slots: 1 << 62},
		"negative queue": {Queue: -1},
		"long queue":     {Queue: 1 << 62},
		"negative wait":  {Wait: -1},
		"no room":        {Memory: int64(argon2.DefaultParams().Memory) - 1},
		"negative room":  {Memory: -1},
		"slots too many": {Memory: 3 * int64(argon2.DefaultParams().Memory), Slots: 4},
	} {
		if _, err := argon2.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	pool := newPool(b, argon2.Config{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pool.Hash(context.Background(), someone, []byte("correct horse")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	pool := newPool(b, argon2.Config{})
	phc, err := pool.Hash(context.Background(), someone, []byte("correct horse"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := pool.Verify(context.Background(), someone, phc, []byte("correct horse")); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

// TestMakeRoom leaves as many processors to others as there were, however often it is called,
// and what the pool says of the machine stays.
func TestMakeRoom(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	pool, err := argon2.New(argon2.Config{Params: argon2.Params{Memory: 64, Time: 1, Threads: 1}, Slots: 3})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		pool.MakeRoom()
		if got := runtime.GOMAXPROCS(0); got != before+3 || pool.Stats().Cores != before {
			t.Errorf("%d processors, and the pool says %d; there were %d", got, pool.Stats().Cores, before)
		}
	}
}
