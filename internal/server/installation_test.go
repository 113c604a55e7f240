package server_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/seal"
	"github.com/seed-60f9e3ad/identity/internal/server"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// An encryption key that is not the one refuses to start, and changes nothing.
func TestWrongEncryptionKey(t *testing.T) {
	h := prepared(t)
	other, right := seal.GenerateKey().Reveal(), h.key.Reveal()
	bytes := func(n int) string { return base64.URLEncoding.EncodeToString(make([]byte, n)) }
	for _, tc := range []struct{ name, key string }{
		{"another key", other},
		{"other keys", other + "," + seal.GenerateKey().Reveal()},
		{"a key of the short form", bytes(32)},
		{"no base64", "not a key at all!"},
		{"16 bytes", bytes(16)},
		{"63 bytes", bytes(63)},
		{"65 bytes", bytes(65)},
		{"cut", right[:len(right)-1]},
		{"without padding", strings.TrimRight(right, "=")},
		{"a space inside", right[:40] + " " + right[40:]},
		{"the right one and nothing", right + ","},
		{"the right one twice", right + "," + right},
		{"the right one and garbage", right + ",garbage"},
		{"blank", " "},
	} {
		h.wantUnchanged(tc.name, func() {
			in, err := h.try(tc.key)
			if err == nil {
				_ = in.Close()
				t.Errorf("%s: opened", tc.name)
				return
			}
			h.wantHelpful(tc.name, err, other, right)
		})
	}
	// The files are as good as ever.
	in := h.open()
	_, err := in.Ring.Sign(t.Context(), "", []byte(`{}`))
	h.must(err)
}

// wantHelpful expects an error that says what is wrong without showing a key.
func (h *house) wantHelpful(what string, err error, keys ...string) {
	h.Helper()
	if !strings.Contains(err.Error(), "ENCRYPTION_KEY") && !strings.Contains(err.Error(), "encryption key") {
		h.Errorf("%s: the error does not name the encryption key: %v", what, err)
	}
	for _, k := range keys {
		if strings.Contains(err.Error()+h.log.String(), k[:16]) {
			h.Errorf("%s: a key is shown", what)
		}
	}
}

func TestEncryptionKeyList(t *testing.T) {
	h := prepared(t)
	other := seal.GenerateKey().Reveal()
	for name, key := range map[string]string{
		"behind a newer one": other + "," + h.key.Reveal(),
		"before another":     h.key.Reveal() + " , " + other,
	} {
		in, err := h.try(key)
		h.must(err)
		if _, err := in.Ring.Sign(t.Context(), "", []byte(`{}`)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		h.must(in.Close())
	}
}

func TestWeakKeyIsSaid(t *testing.T) {
	h := newHouse(t)
	weak := base64.URLEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	in, err := h.try(weak)
	h.must(err)
	h.must(in.Close())
	if log := h.log.String(); !strings.Contains(log, `"level":"WARN"`) || !strings.Contains(log, "AES-128") || strings.Contains(log, weak[:16]) {
		t.Error("the log does not warn of the 32-byte form, or shows the key")
	}
}

func TestKeyFile(t *testing.T) {
	h := newHouse(t)
	file := h.path + ".key"
	in, err := h.try("")
	h.must(err)
	_, err = in.Prepare(t.Context(), first)
	h.must(err)
	h.must(in.Close())

	for name, mode := range map[string]os.FileMode{file: 0o600, h.path: 0o600, filepath.Dir(h.path): 0o700 | os.ModeDir} {
		info, err := os.Stat(name)
		h.must(err)
		if info.Mode() != mode {
			t.Errorf("%s has mode %s", filepath.Base(name), info.Mode())
		}
	}
	made, err := os.ReadFile(file)
	h.must(err)
	key := strings.TrimSpace(string(made))
	if parsed, err := seal.ParseKey(key); err != nil || parsed.Weak() {
		t.Errorf("what was made is no strong key: %v", err)
	}
	if log := h.log.String(); !strings.Contains(log, file) || strings.Contains(log, key[:16]) {
		t.Error("the log does not say where the key is, or shows it")
	}

	// Later starts use it, and ENCRYPTION_KEY may name it as well.
	for _, given := range []string{"", key} {
		h.wantUnchanged("a later start", func() {
			in, err := h.try(given)
			h.must(err)
			_, err = in.Ring.Sign(t.Context(), "", []byte(`{}`))
			h.must(err)
			h.must(in.Close())
		})
	}

	// It is never made anew for what it has sealed.
	h.must(os.Rename(file, file+".away"))
	h.wantUnchanged("without its file", func() {
		in, err := h.try("")
		if err == nil {
			_ = in.Close()
			t.Fatal("opened without the key")
		}
		h.wantHelpful("without its file", err, key)
	})
	for name, content := range map[string]string{"another key": seal.GenerateKey().Reveal(), "garbage": "garbage", "nothing": "", "two lines": key + "\n" + key} {
		h.must(os.WriteFile(file, []byte(content), 0o600))
		h.wantUnchanged(name, func() {
			in, err := h.try("")
			if err == nil {
				_ = in.Close()
				t.Fatalf("%s in the file: opened", name)
			}
			h.wantHelpful(name, err, key)
		})
	}
	h.must(os.Rename(file+".away", file))
	in, err = h.try("")
	h.must(err)
	h.must(in.Close())

	// Others who can read it can read all the keys.
	if strings.Contains(h.log.String(), "others can read") {
		t.Error("the log warns of a file that is its owner's")
	}
	h.must(os.Chmod(file, 0o640))
	in, err = h.try("")
	h.must(err)
	h.must(in.Close())
	if !strings.Contains(h.log.String(), "others can read") {
		t.Error("the log does not warn of a file that others can read")
	}
}

// However many start at once on nothing, there is one of everything.
func TestFiveStartAtOnce(t *testing.T) {
	for round := range 6 { // what is not guarded goes well most of the time
		for name, key := range map[string]string{"with a key": seal.GenerateKey().Reveal(), "with the key file": ""} {
			t.Run(fmt.Sprintf("%s, round %d", name, round), func(t *testing.T) {
				h := newHouse(t)
				outcomes := h.startAtOnce(5, key)
				firsts := 0
				for i, o := range outcomes {
					if o.err != nil {
						t.Errorf("start %d: %v", i, o.err)
					}
					if o.done.First {
						firsts++
					}
					if o.kid != outcomes[0].kid {
						t.Errorf("start %d signs with another key", i)
					}
				}
				if firsts != 1 {
					t.Errorf("%d starts were the first", firsts)
				}
				in, err := h.try(key)
				h.must(err)
				defer in.Close()
				h.wantCounts("in the end", in, 1, 1, 1)
			})
		}
	}
}

// start is what came of one of several starts.
type start struct {
	done server.Prepared
	kid  string // of the key that signs
	err  error
}

// startAtOnce starts n times, each with an installation of its own.
func (h *house) startAtOnce(n int, key string) []start {
	starts := make([]start, n)
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range starts {
		all.Go(func() {
			<-begin
			in, err := h.try(key)
			if err != nil {
				starts[i].err = err
				return
			}
			defer in.Close()
			if starts[i].done, starts[i].err = in.Prepare(h.Context(), first); starts[i].err != nil {
				return
			}
			active, err := in.Ring.Active(h.Context())
			starts[i].kid, starts[i].err = active.KID, err
		})
	}
	close(begin)
	all.Wait()
	return starts
}

// Whoever only looks makes nothing.
func TestMustExist(t *testing.T) {
	look := func(h *house, key string) error {
		in, err := server.OpenInstallation(t.Context(), server.InstallationConfig{
			Database: store.Config{Path: h.path}, EncryptionKey: identity.NewSecret(key), MustExist: true, Logger: h.logger(),
		})
		if err == nil {
			h.must(in.Close())
		}
		return err
	}
	h := newHouse(t)
	if err := look(h, h.key.Reveal()); err == nil || !strings.Contains(err.Error(), "DATABASE_PATH") {
		t.Errorf("without a database: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(h.path)); !os.IsNotExist(err) {
		t.Error("a folder was made")
	}
	empty := newHouse(t)
	h.must(empty.open().Close())
	for name, h := range map[string]*house{"an empty database": empty, "a whole one": prepared(t)} {
		h.wantUnchanged(name, func() {
			h.must(look(h, h.key.Reveal()))
			if err := look(h, ""); err == nil {
				t.Errorf("%s: opened without a key", name)
			}
		})
	}
}

func TestOpenNeedsAll(t *testing.T) {
	if _, err := server.OpenInstallation(t.Context(), server.InstallationConfig{Database: store.Config{Path: filepath.Join(t.TempDir(), "x.db")}}); err == nil {
		t.Error("opened without a logger")
	}
	h := newHouse(t)
	h.path = ""
	if _, err := h.try(h.key.Reveal()); err == nil {
		t.Error("opened without a path")
	}
}

// A bad key is refused before anything is made.
func TestBadKeyMakesNothing(t *testing.T) {
	h := newHouse(t)
	if _, err := h.try("garbage"); err == nil {
		t.Fatal("opened")
	}
	if _, err := os.Stat(filepath.Dir(h.path)); !os.IsNotExist(err) {
		t.Error("a folder was made")
	}
}
