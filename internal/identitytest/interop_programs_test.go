package identitytest_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// program is one in interop/, made of a library that is not ours. It answers each
// line of JSON on standard input with one on standard output.
type program struct {
	implementation, language string
	interpreter              string
	path                     string   // below interop/
	probe                    []string // arguments with which the interpreter finds the library
	// lacks are the algorithms that the library cannot verify in Debian 12, with
	// its version and why.
	lacks map[jose.Algorithm]string
	// slow programs are attacked under one algorithm per type of key.
	slow bool
}

// python is Debian's: its packages are not for other Pythons on the machine.
const python = "/usr/bin/python3"

var (
	verifiers = []program{
		{
			implementation: "jwcrypto", language: "Python", interpreter: python, path: "python/verify_jwcrypto.py",
			probe: []string{"-c", "import jwcrypto"},
		},
		{
			implementation: "Authlib", language: "Python", interpreter: python, path: "python/verify_authlib.py",
			probe: []string{"-c", "import authlib"},
		},
		{
			implementation: "Crypt::JWT", language: "Perl", interpreter: "perl", path: "perl/verify.pl",
			probe: []string{"-MCrypt::JWT", "-e", "1"},
		},
		{
			implementation: "ruby-jwt", language: "Ruby", interpreter: "ruby", path: "ruby/verify.rb",
			probe: []string{"-rjwt", "-e", "1"},
			lacks: map[jose.Algorithm]string{jose.EdDSA: "2.5.0 has no JWK of type OKP"},
		},
		{
			implementation: "jose", language: "C", interpreter: "sh", path: "shell/verify.sh",
			probe: []string{"-c", "command -v jose"},
			lacks: map[jose.Algorithm]string{jose.EdDSA: "11 has no EdDSA"},
			slow:  true, // a dozen processes for each line
		},
	}
	assertionSigner = program{
		implementation: "jwcrypto", language: "Python", interpreter: python, path: "python/sign_jwcrypto.py",
		probe: []string{"-c", "import jwcrypto"},
	}
	staticSigner = program{
		implementation: "cryptography", language: "Python", interpreter: python, path: "python/static_signature.py",
		probe: []string{"-c", "import cryptography"},
	}
)

// here reports whether the program can run. With IDENTITY_INTEROP=require it must.
func (p program) here(t *testing.T) bool {
	t.Helper()
	// Looking at the files lets the test cache know of them.
	folder, err := os.ReadDir(filepath.Dir(p.file()))
	if err != nil || len(folder) == 0 {
		t.Fatalf("%s: %v", p.path, err)
	}
	for _, f := range folder {
		if _, err := os.ReadFile(filepath.Join(filepath.Dir(p.file()), f.Name())); err != nil && !f.IsDir() {
			t.Fatal(err)
		}
	}
	return installed(t, p.implementation, p.interpreter, p.probe...)
}

// installed reports whether a command succeeds, and so what it needs is here.
func installed(t *testing.T, what, command string, args ...string) bool {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), command, args...).CombinedOutput()
	if err == nil {
		return true
	}
	if os.Getenv("IDENTITY_INTEROP") == "require" {
		t.Fatalf("%s is required and not here: %v\n%s", what, err, out)
	}
	t.Logf("did not run: %s is not here", what)
	return false
}

func (p program) file() string {
	return filepath.Join("..", "..", "interop", filepath.FromSlash(p.path))
}

// answers gives the program one line per request and returns its answers, and
// whether it exited as one that refused something.
func answers[Request, Answer any](t *testing.T, p program, requests []Request) (list []Answer, refused bool) {
	t.Helper()
	var in, out, problems bytes.Buffer
	for _, r := range requests {
		if err := json.NewEncoder(&in).Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), p.interpreter, p.file())
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &problems
	err := cmd.Run()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 1 || problems.Len() > 0 {
		t.Fatalf("%s: %v\n%s", p.path, err, &problems)
	}
	for dec := json.NewDecoder(&out); dec.More(); {
		var a Answer
		if err := dec.Decode(&a); err != nil {
			t.Fatalf("%s: %v", p.path, err)
		}
		list = append(list, a)
	}
	if len(list) != len(requests) {
		t.Fatalf("%s: %d answers to %d lines", p.path, len(list), len(requests))
	}
	return list, err != nil
}

// script runs a script of interop/shell and returns the line that it prints.
func script(t *testing.T, path string, args ...string) string {
	t.Helper()
	p := program{interpreter: "sh", path: path}
	cmd := exec.CommandContext(t.Context(), p.interpreter, append([]string{p.file()}, args...)...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", path, err, &problems)
	}
	return string(bytes.TrimSuffix(out, []byte("\n")))
}
