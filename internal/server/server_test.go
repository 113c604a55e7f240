package server_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/seal"
	"github.com/seed-60f9e3ad/identity/internal/server"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

const password = "the administrator's password"

// first is what an empty database is given here.
var first = server.FirstStart{
	Issuer: "https://id.test", Algorithm: jose.ES256, AdminUsername: "admin", AdminPassword: identity.NewSecret(password),
}

// house is a folder with a database, to be opened in one way or another.
type house struct {
	*testing.T
	path string
	key  identity.Secret
	log  *identitytest.Log
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return &house{T: t, path: filepath.Join(t.TempDir(), "data", "identity.db"), key: seal.GenerateKey(), log: &identitytest.Log{}}
}

// prepared is a house in which the service has been before.
func prepared(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	in := h.open()
	_, err := in.Prepare(t.Context(), first)
	h.must(err)
	h.must(in.Close())
	return h
}

// try opens the installation with an encryption key; empty is the key file.
func (h *house) try(key string) (*server.Installation, error) {
	return server.OpenInstallation(h.Context(), server.InstallationConfig{
		Database: store.Config{Path: h.path}, EncryptionKey: identity.NewSecret(key), Logger: h.logger(),
		Hashing: argon2.Config{Params: argon2.Params{Memory: 64, Time: 1, Threads: 1}},
	})
}

// open opens the installation with its own key, until the test ends or it is
// closed.
func (h *house) open() *server.Installation {
	h.Helper()
	in, err := h.try(h.key.Reveal())
	h.must(err)
	h.Cleanup(func() { _ = in.Close() })
	return in
}

func (h *house) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(h.log, nil)) }

// files returns a checksum of every file in the house by its name. The lock file
// is empty and comes and goes with whoever starts.
func (h *house) files() map[string]string {
	h.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(filepath.Dir(h.path))
	h.must(err)
	for _, e := range entries {
		if e.Name() == filepath.Base(h.path)+".lock" {
			continue
		}
		content, err := os.ReadFile(filepath.Join(filepath.Dir(h.path), e.Name()))
		h.must(err)
		sum := sha256.Sum256(content)
		files[e.Name()] = hex.EncodeToString(sum[:8])
	}
	return files
}

// wantUnchanged runs what must not touch a byte.
func (h *house) wantUnchanged(what string, fn func()) {
	h.Helper()
	before := h.files()
	fn()
	if after := h.files(); !maps.Equal(before, after) {
		h.Errorf("%s: the files were %v and are %v", what, before, after)
	}
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// running is a server of a house.
type running struct {
	addr string
	stop func() error
}

// serve serves the house until the test ends or stop is called.
func (h *house) serve(cfg server.Config) *running {
	h.Helper()
	if cfg.Installation == nil {
		cfg.Installation = h.open()
	}
	if cfg.Logger == nil {
		cfg.Logger = h.logger()
	}
	srv, err := server.New(cfg)
	h.must(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, listener, nil) }()
	ended := false
	r := &running{addr: listener.Addr().String(), stop: func() error {
		if ended {
			return nil
		}
		ended = true
		cancel()
		return <-done
	}}
	h.Cleanup(func() { h.must(r.stop()) })
	return r
}

func TestNewNeedsAll(t *testing.T) {
	in, logger := prepared(t).open(), slog.New(slog.DiscardHandler)
	for name, cfg := range map[string]server.Config{
		"no installation":     {Logger: logger},
		"no logger":           {Installation: in},
		"half of TLS":         {Installation: in, Logger: logger, TLSCertFile: "cert.pem"},
		"other half of TLS":   {Installation: in, Logger: logger, TLSKeyFile: "key.pem"},
		"TLS without files":   {Installation: in, Logger: logger, TLSCertFile: "cert.pem", TLSKeyFile: "key.pem"},
		"no origin":           {Installation: in, Logger: logger, AllowedOrigins: []string{"https://*.example"}},
		"an origin of a path": {Installation: in, Logger: logger, AllowedOrigins: []string{"https://example/path"}},
	} {
		if _, err := server.New(cfg); err == nil {
			t.Errorf("%s: made", name)
		}
	}
}

// A listener that fails ends the service with an error, and ends all of it.
func TestServeSaysWhyItEnds(t *testing.T) {
	h := prepared(t)
	srv, err := server.New(server.Config{Installation: h.open(), Logger: h.logger(), SeparateOps: true})
	h.must(err)
	public, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	ops, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	h.must(ops.Close())
	if err := srv.Serve(t.Context(), public, ops); err == nil || !errors.Is(err, net.ErrClosed) {
		t.Errorf("it ended with %v", err)
	}
	if conn, err := net.Dial("tcp", public.Addr().String()); err == nil {
		_ = conn.Close()
		t.Error("the public port is still open")
	}
}

// eventually waits for what is soon to be true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("in vain waited until %s", what)
}

// refuses reports whether nobody listens at the address any more.
func refuses(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err == nil {
		_ = conn.Close()
	}
	return err != nil
}

// deadlines is a log that notes whether the requests had a deadline.
type deadlines struct {
	slog.Handler
	left chan time.Duration
}

func (d deadlines) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "request" {
		until, ok := ctx.Deadline()
		if !ok {
			until = time.Now().Add(24 * time.Hour)
		}
		d.left <- time.Until(until)
	}
	return nil
}

// Every request ends by itself, well before the connection would be cut.
func TestRequestsHaveDeadline(t *testing.T) {
	h := prepared(t)
	left := make(chan time.Duration, 1)
	r := h.serve(server.Config{Logger: slog.New(deadlines{slog.NewTextHandler(io.Discard, nil), left})})
	response, err := http.Get("http://" + r.addr + "/healthz")
	h.must(err)
	h.must(response.Body.Close())
	if d := <-left; d > 20*time.Second || d < 10*time.Second {
		t.Errorf("a request had %s to wait", d)
	}
}
