package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/breach"
	"github.com/seed-60f9e3ad/identity/internal/clientkeys"
	"github.com/seed-60f9e3ad/identity/internal/server"
)

// caller is on whose behalf the command line acts: whoever can read the database
// and its encryption key needs no further proof.
var caller = identity.LocalAdministrator("cli")

// newLogger makes the logger that the settings ask for.
func newLogger(s settings, w io.Writer, format string) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.logLevel}
	if s.given["LOG_FORMAT"] {
		format = s.logFormat
	}
	if format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// waitForDatabase is how long a start waits for the database server: they may be started
// together.
const waitForDatabase = time.Minute

// openInstallation opens the installation that the settings describe; create makes one
// where there is none.
func openInstallation(ctx context.Context, s settings, logger *slog.Logger, create bool) (*server.Installation, error) {
	cfg := server.InstallationConfig{
		Database: s.database, MustExist: !create, EncryptionKey: s.encryptionKey, Hashing: s.hashing(),
		PasswordRange: breach.Config{URL: s.passwordRangeURL}, ClientKeys: clientkeys.Config{Networks: s.keysNetworks}, Settings: s.values, Logger: logger,
	}
	if create {
		cfg.WaitFor = waitForDatabase
	}
	return server.OpenInstallation(ctx, cfg)
}

// openLocal opens the installation of the environment, which must be there and ready;
// anyKey also where the encryption keys are not all.
func openLocal(ctx context.Context, p *program, anyKey bool) (*server.Installation, error) {
	s, err := loadSettings(p.lookup)
	if err != nil {
		return nil, err
	}
	in, err := server.OpenInstallation(ctx, server.InstallationConfig{
		Database: s.database, MustExist: true, EncryptionKey: s.encryptionKey, AnyKey: anyKey, Hashing: s.hashing(),
		PasswordRange: breach.Config{URL: s.passwordRangeURL}, ClientKeys: clientkeys.Config{Networks: s.keysNetworks}, Settings: s.values, Logger: newLogger(s, p.stderr, "text"),
	})
	if err != nil {
		return nil, err
	}
	if err := in.Ready(ctx); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return in, nil
}
