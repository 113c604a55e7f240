package argon2_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	xargon2 "golang.org/x/crypto/argon2"

	"github.com/seed-60f9e3ad/identity/internal/argon2"
)

// dirty is memory that another hash was in, or worse.
func dirty(blocks uint32, with uint64) []argon2.Block {
	memory := make([]argon2.Block, blocks)
	for i := range memory {
		for j := range memory[i] {
			memory[i][j] = with ^ uint64(i*len(memory[i])+j)*0x9e3779b97f4a7c15
		}
	}
	return memory
}

// kernel says whether there is one on this machine to test. In all that is measured and
// shipped for amd64 there is.
func kernel(t testing.TB) bool {
	t.Helper()
	if !argon2.HasKernel() {
		t.Logf("no kernel for %s without AVX2: hashes are those of golang.org/x/crypto", runtime.GOARCH)
	}
	return argon2.HasKernel()
}

// TestKernelVector is the test vector of RFC 9106 section 5.3.
func TestKernelVector(t *testing.T) {
	if !kernel(t) {
		return
	}
	of := func(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }
	p := argon2.Params{Memory: 32, Time: 3, Threads: 4}
	const want = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
	if got := argon2.Derive(dirty(32, 1), of(1, 32), of(2, 16), of(3, 8), of(4, 12), p, 32); hex.EncodeToString(got) != want {
		t.Errorf("got %x, want %s", got, want)
	}
}

// The kernel computes what golang.org/x/crypto does, in memory that holds anything.
func TestKernelAsXCrypto(t *testing.T) {
	if !kernel(t) {
		return
	}
	for _, threads := range []uint8{1, 2, 3, 4, 16} {
		for _, perLane := range []uint32{8, 9, 11, 12, 515, 1031} { // KiB, also such that leave a rest
			for _, passes := range []uint32{1, 2, 3} {
				p := argon2.Params{Memory: perLane * uint32(threads), Time: passes, Threads: threads}
				for _, length := range []int{4, 16, 32, 33, 64} {
					got := argon2.Derive(dirty(p.Memory, uint64(length)), []byte("password"), []byte("some salt"), nil, nil, p, length)
					want := xargon2.IDKey([]byte("password"), []byte("some salt"), passes, p.Memory, threads, uint32(length))
					if !bytes.Equal(got, want) {
						t.Errorf("%+v, %d bytes: got %x, want %x", p, length, got, want)
					}
				}
			}
		}
	}
}

// FuzzKernel compares the two for whatever is hashed.
func FuzzKernel(f *testing.F) {
	f.Add([]byte("password"), []byte("salt of 16 bytes"), uint16(64), uint8(2), uint8(1), uint8(32), uint64(7))
	f.Add([]byte{}, []byte("saltsalt"), uint16(33), uint8(1), uint8(4), uint8(4), ^uint64(0))
	f.Add(bytes.Repeat([]byte{0xff}, 200), []byte("saltsalt"), uint16(700), uint8(3), uint8(2), uint8(64), uint64(0))
	f.Fuzz(func(t *testing.T, password, salt []byte, memory uint16, passes, threads, length uint8, dirt uint64) {
		p := argon2.Params{Threads: threads%4 + 1, Time: uint32(passes%4) + 1}
		p.Memory = uint32(memory%2048) + 8*uint32(p.Threads)
		n := argon2.MinTag + int(length)%(argon2.MaxTag-argon2.MinTag+1)
		if !kernel(t) {
			return
		}
		got := argon2.Derive(dirty(p.Memory, dirt), password, salt, nil, nil, p, n)
		want := xargon2.IDKey(password, salt, p.Time, p.Memory, p.Threads, uint32(n))
		if !bytes.Equal(got, want) {
			t.Errorf("%+v, %d bytes: got %x, want %x", p, n, got, want)
		}
	})
}

// Hashes of one pool use each other's memory, of whatever size they are, and are those of
// golang.org/x/crypto all the same.
func TestMemoryIsUsedAgain(t *testing.T) {
	if !kernel(t) {
		return
	}
	pool := newPool(t, argon2.Config{Params: argon2.Params{Memory: 256, Time: 2, Threads: 1}, Slots: 3, Memory: 4096})
	var hashing sync.WaitGroup
	for i := range 60 {
		hashing.Go(func() {
			password := fmt.Sprint("password ", i)
			phc, err := pool.Hash(t.Context(), someone, []byte(password))
			if i%3 > 0 && err == nil { // another size
				p := argon2.Params{Memory: []uint32{32, 2048}[i%2], Time: 1, Threads: 2}
				tag := xargon2.IDKey([]byte(password), []byte("salt of 16 bytes"), p.Time, p.Memory, p.Threads, 16)
				phc = fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", p.Memory, p.Time, p.Threads, base64.RawStdEncoding.EncodeToString([]byte("salt of 16 bytes")), base64.RawStdEncoding.EncodeToString(tag))
			}
			if err != nil {
				t.Error(err)
				return
			}
			if ok, err := pool.Verify(t.Context(), someone, phc, []byte(password)); !ok || err != nil {
				t.Errorf("%s: %v, %v", phc, ok, err)
			}
			if ok, err := pool.Verify(t.Context(), someone, phc, []byte(password+" ")); ok || err != nil {
				t.Errorf("%s, wrong: %v, %v", phc, ok, err)
			}
		})
	}
	hashing.Wait()
	if kept := pool.KeptMemory(); kept < 1 || kept > 3 {
		t.Errorf("the memory of %d hashes is kept, of 3 slots", kept)
	}
}

// Memory in which somebody's password was hashed is given back to the system soon, and
// comes back empty.
func TestMemoryIsGivenBack(t *testing.T) {
	if !kernel(t) {
		return
	}
	synctest.Test(t, func(t *testing.T) {
		pool := newPool(t, argon2.Config{Params: small, Slots: 1})
		for range 3 {
			phc, err := pool.Hash(t.Context(), someone, []byte("password"))
			if err != nil || !strings.HasPrefix(phc, "$argon2id$") {
				t.Fatalf("%q, %v", phc, err)
			}
			if kept := pool.KeptMemory(); kept != 1 {
				t.Errorf("the memory of %d hashes is kept", kept)
			}
			time.Sleep(time.Minute)
			if kept := pool.KeptMemory(); kept != 0 {
				t.Errorf("the memory of %d hashes is kept for a minute", kept)
			}
		}
	})
}

func BenchmarkKernel(b *testing.B) {
	p := argon2.DefaultParams()
	b.Run("kernel", func(b *testing.B) {
		if !kernel(b) {
			return
		}
		memory := dirty(p.Memory, 0)
		for b.Loop() {
			argon2.Derive(memory, []byte("correct horse"), []byte("salt of 16 bytes"), nil, nil, p, 32)
		}
	})
	b.Run("x-crypto", func(b *testing.B) {
		for b.Loop() {
			xargon2.IDKey([]byte("correct horse"), []byte("salt of 16 bytes"), p.Time, p.Memory, p.Threads, 32)
		}
	})
}
