package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/seal"
	"github.com/seed-60f9e3ad/identity/internal/server"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// vault is an installation whose values are sealed under the former of two encryption
// keys.
type vault struct {
	*testing.T
	path        string
	former, new string
	keys        string // ENCRYPTION_KEY of the commands that it runs
}

// sealedValues is how many values a vault has: signing keys, the secret of refresh
// tokens and the key of the audit.
const sealedValues = 6

func newVault(t *testing.T) vault {
	t.Helper()
	v := vault{T: t, path: filepath.Join(t.TempDir(), "identity.db"), former: seal.GenerateKey().Reveal(), new: seal.GenerateKey().Reveal()}
	v.keys = v.new + "," + v.former
	in := v.open(v.former)
	_, err := in.Prepare(t.Context(), server.FirstStart{Issuer: "https://id.test", Algorithm: jose.ES256, AdminUsername: "admin", AdminPassword: identity.NewSecret("a password to keep")})
	v.must(err)
	for range sealedValues - 3 {
		_, err := in.Admin.MakeKey(t.Context(), caller, string(jose.ES256))
		v.must(err)
	}
	v.must(in.Close())
	return v
}

func (v vault) must(err error) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
}

func (v vault) open(keys ...string) *server.Installation {
	v.Helper()
	in, err := server.OpenInstallation(v.Context(), server.InstallationConfig{
		Database: store.Config{Driver: store.SQLite, Path: v.path}, EncryptionKey: identity.NewSecret(strings.Join(keys, ",")), Logger: slog.New(slog.DiscardHandler),
	})
	v.must(err)
	v.Cleanup(func() { _ = in.Close() })
	return in
}

// under returns how many values are under the new key, and demands that all open.
func (v vault) under() (n int) {
	v.Helper()
	in := v.open(v.new, v.former)
	values, err := in.Ring.SealedValues(v.Context())
	v.must(err)
	for _, s := range values {
		if s.Fault != nil {
			v.Errorf("%s does not open: %v", s.Title, s.Fault)
		}
		if s.EncryptionKey == in.Ring.EncryptionKey() {
			n++
		}
	}
	if len(values) != sealedValues {
		v.Errorf("there are %d values, expected %d", len(values), sealedValues)
	}
	return n
}

// run runs the command.
func (v vault) run(args ...string) (stdout, stderr string, code int) {
	v.Helper()
	stdin, err := os.Open(os.DevNull)
	v.must(err)
	defer stdin.Close()
	env := map[string]string{"DATABASE_PATH": v.path, "ENCRYPTION_KEY": v.keys, "IDENTITY_CONTEXT": v.path + ".none"}
	var out, errOut bytes.Buffer
	code = run(v.Context(), program{args: args, stdin: stdin, stdout: &out, stderr: &errOut, lookup: func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}})
	return out.String(), errOut.String(), code
}

func (v vault) exec(statement string) {
	v.Helper()
	db, err := sql.Open("sqlite", v.path)
	v.must(err)
	defer db.Close()
	_, err = db.ExecContext(v.Context(), statement)
	v.must(err)
}

// TestRewrapInterrupted: wherever it ends, each value is under one of the keys, and the
// next run goes on.
func TestRewrapInterrupted(t *testing.T) {
	for at := range sealedValues + 1 {
		v := newVault(t)
		ctx, cancel := context.WithCancel(t.Context())
		rewrapped, err := rewrap(ctx, v.open(v.new, v.former), func(done, of int) {
			if of != sealedValues {
				t.Errorf("%d values are to be rewrapped, expected %d", of, sealedValues)
			}
			if done == at {
				cancel()
			}
		})
		cancel()
		if rewrapped != at || v.under() != at {
			t.Fatalf("interrupted at %d: %d were rewrapped, %d are under the new key", at, rewrapped, v.under())
		}
		if interrupted := errors.Is(err, context.Canceled); interrupted != (at < sealedValues) {
			t.Errorf("interrupted at %d: %v", at, err)
		}
		rewrapped, err = rewrap(t.Context(), v.open(v.new, v.former), func(int, int) {})
		if rewrapped != sealedValues-at || err != nil || v.under() != sealedValues {
			t.Errorf("after %d: %d more were rewrapped, %v", at, rewrapped, err)
		}
	}
}

// TestRewrapDamaged: what does not open is named and left alone, and the others are done.
func TestRewrapDamaged(t *testing.T) {
	v := newVault(t)
	v.exec(`UPDATE sealed_secrets SET version = version + 1 WHERE name = 'refresh'`) // which its seal is bound to
	_, stderr, code := v.run("key", "rewrap")
	const named = "the secret of refresh tokens: sealed value is damaged"
	if code != 1 || !strings.Contains(stderr, "Values rewrapped: 5.\n") || !strings.Contains(stderr, named) || !strings.Contains(stderr, "identity: No key can be left out: what is damaged names its key too.") {
		t.Errorf("rewrap ends with %d:\n%s", code, stderr)
	}
	stdout, stderr, code := v.run("key", "rewrap", "--status", "-o", "json")
	if code != 1 || !strings.Contains(stdout, `"others_needed": true`) || !strings.Contains(stdout, `"reason": "sealed value is damaged`) || !strings.Contains(stderr, named) {
		t.Errorf("the status ends with %d:\n%s%s", code, stdout, stderr)
	}

	// The cure makes a new secret, under the first key.
	if _, stderr, code := v.run("session", "end", "--all", "--yes"); code != 0 {
		t.Fatalf("session end --all ends with %d:\n%s", code, stderr)
	}
	if _, stderr, code := v.run("key", "rewrap"); code != 0 || !strings.Contains(stderr, "The others can be left out") {
		t.Errorf("after the cure rewrap ends with %d:\n%s", code, stderr)
	}

	// What is damaged under the first key does not need another.
	v.exec(`UPDATE sealed_secrets SET version = version + 1 WHERE name = 'refresh'`)
	if _, stderr, code := v.run("key", "rewrap"); code != 1 || !strings.Contains(stderr, "identity: Everything is under the first key, but something is damaged") {
		t.Errorf("rewrap ends with %d:\n%s", code, stderr)
	}
	// Nor does what names none.
	v.exec(`UPDATE sealed_secrets SET data_key = ''`)
	if stdout, stderr, code := v.run("key", "rewrap", "--status"); code != 1 || !strings.Contains(stderr, "but something is damaged") {
		t.Errorf("the status ends with %d:\n%s%s", code, stdout, stderr)
	}
}

// TestEncryptionKeyLost does what docs/runbook.md says.
func TestEncryptionKeyLost(t *testing.T) {
	v := newVault(t)
	text, err := os.ReadFile("../../docs/runbook.md")
	v.must(err)
	_, lost, found := strings.Cut(string(text), "\n## ENCRYPTION_KEY is lost\n")
	_, statements, begun := strings.Cut(lost, "\n```sql\n")
	statements, _, ended := strings.Cut(statements, "\n```\n")
	if !found || !begun || !ended {
		t.Fatal("the runbook does not say what to do")
	}
	v.keys = seal.GenerateKey().Reveal()
	if _, stderr, code := v.run("key", "list"); code != 1 || !strings.Contains(stderr, "which is not listed") {
		t.Errorf("with another key: %d\n%s", code, stderr)
	}
	v.exec(strings.ReplaceAll(statements, "private_ciphertext = ''", "private_ciphertext = X''"))

	private, _, err := writeKey(t.TempDir(), "new.pem", jose.ES256)
	v.must(err)
	for _, command := range [][]string{{"config", "set", "--local", "--private-key", private}, {"session", "end", "--local", "--all", "--yes"}} {
		if _, stderr, code := v.run(command...); code != 0 {
			t.Errorf("%v ends with %d:\n%s", command, code, stderr)
		}
	}
	if stdout, stderr, code := v.run("key", "rewrap", "--status"); code != 0 || !strings.Contains(stdout, "  first   2       0\n") || !strings.Contains(stderr, "Everything is under the one key that is listed.") {
		t.Errorf("the status ends with %d:\n%s%s", code, stdout, stderr)
	}
	if _, err := v.open(v.keys).Ring.RefreshKey(t.Context()); err != nil {
		t.Error(err)
	}
}
