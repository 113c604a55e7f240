package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/seal"
)

func TestParseKey(t *testing.T) {
	weak, strong := parseKey(t, weakText), parseKey(t, strongText)
	if !weak.Weak() || weak.Bits() != 128 {
		t.Errorf("32 bytes: %d bits", weak.Bits())
	}
	if strong.Weak() || strong.Bits() != 256 {
		t.Errorf("64 bytes: %d bits", strong.Bits())
	}
	// Python reads the standard alphabet as well.
	material := bytes.Repeat([]byte{0xfb, 0xff}, 32)
	std, url := base64.StdEncoding.EncodeToString(material), base64.URLEncoding.EncodeToString(material)
	if std == url || parseKey(t, std).ID() != parseKey(t, url).ID() {
		t.Error("the two alphabets do not give the same key")
	}
}

// Stored values carry the id: it must never change.
func TestKeyID(t *testing.T) {
	for text, want := range map[string]string{weakText: "9fa4d4133a102cc0", strongText: "1d9dfa567a1c199b"} {
		if got := parseKey(t, text).ID(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	sized := func(n int) string { return base64.URLEncoding.EncodeToString(bytes.Repeat([]byte{0xa7}, n)) }
	for name, text := range map[string]string{
		"empty":               "",
		"no base64":           strings.Repeat("%", 44),
		"a passphrase":        "correct horse battery staple",
		"16 bytes":            sized(16),
		"31 bytes":            sized(31),
		"33 bytes":            sized(33),
		"48 bytes":            sized(48),
		"63 bytes":            sized(63),
		"65 bytes":            sized(65),
		"128 bytes":           sized(128),
		"unpadded":            strings.TrimRight(sized(64), "="),
		"more padding":        sized(64) + "=",
		"hexadecimal":         strings.Repeat("a7", 32),
		"space around":        " " + sized(64),
		"line break":          sized(64) + "\n",
		"line breaks within":  sized(32) + strings.Repeat("\n", 44),
		"line breaks between": sized(64)[:44] + "\n" + sized(64)[44:],
		"quoted":              `"` + sized(64) + `"`,
		"two":                 sized(32) + "," + sized(32),
	} {
		_, err := seal.ParseKey(text)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if !strings.Contains(err.Error(), "64 bytes") {
			t.Errorf("%s: the error does not say what was expected: %v", name, err)
		}
		echoes(t, name, err.Error(), text)
	}
}

func TestParseKeys(t *testing.T) {
	keys, err := seal.ParseKeys(" " + strongText + " ,\t" + weakText + "\n")
	if err != nil || len(keys) != 2 || keys[0].ID() != parseKey(t, strongText).ID() || keys[1].ID() != parseKey(t, weakText).ID() {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	for _, c := range []struct{ name, list, want string }{
		{"empty", "", "entry 1 is empty"},
		{"spaces", "  ", "entry 1 is empty"},
		{"comma", ",", "entry 1 is empty"},
		{"comma at the end", strongText + ",", "entry 2 is empty"},
		{"comma at the start", "," + strongText, "entry 1 is empty"},
		{"two commas", strongText + ", ," + weakText, "entry 2 is empty"},
		{"bad second", strongText + ",c2VjcmV0LXNlY3JldC1zZWNyZXQ=", "entry 2 is not a Fernet key"},
		{"bad third", strongText + "," + weakText + ",c2VjcmV0LXNlY3JldC1zZWNyZXQ=", "entry 3 is not a Fernet key"},
		{"twice", strongText + "," + weakText + "," + strongText, "entry 3 is the same key as entry 1"},
		{"semicolon", strongText + ";" + weakText, "entry 1 is not a Fernet key"},
	} {
		_, err := seal.ParseKeys(c.list)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for text := range strings.SplitSeq(c.list, ",") {
			echoes(t, c.name, err.Error(), strings.TrimSpace(text))
		}
	}
}

func TestGenerateKey(t *testing.T) {
	a, b := seal.GenerateKey(), seal.GenerateKey()
	if a.Equal(b) {
		t.Error("two keys are the same")
	}
	if key := parseKey(t, a.Reveal()); key.Weak() || key.ID() == parseKey(t, b.Reveal()).ID() {
		t.Error("not two 64-byte keys")
	}
}

// A key must not be seen, however it is printed and whatever holds it.
func TestKeyIsNeverPrinted(t *testing.T) {
	for _, text := range []string{weakText, strongText, seal.GenerateKey().Reveal()} {
		key := parseKey(t, text)
		sealer, err := seal.New(key)
		if err != nil {
			t.Fatal(err)
		}
		type inner struct {
			key  *seal.FernetKey
			copy seal.FernetKey
			any  any
			list []*seal.FernetKey
		}
		type outer struct {
			Key   *seal.FernetKey
			Copy  seal.FernetKey
			Map   map[string]seal.FernetKey
			inner inner
		}
		holder := outer{key, *key, map[string]seal.FernetKey{"k": *key}, inner{key, *key, *key, []*seal.FernetKey{key}}}
		for _, v := range []any{key, *key, holder, &holder, sealer, []any{key, *key}} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "% x"} {
				echoes(t, verb, fmt.Sprintf(verb, v), text)
			}
			data, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			echoes(t, "JSON", string(data), text)
			var log bytes.Buffer
			slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", v)
			slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "v", v)
			echoes(t, "slog", log.String(), text)
		}
		for _, got := range []string{fmt.Sprint(key), fmt.Sprintf("%#v", *key), key.String(), key.GoString()} {
			if got != "[redacted]" {
				t.Errorf("got %q", got)
			}
		}
	}
}

// echoes fails if printed holds text or, where that is base64, any four bytes
// of it in hexadecimal, decimal or as they are.
func echoes(t *testing.T, name, printed, text string) {
	t.Helper()
	if text == "" {
		return
	}
	forms := []string{text, text[:len(text)/2], text[len(text)/2:]}
	if raw, err := base64.URLEncoding.DecodeString(text); err == nil {
		for i := 0; i+4 <= len(raw); i += 4 {
			four := raw[i : i+4]
			decimal := strings.Trim(fmt.Sprintf("%d", four), "[]")
			forms = append(forms, string(four), hex.EncodeToString(four), strings.ToUpper(hex.EncodeToString(four)),
				fmt.Sprintf("% x", four), decimal, strings.ReplaceAll(decimal, " ", ", "),
				strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", four), "[]byte{"), "}"))
		}
	}
	for _, form := range forms {
		if len(form) >= 4 && strings.Contains(printed, form) {
			t.Errorf("%s shows key material", name)
			return
		}
	}
}
