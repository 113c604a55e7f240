package main

import (
	"context"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/seal"
	"github.com/seed-60f9e3ad/identity/internal/server"
)

func devCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "dev", Short: "Try everything on a temporary database", Args: cobra.NoArgs,
		Long: `Run the service on a temporary database, on this machine only, with a demo user and
three demo clients, and print lines to copy. Nothing is left behind when it ends.
It needs no variable; PORT, HOST, LOG_LEVEL, LOG_FORMAT, JWT_ALGORITHM, JWT_ISSUER and
ALLOWED_ORIGINS are looked at.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return dev(cmd.Context(), p)
		},
	}
}

// dev serves a temporary installation until ctx ends.
func dev(ctx context.Context, p *program) (err error) {
	s, err := loadSettings(devLookup(p.lookup))
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "identity-dev-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if s.host == "" {
		s.host = "127.0.0.1"
	}
	s.database.Path = filepath.Join(folder, "identity.db")
	s.encryptionKey = seal.GenerateKey()
	s.adminPassword = identity.NewSecret(rand.Text())
	logger := newLogger(s, p.stderr, "text")

	in, err := openInstallation(ctx, s, logger, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	in.Pool.MakeRoom()
	public, err := devListen(ctx, s)
	if err != nil {
		return err
	}
	if s.jwtIssuer == "" {
		s.jwtIssuer = defaultIssuer(s, public)
	}
	if err := prepare(ctx, in, s, public, logger, p.stderr); err != nil {
		return err
	}
	d, err := newDemo(ctx, in, folder)
	if err != nil {
		return err
	}
	d.url, d.issuer, d.admin, d.adminPassword = defaultIssuer(s, public), s.jwtIssuer, s.adminUsername, s.adminPassword
	srv, err := newServer(in, s, logger, nil)
	if err != nil {
		return err
	}
	d.loopback, d.docs = isLoopback(public), s.apiDocs == "on"
	if _, err := fmt.Fprint(p.stdout, d.banner()); err != nil {
		return err
	}
	return srv.Serve(ctx, public, nil)
}

// devLookup hides from dev what would lead it to a real installation.
func devLookup(lookup func(string) (string, bool)) func(string) (string, bool) {
	return func(name string) (string, bool) {
		switch name {
		case "PORT", "HOST", "LOG_LEVEL", "LOG_FORMAT", "JWT_ALGORITHM", "JWT_ISSUER", "ALLOWED_ORIGINS":
			return lookup(name)
		}
		return "", false
	}
}

// devListen takes the port, or a free one if nobody asked for this one and it is
// taken.
func devListen(ctx context.Context, s settings) (net.Listener, error) {
	public, _, err := listen(ctx, s)
	if errors.Is(err, syscall.EADDRINUSE) && !s.given["PORT"] {
		s.port = 0
		public, _, err = listen(ctx, s)
	}
	return public, err
}

func isLoopback(l net.Listener) bool {
	address, ok := l.Addr().(*net.TCPAddr)
	return ok && address.IP.IsLoopback()
}

// demo is what dev shows.
type demo struct {
	url, issuer   string
	loopback      bool
	docs          bool
	admin         string
	adminPassword identity.Secret
	user          string
	password      identity.Secret
	secret        identity.Secret // of demo-secret
	rsaKey        string          // file, of demo-key
	bothSecret    identity.Secret // of demo-both
	ecKey         string          // file, of demo-both
	program       string
}

// newDemo makes the demo user and the three demo clients, and writes the private
// keys of two of them into the folder.
func newDemo(ctx context.Context, in *server.Installation, folder string) (*demo, error) {
	d := &demo{user: "demo", password: identity.NewSecret(strings.ToLower(rand.Text()))}
	var err error
	if d.program, err = os.Executable(); err != nil {
		return nil, err
	}
	permissions := []string{"demo:read", "demo:write"}
	if _, err := in.Admin.CreateUser(ctx, caller, admin.NewUser{Username: d.user, Password: d.password, Permissions: permissions}); err != nil {
		return nil, err
	}
	if _, d.secret, err = in.Admin.CreateClient(ctx, caller, admin.NewClient{ID: "demo-secret", Name: "Demo with a secret", Permissions: permissions}); err != nil {
		return nil, err
	}
	var public string
	if d.rsaKey, public, err = writeKey(folder, "demo-key.pem", jose.RS256); err != nil {
		return nil, err
	}
	if _, _, err = in.Admin.CreateClient(ctx, caller, admin.NewClient{
		ID: "demo-key", Name: "Demo with a key", PublicKey: public, StaticSignature: true, Permissions: permissions,
	}); err != nil {
		return nil, err
	}
	if d.ecKey, public, err = writeKey(folder, "demo-both.pem", jose.ES256); err != nil {
		return nil, err
	}
	_, d.bothSecret, err = in.Admin.CreateClient(ctx, caller, admin.NewClient{
		ID: "demo-both", Name: "Demo with both", PublicKey: public, GenerateSecret: true, Permissions: permissions,
	})
	return d, err
}

// writeKey makes a private key and writes it, for its owner only. It returns the
// file and the public half in PEM.
func writeKey(folder, name string, algorithm jose.Algorithm) (file, public string, err error) {
	key, err := jose.GeneratePrivateKey(algorithm)
	if err != nil {
		return "", "", err
	}
	file = filepath.Join(folder, name)
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key.PKCS8()})
	return file, key.Public().PEM(), os.WriteFile(file, text, 0o600)
}
