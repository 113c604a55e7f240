package seal_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/seal"
)

var place = seal.Place{Table: "signing_keys", Column: "private_key", Row: "kid-1", Version: 1}

func newSealer(t testing.TB, keys ...string) *seal.Sealer {
	t.Helper()
	var wrappers []seal.KeyWrapper
	for _, text := range keys {
		wrappers = append(wrappers, parseKey(t, text))
	}
	sealer, err := seal.New(wrappers...)
	if err != nil {
		t.Fatal(err)
	}
	return sealer
}

func sealed(t testing.TB, sealer *seal.Sealer, plaintext string) identity.Sealed {
	t.Helper()
	s, err := sealer.Seal([]byte(plaintext), place)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parts(t testing.TB, wrapperID, dataKey string, ciphertext []byte) identity.Sealed {
	t.Helper()
	s, err := identity.NewSealed(wrapperID, dataKey, ciphertext)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func refuses(t *testing.T, sealer *seal.Sealer, name string, s identity.Sealed, at seal.Place, want error) {
	t.Helper()
	got, err := sealer.Open(s, at)
	if !errors.Is(err, want) || got != nil {
		t.Errorf("%s: got %v, want %v", name, err, want)
	}
	if errors.Is(err, seal.ErrUnknownKey) && errors.Is(err, seal.ErrDamaged) {
		t.Errorf("%s: the error is of both kinds", name)
	}
}

func TestSealOpen(t *testing.T) {
	for _, keys := range [][]string{{strongText}, {weakText}, {strongText, weakText}} {
		sealer := newSealer(t, keys...)
		for _, plaintext := range []string{"", "x", "-----BEGIN PRIVATE KEY-----", strings.Repeat("long", 5000)} {
			s := sealed(t, sealer, plaintext)
			if got, err := sealer.Open(s, place); err != nil || string(got) != plaintext {
				t.Errorf("%d bytes: %v", len(plaintext), err)
			}
			if s.WrapperID() != parseKey(t, keys[0]).ID() {
				t.Error("not sealed under the first key")
			}
			if len(plaintext) > 1 && bytes.Contains(s.Ciphertext(), []byte(plaintext)) {
				t.Error("the plaintext is in the ciphertext")
			}
			twice := sealed(t, sealer, plaintext)
			if bytes.Equal(twice.Ciphertext()[:12], s.Ciphertext()[:12]) {
				t.Error("a nonce is used twice")
			}
			a, errA := parseKey(t, keys[0]).Unwrap(s.DataKey())
			b, errB := parseKey(t, keys[0]).Unwrap(twice.DataKey())
			if errA != nil || errB != nil || len(a) != 32 || bytes.Equal(a, b) {
				t.Error("the data key is not a fresh one of 32 bytes")
			}
		}
	}
}

// associatedData spells out the encoding that stored values depend on.
func associatedData(p seal.Place) []byte {
	data := []byte("identity sealed value 1\x00")
	for _, s := range []string{p.Table, p.Column, p.Row} {
		data = binary.BigEndian.AppendUint64(data, uint64(len(s)))
		data = append(data, s...)
	}
	return binary.BigEndian.AppendUint64(data, uint64(p.Version))
}

// openByHand opens a ciphertext with nothing of this package.
func openByHand(t testing.TB, dataKey, ciphertext, associated []byte) ([]byte, error) {
	t.Helper()
	block, err := aes.NewCipher(dataKey)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return gcm.Open(nil, ciphertext[:12], ciphertext[12:], associated)
}

func TestSealedForm(t *testing.T) {
	s := sealed(t, newSealer(t, strongText), "hello")
	dataKey, err := parseKey(t, strongText).Unwrap(s.DataKey())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := openByHand(t, dataKey, s.Ciphertext(), associatedData(place)); err != nil || string(got) != "hello" {
		t.Errorf("stored values of this form do not open any more: %v", err)
	}
}

func TestOpenAtAnotherPlace(t *testing.T) {
	sealer := newSealer(t, strongText)
	s := sealed(t, sealer, "secret")
	for name, change := range map[string]func(*seal.Place){
		"table":            func(p *seal.Place) { p.Table = "users" },
		"column":           func(p *seal.Place) { p.Column = "other" },
		"row":              func(p *seal.Place) { p.Row = "kid-2" },
		"version":          func(p *seal.Place) { p.Version = 2 },
		"version negative": func(p *seal.Place) { p.Version = -1 },
		"shifted border":   func(p *seal.Place) { p.Table, p.Column = "signing_keysp", "rivate_key" },
		"shifted to row":   func(p *seal.Place) { p.Column, p.Row = "private_keyk", "id-1" },
		"swapped":          func(p *seal.Place) { p.Table, p.Column = p.Column, p.Table },
		"case":             func(p *seal.Place) { p.Row = "KID-1" },
		"NUL":              func(p *seal.Place) { p.Row += "\x00" },
		"nowhere":          func(p *seal.Place) { *p = seal.Place{} },
	} {
		other := place
		change(&other)
		refuses(t, sealer, name, s, other, seal.ErrDamaged)
	}
}

func TestOpenSwapped(t *testing.T) {
	sealer := newSealer(t, strongText)
	here, there := place, place
	there.Row = "kid-2"
	a := sealed(t, sealer, "a")
	b, err := sealer.Seal([]byte("b"), there)
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, sealer, "whole values swapped", b, here, seal.ErrDamaged)
	refuses(t, sealer, "ciphertexts swapped", parts(t, a.WrapperID(), a.DataKey(), b.Ciphertext()), here, seal.ErrDamaged)
	refuses(t, sealer, "data keys swapped", parts(t, a.WrapperID(), b.DataKey(), a.Ciphertext()), here, seal.ErrDamaged)
}

func TestOpenDamaged(t *testing.T) {
	sealer := newSealer(t, strongText, weakText)
	s := sealed(t, sealer, "secret")
	text := s.Ciphertext()
	for i := range text {
		changed := bytes.Clone(text)
		changed[i] ^= 1
		refuses(t, sealer, "flipped bit", parts(t, s.WrapperID(), s.DataKey(), changed), place, seal.ErrDamaged)
		if len(text)-i-1 >= 28 {
			refuses(t, sealer, "cut", parts(t, s.WrapperID(), s.DataKey(), text[:len(text)-i-1]), place, seal.ErrDamaged)
		}
	}
	refuses(t, sealer, "longer", parts(t, s.WrapperID(), s.DataKey(), append(bytes.Clone(text), 0)), place, seal.ErrDamaged)
	for i := len("gAAAA"); i < len(s.DataKey()); i++ {
		refuses(t, sealer, "data key cut", parts(t, s.WrapperID(), s.DataKey()[:i], text), place, seal.ErrDamaged)
	}
	refuses(t, sealer, "another listed key's id", parts(t, parseKey(t, weakText).ID(), s.DataKey(), text), place, seal.ErrDamaged)

	// An authentic token of something that is no data key.
	for _, n := range []int{0, 16, 31, 33} {
		token, err := parseKey(t, strongText).Wrap(make([]byte, n))
		if err != nil {
			t.Fatal(err)
		}
		refuses(t, sealer, "data key of another length", parts(t, s.WrapperID(), token, text), place, seal.ErrDamaged)
	}
}

func TestOpenUnknownKey(t *testing.T) {
	s := sealed(t, newSealer(t, strongText), "secret")
	refuses(t, newSealer(t, weakText), "another key", s, place, seal.ErrUnknownKey)
	refuses(t, newSealer(t, seal.GenerateKey().Reveal(), weakText), "two others", s, place, seal.ErrUnknownKey)
	refuses(t, newSealer(t, strongText), "an id that never was", parts(t, "x", s.DataKey(), s.Ciphertext()), place, seal.ErrUnknownKey)

	_, err := newSealer(t, strongText).Open(identity.Sealed{}, place)
	if err == nil || errors.Is(err, seal.ErrUnknownKey) || errors.Is(err, seal.ErrDamaged) {
		t.Errorf("the zero Sealed: %v", err)
	}
}

func TestRewrap(t *testing.T) {
	older, newer := newSealer(t, weakText), newSealer(t, strongText, weakText)
	s := sealed(t, older, "secret")
	r, changed, err := newer.Rewrap(s)
	if err != nil || !changed {
		t.Fatalf("%v, %v", changed, err)
	}
	if !bytes.Equal(r.Ciphertext(), s.Ciphertext()) || r.WrapperID() != parseKey(t, strongText).ID() || r.DataKey() == s.DataKey() {
		t.Error("not only the data key is wrapped anew")
	}
	if got, err := newSealer(t, strongText).Open(r, place); err != nil || string(got) != "secret" {
		t.Errorf("the new key alone: %v", err)
	}
	refuses(t, older, "the old key", r, place, seal.ErrUnknownKey)
	other := place
	other.Row = "kid-2"
	refuses(t, newer, "another place", r, other, seal.ErrDamaged)

	same, changed, err := newer.Rewrap(r)
	if err != nil || changed || !cmp.Equal(same, r, cmp.AllowUnexported(identity.Sealed{})) {
		t.Errorf("again: %v, %v", changed, err)
	}
	if _, changed, err := older.Rewrap(r); changed || !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("unknown key: %v, %v", changed, err)
	}
	if _, changed, err := newer.Rewrap(parts(t, s.WrapperID(), s.DataKey()[:90], s.Ciphertext())); changed || !errors.Is(err, seal.ErrDamaged) {
		t.Errorf("damaged: %v, %v", changed, err)
	}
	if _, changed, err := newer.Rewrap(identity.Sealed{}); changed || err == nil {
		t.Errorf("the zero Sealed: %v, %v", changed, err)
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := seal.New(); err == nil {
		t.Error("no key: accepted")
	}
	if _, err := seal.New(parseKey(t, strongText), parseKey(t, strongText)); err == nil {
		t.Error("a key twice: accepted")
	}
}

func TestSealRefusesNoPlace(t *testing.T) {
	for _, p := range []seal.Place{{}, {Column: "c", Row: "r"}, {Table: "t", Row: "r"}, {Table: "t", Column: "c", Version: 1}} {
		if s, err := newSealer(t, strongText).Seal([]byte("x"), p); err == nil || !s.Empty() {
			t.Errorf("%+v: accepted", p)
		}
	}
}

// away is a wrapper that cannot answer now, as a key management service may.
type away struct{ seal.KeyWrapper }

var errAway = errors.New("no answer")

func (away) Wrap([]byte) (string, error)   { return "", errAway }
func (away) Unwrap(string) ([]byte, error) { return nil, errAway }

// That a wrapper is away must not pass for damage, which quarantines keys.
func TestWrapperAway(t *testing.T) {
	s := sealed(t, newSealer(t, strongText), "secret")
	sealer, err := seal.New(away{parseKey(t, strongText)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sealer.Open(s, place); !errors.Is(err, errAway) || errors.Is(err, seal.ErrDamaged) || errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("Open: %v", err)
	}
	if _, err := sealer.Seal([]byte("x"), place); !errors.Is(err, errAway) {
		t.Errorf("Seal: %v", err)
	}
}

func BenchmarkSeal(b *testing.B) {
	sealer, plaintext := newSealer(b, strongText), make([]byte, 1200) // an RSA-2048 key in PKCS#8
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sealer.Seal(plaintext, place); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	sealer := newSealer(b, strongText)
	s, err := sealer.Seal(make([]byte, 1200), place)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sealer.Open(s, place); err != nil {
			b.Fatal(err)
		}
	}
}
