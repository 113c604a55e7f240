package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// Migration is one step that Migrate took.
type Migration struct {
	Version int64
	Name    string
}

// Migrate brings the schema to the version that this program was made for and
// returns the steps it took, none when there was nothing to do. A schema from a
// newer program is refused. Call it Exclusively.
func (db *DB) Migrate(ctx context.Context) ([]Migration, error) {
	steps, err := db.migrate(ctx)
	if err == nil {
		// Who may only read finds out now, and not at the first change.
		_, err = db.exec(ctx, "trying to write", `UPDATE revision SET revision = revision WHERE id = 1`)
	}
	if err != nil && db.dialect.hint != nil {
		if look, _ := db.dialect.hint(err); look != "" {
			err = fmt.Errorf("%s: %w", look, err)
		}
	}
	return steps, err
}

func (db *DB) migrate(ctx context.Context) ([]Migration, error) {
	if err := db.makeSchema(ctx); err != nil {
		return nil, err
	}
	provider, err := db.migrator()
	if err != nil {
		return nil, err
	}
	if err := db.beginVersions(ctx); err != nil {
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
// database, and the one that this program needs. It writes nothing.
func (db *DB) SchemaVersions(ctx context.Context) (has, needs int64, err error) {
	provider, err := db.migrator()
	if err != nil {
		return 0, 0, err
	}
	if made, err := db.hasTable(ctx, goose.DefaultTablename); err != nil || !made {
		sources := provider.ListSources()
		return 0, sources[len(sources)-1].Version, err
	}
	has, needs, err = provider.GetVersions(ctx)
	return has, needs, db.failed("reading the schema version", err)
}

// makeSchema makes PostgreSQL's schema if it is missing. Where it is there, no privilege
// to make one is needed.
func (db *DB) makeSchema(ctx context.Context) error {
	if db.dialect.name != PostgreSQL {
		return nil
	}
	var n int
	err := db.row(ctx, "schema", `SELECT COUNT(*) FROM pg_namespace WHERE nspname = ?`, []any{db.schema}, &n)
	if err != nil || n > 0 {
		return err
	}
	_, err = db.exec(ctx, "making the schema", `CREATE SCHEMA IF NOT EXISTS `+quoteIdentifier(db.schema))
	return err
}

// beginVersions gives the table of versions its first row, where a first start was cut off
// between the two: goose makes both in a transaction, which MySQL does not have for tables,
// and refuses a table without the row.
func (db *DB) beginVersions(ctx context.Context) error {
	if db.dialect.name != MySQL {
		return nil
	}
	made, err := db.hasTable(ctx, goose.DefaultTablename)
	if err != nil || !made {
		return err
	}
	_, err = db.exec(ctx, "beginning the table of versions", `INSERT INTO `+goose.DefaultTablename+` (version_id, is_applied)
		SELECT 0, TRUE FROM (SELECT 1 AS one) x WHERE NOT EXISTS (SELECT 1 FROM `+goose.DefaultTablename+`)`)
	return err
}

func (db *DB) hasTable(ctx context.Context, name string) (bool, error) {
	var n int
	err := db.row(ctx, "schema", db.dialect.tableCount, []any{name}, &n)
	return n > 0, err
}

func (db *DB) migrator() (*goose.Provider, error) {
	folder, err := fs.Sub(migrations, "migrations/"+db.dialect.migrations)
	if err != nil {
		return nil, fmt.Errorf("finding the migrations: %w", err)
	}
	provider, err := goose.NewProvider(db.dialect.goose, db.writer.DB, folder)
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
