package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/seal"
)

const python = "/usr/bin/python3"

type interopLine struct {
	Key   string `json:"key,omitempty"`
	Data  string `json:"data"`
	Error string `json:"error,omitempty"`
}

// havePython reports whether Python and its cryptography library are here. With
// IDENTITY_INTEROP=require they must be.
func havePython(t *testing.T) bool {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), python, "-c", "import cryptography.fernet").CombinedOutput()
	if err == nil {
		return true
	}
	if os.Getenv("IDENTITY_INTEROP") == "require" {
		t.Fatalf("%s with cryptography is required: %v\n%s", python, err, out)
	}
	t.Logf("did not run: %s with cryptography is not here: %v", python, err)
	return false
}

// runPython gives lines to interop/python/fernet.py and returns its answers.
func runPython(t *testing.T, command string, lines []interopLine) []interopLine {
	t.Helper()
	var in, out, problems bytes.Buffer
	for _, line := range lines {
		if err := json.NewEncoder(&in).Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), python, "../../interop/python/fernet.py", command)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &problems)
	}
	var answers []interopLine
	for dec := json.NewDecoder(&out); dec.More(); {
		var answer interopLine
		if err := dec.Decode(&answer); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, answer)
	}
	if len(answers) != len(lines) {
		t.Fatalf("%d answers to %d lines", len(answers), len(lines))
	}
	return answers
}

func interopPlaintexts() (plaintexts [][]byte) {
	for n := range 40 {
		plaintexts = append(plaintexts, bytes.Repeat([]byte{byte(7 * n)}, n))
	}
	return append(plaintexts, []byte(strongText), make([]byte, 5000))
}

func TestPythonOpensOurs(t *testing.T) {
	if !havePython(t) {
		return
	}
	var lines []interopLine
	var want [][]byte
	for _, text := range []string{weakText, strongText, seal.GenerateKey().Reveal()} {
		for _, plaintext := range interopPlaintexts() {
			token, err := parseKey(t, text).Wrap(plaintext)
			if err != nil {
				t.Fatal(err)
			}
			lines, want = append(lines, interopLine{Key: text, Data: token}), append(want, plaintext)
		}
	}
	// The other program must look, too.
	foreign := interopLine{Key: seal.GenerateKey().Reveal(), Data: lines[len(lines)-1].Data}
	answers := runPython(t, "decrypt", append(lines, foreign))
	for i := range want {
		if answers[i].Error != "" || !bytes.Equal(unbase64(t, answers[i].Data), want[i]) {
			t.Errorf("%d bytes: %s", len(want[i]), answers[i].Error)
		}
	}
	if answers[len(want)].Error == "" {
		t.Error("Python opened a token under another key")
	}
}

func TestWeOpenPythons(t *testing.T) {
	if !havePython(t) {
		return
	}
	var lines []interopLine
	var want [][]byte
	for _, text := range []string{weakText, strongText, seal.GenerateKey().Reveal()} {
		for _, plaintext := range interopPlaintexts() {
			lines = append(lines, interopLine{Key: text, Data: base64.StdEncoding.EncodeToString(plaintext)})
			want = append(want, plaintext)
		}
	}
	for i, answer := range runPython(t, "encrypt", lines) {
		if answer.Error != "" {
			t.Fatal(answer.Error)
		}
		if got, err := parseKey(t, lines[i].Key).Unwrap(answer.Data); err != nil || !bytes.Equal(got, want[i]) {
			t.Errorf("%d bytes: %v", len(want[i]), err)
		}
	}
}

// With the data key that Python unwraps, a sealed value opens without anything
// of this package.
func TestPythonUnwrapsDataKey(t *testing.T) {
	if !havePython(t) {
		return
	}
	for _, text := range []string{weakText, strongText} {
		s := sealed(t, newSealer(t, text), "a signing key")
		answer := runPython(t, "decrypt", []interopLine{{Key: text, Data: s.DataKey()}})[0]
		if answer.Error != "" {
			t.Fatal(answer.Error)
		}
		got, err := openByHand(t, unbase64(t, answer.Data), s.Ciphertext(), associatedData(place))
		if err != nil || string(got) != "a signing key" {
			t.Errorf("%v", err)
		}
	}
}
