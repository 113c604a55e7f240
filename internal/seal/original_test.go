package seal_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/seal"
)

func TestOpenOriginal(t *testing.T) {
	v := loadPythonVectors(t).Original
	key, other, weak := parseKey(t, v.EncryptionKey), parseKey(t, strongText), parseKey(t, weakText)
	for name, keys := range map[string][]*seal.FernetKey{
		"its key":       {key},
		"its key last":  {other, weak, key},
		"its key first": {key, other},
	} {
		if pem, err := seal.OpenOriginal([]byte(v.Stored), keys); err != nil || string(pem) != v.PEM {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, keys := range map[string][]*seal.FernetKey{"none": nil, "others": {other, weak}} {
		if pem, err := seal.OpenOriginal([]byte(v.Stored), keys); !errors.Is(err, seal.ErrUnknownKey) || pem != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenOriginalDamaged(t *testing.T) {
	v := loadPythonVectors(t).Original
	a, b, _ := strings.Cut(v.Stored, ":")
	key := parseKey(t, v.EncryptionKey)
	wrap := func(k *seal.FernetKey, plaintext string) string {
		token, err := k.Wrap([]byte(plaintext))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for _, c := range []struct {
		name, stored string
		want         error
	}{
		{"empty", "", seal.ErrDamaged},
		{"one token", a, seal.ErrDamaged},
		{"only a colon", ":", seal.ErrUnknownKey},
		{"no data key", ":" + b, seal.ErrUnknownKey},
		{"no value", a + ":", seal.ErrDamaged},
		{"swapped", b + ":" + a, seal.ErrUnknownKey},
		{"the data key as value", a + ":" + a, seal.ErrDamaged},
		{"three tokens", a + ":" + b + ":" + b, seal.ErrDamaged},
		{"changed data key", a[:100] + "AAAA" + a[104:] + ":" + b, seal.ErrUnknownKey},
		{"changed value", a + ":" + b[:100] + "AAAA" + b[104:], seal.ErrDamaged},
		{"value cut", v.Stored[:len(v.Stored)-4], seal.ErrDamaged},
		{"another data key", wrap(key, strongText) + ":" + b, seal.ErrDamaged},
		{"a data key that is none", wrap(key, "no key") + ":" + b, seal.ErrDamaged},
		{"an empty data key", wrap(key, "") + ":" + b, seal.ErrDamaged},
		{"the PEM itself", v.PEM, seal.ErrDamaged},
	} {
		pem, err := seal.OpenOriginal([]byte(c.stored), []*seal.FernetKey{key})
		if !errors.Is(err, c.want) || pem != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
