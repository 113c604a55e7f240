package seal_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/seal"
)

// Keys that protect nothing.
var (
	strongText = base64.URLEncoding.EncodeToString([]byte("signing-signing-signing-signing!encrypt-encrypt-encrypt-encrypt!"))
	weakText   = base64.URLEncoding.EncodeToString([]byte("signing-signing!encrypt-encrypt!"))
)

// forge makes a token with a valid HMAC around any body, as an attacker with
// the key, or a broken program, could.
func forge(t testing.TB, keyText string, body []byte) string {
	t.Helper()
	material, err := base64.URLEncoding.DecodeString(keyText)
	if err != nil {
		t.Fatal(err)
	}
	h := hmac.New(sha256.New, material[:len(material)/2])
	h.Write(body)
	return base64.URLEncoding.EncodeToString(h.Sum(bytes.Clone(body)))
}

// encrypted returns a token's body whose padded plaintext is text.
func encrypted(t testing.TB, keyText string, text []byte) []byte {
	t.Helper()
	material, err := base64.URLEncoding.DecodeString(keyText)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(material[len(material)/2:])
	if err != nil {
		t.Fatal(err)
	}
	body := append(make([]byte, 25), text...)
	body[0] = 0x80
	cipher.NewCBCEncrypter(block, body[9:25]).CryptBlocks(body[25:], body[25:])
	return body
}

// again encrypts plaintext with the time and IV of token.
func again(t testing.TB, key *seal.FernetKey, token string, plaintext []byte) string {
	t.Helper()
	raw, err := base64.URLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	token, err = seal.EncryptAt(key, plaintext, binary.BigEndian.Uint64(raw[1:9]), [16]byte(raw[9:25]))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func bothKeys(t *testing.T, test func(t *testing.T, text string, key *seal.FernetKey)) {
	t.Run("AES-128", func(t *testing.T) { test(t, weakText, parseKey(t, weakText)) })
	t.Run("AES-256", func(t *testing.T) { test(t, strongText, parseKey(t, strongText)) })
}

func TestWrapUnwrap(t *testing.T) {
	bothKeys(t, func(t *testing.T, _ string, key *seal.FernetKey) {
		for n := range 50 {
			plaintext := bytes.Repeat([]byte{byte(n)}, n)
			token, err := key.Wrap(plaintext)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := key.Unwrap(token); err != nil || !bytes.Equal(got, plaintext) {
				t.Errorf("%d bytes: %v", n, err)
			}
			if twice, err := key.Wrap(plaintext); err != nil || twice == token {
				t.Errorf("%d bytes: the IV is not random: %v", n, err)
			}
		}
	})
}

// Tokens whose HMAC is true and whose body is not.
func TestUnwrapForged(t *testing.T) {
	bothKeys(t, func(t *testing.T, text string, key *seal.FernetKey) {
		block := func(fill, last byte) []byte { return append(bytes.Repeat([]byte{fill}, 15), last) }
		version := encrypted(t, text, block(1, 1))
		version[0] = 0x81
		for name, body := range map[string][]byte{
			"nothing":                    {},
			"version only":               {0x80},
			"no IV":                      append([]byte{0x80}, make([]byte, 8)...),
			"short IV":                   append([]byte{0x80}, make([]byte, 23)...),
			"no ciphertext":              append([]byte{0x80}, make([]byte, 24)...),
			"a byte of ciphertext":       append([]byte{0x80}, make([]byte, 25)...),
			"half a block more":          append(encrypted(t, text, block(1, 1)), make([]byte, 8)...),
			"another version":            version,
			"padding 0":                  encrypted(t, text, block(0, 0)),
			"padding 17":                 encrypted(t, text, append(block(17, 17), block(17, 17)...)),
			"padding 255":                encrypted(t, text, block(255, 255)),
			"padding unlike its length":  encrypted(t, text, block(1, 2)),
			"padding broken within":      encrypted(t, text, append(block('x', 3)[:12], 'x', 3, 9, 3)),
			"padding broken at the head": encrypted(t, text, append([]byte{15}, bytes.Repeat([]byte{16}, 15)...)),
		} {
			if got, err := key.Unwrap(forge(t, text, body)); !errors.Is(err, seal.ErrDamaged) || got != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		// The forger itself is not at fault.
		if got, err := key.Unwrap(forge(t, text, encrypted(t, text, block('x', 1)))); err != nil || string(got) != strings.Repeat("x", 15) {
			t.Errorf("well-formed: %v", err)
		}
		if got, err := key.Unwrap(forge(t, text, encrypted(t, text, block(16, 16)))); err != nil || len(got) != 0 {
			t.Errorf("empty plaintext: %v", err)
		}
	})
}

func TestUnwrapChanged(t *testing.T) {
	bothKeys(t, func(t *testing.T, _ string, key *seal.FernetKey) {
		token, err := key.Wrap([]byte("hi"))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := base64.URLEncoding.DecodeString(token)
		if err != nil {
			t.Fatal(err)
		}
		refused := func(name string, at int, token string) {
			t.Helper()
			if got, err := key.Unwrap(token); !errors.Is(err, seal.ErrDamaged) || got != nil {
				t.Errorf("%s at %d: %v", name, at, err)
			}
		}
		for i := range raw {
			for bit := range 8 {
				changed := bytes.Clone(raw)
				changed[i] ^= 1 << bit
				refused("flipped bit", i, base64.URLEncoding.EncodeToString(changed))
			}
			refused("cut", i, base64.URLEncoding.EncodeToString(raw[:i]))
			refused("cut front", i, base64.URLEncoding.EncodeToString(raw[i+1:]))
		}
		for i := range token {
			refused("text cut", i, token[:i])
			refused("line break", i, token[:i]+"\n"+token[i:])
			refused("space", i, token[:i]+" "+token[i:])
			refused("NUL", i, token[:i]+"\x00"+token[i+1:])
		}
		refused("more", 0, token+"AAAA")
		refused("line break after", 0, token+"\r\n")
		refused("padding stripped", 0, strings.TrimRight(token, "="))
		refused("padding more", 0, token+"=")
	})
}

// There is one text for a token: stray bits before the padding and the standard
// alphabet are refused.
func TestUnwrapNotCanonical(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	key := parseKey(t, strongText)
	token, err := key.Wrap([]byte("hi")) // 73 bytes: "==" at the end and four stray bits
	if err != nil || !strings.HasSuffix(token, "==") {
		t.Fatal("not the token that the test needs")
	}
	last := len(token) - 3
	for stray := 1; stray < 16; stray++ {
		c := alphabet[strings.IndexByte(alphabet, token[last])+stray]
		if _, err := key.Unwrap(token[:last] + string(c) + "=="); !errors.Is(err, seal.ErrDamaged) {
			t.Errorf("stray bits %d: %v", stray, err)
		}
	}
	for !strings.ContainsAny(token, "-_") {
		if token, err = key.Wrap([]byte("hi")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := key.Unwrap(strings.NewReplacer("-", "+", "_", "/").Replace(token)); !errors.Is(err, seal.ErrDamaged) {
		t.Errorf("standard alphabet: %v", err)
	}
}

func FuzzFernet(f *testing.F) {
	key := parseKey(f, strongText)
	token, err := key.Wrap([]byte("hello"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(token), false)
	f.Add([]byte(token[:40]), false)
	f.Add([]byte("%%%%"), false)
	f.Add([]byte{}, true)
	f.Add([]byte{0x80}, true)
	f.Add(make([]byte, 25), true)
	f.Add(append([]byte{0x80}, make([]byte, 24+16)...), true)
	f.Add(encrypted(f, strongText, append(bytes.Repeat([]byte{'x'}, 15), 1)), true)
	f.Add(encrypted(f, strongText, bytes.Repeat([]byte{16}, 16)), true)
	f.Fuzz(func(t *testing.T, data []byte, signed bool) {
		token := string(data)
		if signed {
			token = forge(t, strongText, data)
		}
		plaintext, err := key.Unwrap(token)
		if err != nil {
			if !errors.Is(err, seal.ErrDamaged) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		if again(t, key, token, plaintext) != token {
			t.Error("two tokens for the same time, IV and plaintext")
		}
	})
}
