package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/seal"
)

// pythonVectors were made with Python's cryptography library.
type pythonVectors struct {
	Fernet []struct {
		Keys      []string `json:"keys"`
		Token     string   `json:"token"`
		Plaintext string   `json:"plaintext_b64"`
	} `json:"fernet"`
	Fernet256 []struct {
		Key       string `json:"key"`
		Token     string `json:"token"`
		Plaintext string `json:"plaintext_b64"`
	} `json:"fernet256"`
	Rotation struct {
		Keys      []string `json:"keys"`
		Token     string   `json:"token"`
		Plaintext string   `json:"plaintext"`
	} `json:"fernet_rotation"`
	Original struct {
		EncryptionKey string `json:"encryption_key"`
		Stored        string `json:"stored"`
		PEM           string `json:"pem"`
	} `json:"original_sealed_private_key"`
}

func loadPythonVectors(t testing.TB) (v pythonVectors) {
	t.Helper()
	data, err := os.ReadFile("testdata/python-fernet.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Fernet) == 0 || len(v.Fernet256) == 0 || len(v.Rotation.Keys) != 2 || v.Original.Stored == "" {
		t.Fatal("vectors are missing")
	}
	return v
}

func parseKey(t testing.TB, text string) *seal.FernetKey {
	t.Helper()
	key, err := seal.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func unbase64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// opens asserts that of the keys only the one at index opener opens the token.
func opens(t *testing.T, keys []string, opener int, token string, want []byte) {
	t.Helper()
	for i, text := range keys {
		got, err := parseKey(t, text).Unwrap(token)
		switch {
		case i == opener && (err != nil || !bytes.Equal(got, want)):
			t.Errorf("key %d: %v", i, err)
		case i != opener && !errors.Is(err, seal.ErrDamaged):
			t.Errorf("key %d of others: %v", i, err)
		}
	}
}

func TestPythonVectors(t *testing.T) {
	v := loadPythonVectors(t)
	for _, c := range v.Fernet {
		opens(t, c.Keys, 0, c.Token, unbase64(t, c.Plaintext))
	}
	for _, c := range v.Fernet256 {
		opens(t, []string{c.Key, v.Original.EncryptionKey}, 0, c.Token, unbase64(t, c.Plaintext))
	}
	opens(t, v.Rotation.Keys, 1, v.Rotation.Token, []byte(v.Rotation.Plaintext))
}

// What is made with the time and IV of a token by Python is that token.
func TestPythonVectorsAgain(t *testing.T) {
	v := loadPythonVectors(t)
	for _, c := range v.Fernet {
		if again(t, parseKey(t, c.Keys[0]), c.Token, unbase64(t, c.Plaintext)) != c.Token {
			t.Error("another token with AES-128")
		}
	}
	for _, c := range v.Fernet256 {
		if again(t, parseKey(t, c.Key), c.Token, unbase64(t, c.Plaintext)) != c.Token {
			t.Error("another token with AES-256")
		}
	}
}

type specVector struct {
	Desc   string    `json:"desc"`
	Token  string    `json:"token"`
	Now    time.Time `json:"now"`
	IV     []int     `json:"iv"`
	Src    string    `json:"src"`
	Secret string    `json:"secret"`
}

// specVectors reads a file of the Fernet specification's vectors, which are
// looked for beside the repository. Without it there are none.
func specVectors(t *testing.T, name string) (vectors []specVector) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "vectors", name))
	if errors.Is(err, os.ErrNotExist) {
		t.Logf("%s is not there: the specification's vectors are not tried", name)
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &vectors); err != nil || len(vectors) == 0 {
		t.Fatalf("%s: no vectors: %v", name, err)
	}
	return vectors
}

func TestSpecGenerate(t *testing.T) {
	for _, v := range specVectors(t, "fernet-generate.json") {
		var iv [16]byte
		for i, b := range v.IV {
			iv[i] = byte(b)
		}
		if got, err := seal.EncryptAt(parseKey(t, v.Secret), []byte(v.Src), uint64(v.Now.Unix()), iv); err != nil || got != v.Token {
			t.Errorf("got %s, %v, want %s", got, err, v.Token)
		}
	}
}

func TestSpecVerify(t *testing.T) {
	for _, v := range specVectors(t, "fernet-verify.json") {
		opens(t, []string{v.Secret}, 0, v.Token, []byte(v.Src))
	}
}

func TestSpecInvalid(t *testing.T) {
	// At rest nothing expires: what is wrong with these is only their time.
	onlyTime := map[string]bool{"far-future TS (unacceptable clock skew)": true, "expired TTL": true}
	for _, v := range specVectors(t, "fernet-invalid.json") {
		_, err := parseKey(t, v.Secret).Unwrap(v.Token)
		if onlyTime[v.Desc] {
			if err != nil {
				t.Errorf("%s: %v", v.Desc, err)
			}
		} else if !errors.Is(err, seal.ErrDamaged) {
			t.Errorf("%s: %v", v.Desc, err)
		}
	}
}
