package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
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

// openInstallation opens the installation that the settings describe; create makes one
// where there is none.
func openInstallation(ctx context.Context, s settings, logger *slog.Logger, create bool) (*server.Installation, error) {
	if s.database.driver != driverSQLite {
		return nil, fmt.Errorf("DATABASE_DRIVER: %s is not yet supported in this version, only sqlite is; the other DATABASE_* variables were checked and are well-formed", s.database.driver)
	}
	return server.OpenInstallation(ctx, server.InstallationConfig{
		DatabasePath: s.database.path, MustExist: !create, EncryptionKey: s.encryptionKey, Hashing: argon2.Config{}, Logger: logger,
	})
}

// withInstallation is a command that works on a ready installation.
func withInstallation(p *program, do func(cmd *cobra.Command, args []string, in *server.Installation) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		s, err := loadSettings(p.lookup)
		if err != nil {
			return err
		}
		in, err := openInstallation(cmd.Context(), s, newLogger(s, p.stderr, "text"), false)
		if err != nil {
			return err
		}
		defer func() {
			if closeErr := in.Close(); err == nil {
				err = closeErr
			}
		}()
		if err := in.Ready(cmd.Context()); err != nil {
			return err
		}
		return do(cmd, args, in)
	}
}
