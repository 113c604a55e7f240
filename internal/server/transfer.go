package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/original"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/transfer"
)

// Export writes the whole state of the installation; package transfer says how. The
// private keys in it stay sealed. It can be taken while the service runs, and then
// lacks what is written after it has begun.
func (in *Installation) Export(ctx context.Context, w io.Writer) (transfer.Rows, error) {
	if err := in.Ready(ctx); err != nil {
		return nil, err
	}
	return transfer.Write(ctx, in.DB, w)
}

// OpenForImport opens the installation that an export is to go into. Unlike
// OpenInstallation it makes no encryption key: a new one would open nothing.
func OpenForImport(ctx context.Context, cfg InstallationConfig) (*Installation, error) {
	if driver := cfg.Database.Driver; cfg.EncryptionKey.Empty() && (driver == store.SQLite || driver == "") {
		file := cfg.Database.Path + ".key"
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("ENCRYPTION_KEY: the import needs the one of the installation that was exported; set it, or put a copy of its key file at %s", file)
		}
	}
	return OpenInstallation(ctx, cfg)
}

// Import fills an empty database with an export, all of it or nothing, and records on
// whose behalf. It migrates an empty database first. Refused are an export that is
// not whole, one whose keys are sealed under an ENCRYPTION_KEY that is not listed, and a
// database that has anything in it; then nothing is changed.
func (in *Installation) Import(ctx context.Context, caller identity.Caller, r io.Reader) (rows transfer.Rows, err error) {
	export, err := transfer.NewReader(r)
	if err != nil {
		return nil, err
	}
	err = in.fill(ctx, func() error {
		rows, err = export.Into(ctx, in.DB, func(tx *store.DB, rows transfer.Rows) error {
			if err := keyring.Check(ctx, tx, in.sealer); err != nil {
				return err
			}
			return audit.Record(ctx, tx, caller, audit.Change{Name: "installation.imported", After: map[string]any{"rows": rows}})
		})
		if errors.Is(err, store.ErrNotEmpty) {
			return fmt.Errorf("the import needs an empty database, nothing was changed: %w", err)
		}
		return err
	})
	return rows, err
}

// TakeOver fills an empty database with what the original Python service had, all of it
// or nothing, and records on whose behalf. It migrates an empty database first. A
// database that has anything in it is a Conflict; then nothing is changed.
func (in *Installation) TakeOver(ctx context.Context, caller identity.Caller, plan original.Plan) error {
	return in.fill(ctx, func() error { return plan.Store(ctx, in.DB, in.Ring, caller) })
}

// fill runs fn with the schema that this program needs, while no other process starts. A
// database that has another one already is left as it is.
func (in *Installation) fill(ctx context.Context, fn func() error) error {
	return in.exclusively(ctx, func() error {
		has, _, err := in.DB.SchemaVersions(ctx)
		if err != nil {
			return err
		}
		if has == 0 {
			if _, err := in.DB.Migrate(ctx); err != nil {
				return err
			}
		}
		if err := in.Ready(ctx); err != nil {
			return err
		}
		return fn()
	})
}
