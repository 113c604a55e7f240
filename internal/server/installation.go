package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/breach"
	"github.com/seed-60f9e3ad/identity/internal/clientkeys"
	"github.com/seed-60f9e3ad/identity/internal/doctor"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/seal"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// InstallationConfig says which installation to open.
type InstallationConfig struct {
	// Database is where it is.
	Database store.Config
	// MustExist refuses a missing SQLite file and a missing key file, which otherwise
	// are made.
	MustExist bool
	// WaitFor is how long to wait for a database server that cannot be reached.
	WaitFor time.Duration
	// EncryptionKey is one or more Fernet keys, separated by commas. Empty is
	// the key file beside a SQLite database, which is made if nothing is sealed
	// yet; with a server there is no such place.
	EncryptionKey identity.Secret
	// AnyKey opens it also where something is sealed under a key that is not listed, for
	// whoever wants to see what.
	AnyKey  bool
	Hashing argon2.Config
	// PasswordRange is the service that is asked whether a new password is known from a
	// breach; without a URL there is none. Its clock and logger are the installation's.
	PasswordRange breach.Config
	// ClientKeys says from where the keys of clients may be fetched; its clock and logger are
	// the installation's.
	ClientKeys clientkeys.Config
	// Settings are those of the process, for whoever asks how it is; secrets have no value.
	Settings []doctor.Value
	Logger   *slog.Logger
}

// Installation is an open database with what works on it.
type Installation struct {
	DB       *store.DB
	Follower *store.Follower
	Pool     *argon2.Pool
	Ring     *keyring.Ring
	Admin    *admin.Service
	// Sealer seals the audit.
	Sealer *audit.Sealer
	// Breaches is nil where no range service is asked.
	Breaches *breach.Checker
	// ClientKeys fetches the keys of clients that publish them themselves.
	ClientKeys *clientkeys.Fetcher

	sealer *seal.Sealer
	logger *slog.Logger
}

// OpenInstallation opens an installation and makes sure that the encryption key is
// the right one. It changes nothing but for making a missing database file or key
// file; see Migrate and Prepare.
func OpenInstallation(ctx context.Context, cfg InstallationConfig) (*Installation, error) {
	if cfg.Logger == nil {
		return nil, errors.New("a logger is required")
	}
	var keys []*seal.FernetKey
	if !cfg.EncryptionKey.Empty() {
		var err error
		if keys, err = seal.ParseKeys(cfg.EncryptionKey.Reveal()); err != nil { // before anything is made
			return nil, fmt.Errorf("ENCRYPTION_KEY: %w", err)
		}
	}
	db, err := openDatabase(ctx, cfg)
	if err != nil {
		return nil, err
	}
	in := &Installation{DB: db, logger: cfg.Logger}
	if err := in.assemble(ctx, cfg, keys); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return in, nil
}

func (in *Installation) assemble(ctx context.Context, cfg InstallationConfig, keys []*seal.FernetKey) error {
	if keys == nil {
		var err error
		if keys, err = in.keyFile(ctx, cfg.Database.Path+".key", !cfg.MustExist); err != nil {
			return err
		}
	}
	wrappers := make([]seal.KeyWrapper, len(keys))
	for i, k := range keys {
		if k.Weak() {
			in.logger.WarnContext(ctx, "ENCRYPTION_KEY has a key of the 32-byte form, whose cipher is AES-128; a 64-byte key makes it AES-256", "id", k.ID())
		}
		wrappers[i] = k
	}
	var err error
	if in.sealer, err = seal.New(wrappers...); err != nil {
		return err
	}
	if !cfg.AnyKey {
		if err := keyring.Check(ctx, in.DB, in.sealer); err != nil {
			return err
		}
	}
	if in.Pool, err = argon2.New(cfg.Hashing); err != nil {
		return err
	}
	in.Follower = in.DB.Follow(cfg.Logger)
	in.Ring, err = keyring.New(keyring.Config{DB: in.DB, Follower: in.Follower, Sealer: in.sealer, Logger: cfg.Logger})
	if err != nil {
		return err
	}
	cfg.ClientKeys.Now, cfg.ClientKeys.Logger = in.DB.Now, cfg.Logger
	if in.ClientKeys, err = clientkeys.New(cfg.ClientKeys); err != nil {
		return fmt.Errorf("JWKS_URI_NETWORKS: %w", err)
	}
	in.Sealer = audit.NewSealer(in.DB, in.Ring, cfg.Logger)
	administration := admin.Config{
		DB: in.DB, Follower: in.Follower, Ring: in.Ring, Pool: in.Pool, CheckKeysURI: in.ClientKeys.CheckURI,
		Environment: admin.Environment{Settings: cfg.Settings, WeakKey: keys[0].Weak(), KeyBeside: cfg.EncryptionKey.Empty()},
	}
	if cfg.PasswordRange.URL != "" {
		cfg.PasswordRange.Now, cfg.PasswordRange.Logger = in.DB.Now, cfg.Logger
		if in.Breaches, err = breach.New(cfg.PasswordRange); err != nil {
			return fmt.Errorf("PASSWORD_RANGE_URL: %w", err)
		}
		administration.Breached = in.Breaches.Known
	}
	in.Admin, err = admin.New(administration)
	return err
}

// openDatabase opens the database, and waits for a server if it is to.
func openDatabase(ctx context.Context, cfg InstallationConfig) (*store.DB, error) {
	if driver := cfg.Database.Driver; driver == store.SQLite || driver == "" {
		if _, err := os.Stat(cfg.Database.Path); errors.Is(err, fs.ErrNotExist) && cfg.MustExist {
			return nil, fmt.Errorf("DATABASE_PATH: there is no database at %s; \"identity serve\" makes one", cfg.Database.Path)
		}
		db, err := store.Open(cfg.Database)
		if err != nil {
			err = fmt.Errorf("DATABASE_PATH: %w", err)
		}
		return db, err
	}
	if cfg.EncryptionKey.Empty() {
		return nil, errors.New("ENCRYPTION_KEY: it is required with a database server; \"identity encryption-key\" makes one")
	}
	const pause = 500 * time.Millisecond
	for deadline, waiting := time.Now().Add(cfg.WaitFor), false; ; waiting = true {
		db, err := store.Open(cfg.Database)
		if err == nil || identity.KindOf(err) != identity.Unavailable || time.Now().After(deadline) {
			return db, err
		}
		if !waiting {
			cfg.Logger.WarnContext(ctx, "waiting for the database", "error", err.Error(), "at_most", cfg.WaitFor.String())
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// Close closes the database.
func (in *Installation) Close() error { return in.DB.Close() }

// Migrate brings the schema up to date, while no other process does.
func (in *Installation) Migrate(ctx context.Context) (steps []store.Migration, err error) {
	err = in.exclusively(ctx, func() error {
		steps, err = in.DB.Migrate(ctx)
		return err
	})
	return steps, err
}

// exclusively is DB.Exclusively for whoever wonders why nothing happens.
func (in *Installation) exclusively(ctx context.Context, fn func() error) error {
	waiting := time.AfterFunc(time.Second, func() {
		in.logger.WarnContext(ctx, "waiting for another process that starts on this database")
	})
	defer waiting.Stop()
	return in.DB.Exclusively(ctx, func() error {
		waiting.Stop()
		return fn()
	})
}

// Ready returns an error that says what to do if the schema is not the one this
// program needs.
func (in *Installation) Ready(ctx context.Context) error {
	has, needs, err := in.DB.SchemaVersions(ctx)
	switch {
	case err != nil:
		return err
	case has < needs:
		return fmt.Errorf("the database has schema version %d, this program needs %d: run \"identity migrate\", or \"identity serve\" once", has, needs)
	case has > needs:
		return fmt.Errorf("the database has schema version %d, made by a newer program; this one knows up to %d", has, needs)
	}
	return nil
}
