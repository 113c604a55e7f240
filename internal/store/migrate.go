package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/rogpeppe/go-internal/lockedfile"
)

//go:embed migrations
var migrations embed.FS

// Exclusively runs fn while no other process runs anything exclusively on the
// same database. It is for what a start does once: migrations, the first key,
// the first administrator. It waits for its turn, as long as ctx lasts; the lock
// ends with the process that holds it.
func (db *DB) Exclusively(ctx context.Context, fn func() error) error {
	path := db.path + ".lock"
	if err := makeFile(path); err != nil { // for its owner only: who opens it can hold it
		return fmt.Errorf("locking the database: %w", err)
	}
	type lock struct {
		unlock func()
		err    error
	}
	taken := make(chan lock, 1)
	go func() {
		unlock, err := lockedfile.MutexAt(path).Lock()
		taken <- lock{unlock, err}
	}()
	select {
	case l := <-taken:
		if l.err != nil {
			return fmt.Errorf("locking the database: %w", l.err)
		}
		defer l.unlock()
		return fn()
	case <-ctx.Done():
		go func() {
			if l := <-taken; l.err == nil {
				l.unlock()
			}
		}()
		return fmt.Errorf("waiting for another process that starts on this database: %w", ctx.Err())
	}
}

// Migration is one step that Migrate took.
type Migration struct {
	Version int64
	Name    string
}

// Migrate brings the schema to the version that this program was made for and
// returns the steps it took, none when there was nothing to do. A schema from a
// newer program is refused. Call it Exclusively.
func (db *DB) Migrate(ctx context.Context) ([]Migration, error) {
	provider, err := db.migrator()
	if err != nil {
		return nil, err
	}
	if err := refuseNewer(ctx, provider); err != nil {
		return nil, err
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return nil, db.failed("migrating the schema", err)
	}
	steps := make([]Migration, len(results))
	for i, r := range results {
		steps[i] = Migration{r.Source.Version, r.Source.Path}
	}
	return steps, nil
}

// SchemaVersions returns the version that the schema has, 0 for an empty
// database, and the one that this program needs.
func (db *DB) SchemaVersions(ctx context.Context) (has, needs int64, err error) {
	provider, err := db.migrator()
	if err != nil {
		return 0, 0, err
	}
	has, needs, err = provider.GetVersions(ctx)
	return has, needs, db.failed("reading the schema version", err)
}

func (db *DB) hasTable(ctx context.Context, name string) (bool, error) {
	var n int
	err := db.row(ctx, "schema", db.dialect.tableCount, []any{name}, &n)
	return n > 0, err
}

func (db *DB) migrator() (*goose.Provider, error) {
	folder, err := fs.Sub(migrations, "migrations/"+db.dialect.name)
	if err != nil {
		return nil, fmt.Errorf("finding the migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db.writer, folder)
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	return provider, nil
}

func refuseNewer(ctx context.Context, provider *goose.Provider) error {
	has, needs, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema version: %w", err)
	}
	if has > needs {
		return fmt.Errorf("the database has schema version %d, made by a newer program; this one knows up to %d", has, needs)
	}
	return nil
}
