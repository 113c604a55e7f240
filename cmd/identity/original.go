package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/original"
	"github.com/seed-60f9e3ad/identity/internal/seal"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// originalFlags are those of "identity import --from-original".
type originalFlags struct {
	schema, rename string
	dryRun         bool
	format         *string
}

// addOriginalFlags has the command take over the original service's tables if it is
// called with --from-original.
func addOriginalFlags(cmd *cobra.Command, p *program) {
	var f originalFlags
	var from bool
	cmd.Flags().BoolVar(&from, "from-original", false, "take over the tables of the original Python service; its database is that of the ORIGINAL_DATABASE_* variables, or DATABASE_*")
	cmd.Flags().StringVar(&f.schema, "schema", "", "with --from-original: the schema of the original tables, where it could be several")
	cmd.Flags().StringVar(&f.rename, "rename", "", `with --from-original: file of a JSON object with new names of users, such as {"old name": "new"}`)
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "with --from-original: show what would be imported, and import nothing")
	f.format = outputFlag(cmd)
	plainly := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case from && len(args) > 0:
			return errors.New("--from-original reads a database, and no file")
		case from:
			return importOriginal(cmd.Context(), p, f)
		case f.schema != "" || f.rename != "" || f.dryRun:
			return errors.New("--schema, --rename and --dry-run are for --from-original")
		}
		return plainly(cmd, args)
	}
}

func importOriginal(ctx context.Context, p *program, f originalFlags) (err error) {
	s, err := loadSettings(p.lookup)
	if err != nil {
		return err
	}
	if s.encryptionKey.Empty() {
		return errors.New("ENCRYPTION_KEY: expected the original's, with which its private key opens")
	}
	from, err := originalServer(p, s)
	if err != nil {
		return err
	}
	plan, tables, err := planOriginal(ctx, s, from, f)
	if err != nil {
		return err
	}
	if err := refuseOwnSchema(ctx, s); err != nil {
		return err
	}
	empty := true
	if f.dryRun {
		empty, err = targetEmpty(ctx, s)
	} else {
		err = takeOver(ctx, p, s, plan)
	}
	if err != nil {
		return err
	}
	return reportOriginal(p, f, plan, tables, empty)
}

func takeOver(ctx context.Context, p *program, s settings, plan original.Plan) error {
	in, err := openInstallation(ctx, s, newLogger(s, p.stderr, "text"), true)
	if err != nil {
		return err
	}
	return errors.Join(in.TakeOver(ctx, caller, plan), in.Close())
}

// targetEmpty reports whether the import would be refused, and makes nothing to know it.
func targetEmpty(ctx context.Context, s settings) (bool, error) {
	if s.database.Driver == store.SQLite {
		if _, err := os.Stat(s.database.Path); errors.Is(err, fs.ErrNotExist) {
			return true, nil
		}
	}
	db, err := store.Open(s.database)
	if err != nil {
		return false, err
	}
	empty, err := db.Empty(ctx)
	return empty, errors.Join(err, db.Close())
}

// source is where the original's tables are.
type source struct {
	store.Server
	// own reports whether the ORIGINAL_DATABASE_* variables say so.
	own bool
}

const originalPrefix = "ORIGINAL_"

// named has an error name the variables that were read.
func (s source) named(err error) error {
	if err == nil || !s.own {
		return err
	}
	return errors.New(strings.NewReplacer(" (not set, it is DATABASE_SCHEMA_NAME)", "", "DATABASE_SCHEMA_NAME", originalPrefix+"DATABASE_NAME",
		"DATABASE_", originalPrefix+"DATABASE_").Replace(message(err)))
}

// originalServer is where the original's tables are.
func originalServer(p *program, s settings) (source, error) {
	given := false
	for _, setting := range settingsTable() {
		for _, suffix := range []string{"", "_FILE"} {
			value, _ := p.lookup(originalPrefix + setting.name + suffix)
			given = given || value != "" && strings.HasPrefix(setting.name, "DATABASE_")
		}
	}
	if !given {
		if s.database.Driver != store.PostgreSQL {
			return source{}, errors.New("ORIGINAL_DATABASE_HOST, ORIGINAL_DATABASE_USERNAME, ORIGINAL_DATABASE_NAME: expected, as DATABASE_DRIVER is not postgresql")
		}
		return source{Server: s.database.Server}, nil
	}
	from, err := loadSettings(func(name string) (string, bool) {
		switch name {
		case "DATABASE_DRIVER":
			return string(store.PostgreSQL), true
		case "DATABASE_SCHEMA_NAME":
			name = "DATABASE_NAME"
		}
		if strings.HasPrefix(name, "DATABASE_") {
			return p.lookup(originalPrefix + name)
		}
		return p.lookup(name)
	})
	is := source{from.database.Server, true}
	return is, is.named(err)
}

func planOriginal(ctx context.Context, s settings, from source, f originalFlags) (plan original.Plan, tables original.Tables, err error) {
	var options original.Options
	if options.Keys, err = seal.ParseKeys(s.encryptionKey.Reveal()); err != nil {
		return plan, tables, fmt.Errorf("ENCRYPTION_KEY: %w", err)
	}
	if f.rename != "" {
		text, err := os.ReadFile(f.rename)
		if err == nil {
			err = jose.DecodeStrict(text, &options.Rename)
		}
		if err != nil {
			return plan, tables, fmt.Errorf("--rename: %w", err)
		}
	}
	db, err := store.OpenReader(ctx, from.Server)
	if err != nil {
		return plan, tables, fmt.Errorf("the original database: %w", from.named(err))
	}
	defer db.Close()
	if tables, err = original.Read(ctx, db, f.schema); err != nil {
		return plan, tables, err
	}
	plan, err = tables.Plan(options)
	return plan, tables, err
}

// refuseOwnSchema refuses a target schema in which tables of an original stand, be they
// those that are read or others: the schema of this service is its own. Moving a table
// to another schema takes a moment and can be taken back.
//
// It asks the target, since one database goes by many names.
func refuseOwnSchema(ctx context.Context, s settings) error {
	if s.database.Driver != store.PostgreSQL {
		return nil
	}
	db, err := store.OpenReader(ctx, s.database.Server)
	if err != nil {
		return err
	}
	defer db.Close()
	schema := s.database.Server.Schema
	standing, err := original.Standing(ctx, db, schema)
	if err != nil || len(standing) == 0 {
		return err
	}
	moves := make([]string, len(standing))
	for i, t := range standing {
		moves[i] = "ALTER TABLE " + plain(t.Quoted()) + " SET SCHEMA original;"
	}
	return fmt.Errorf("the original tables stand in the schema %q, which DATABASE_SCHEMA_NAME gives to this service; nothing was changed. Choose another schema, or stop the original and move its tables:\n  CREATE SCHEMA IF NOT EXISTS original;\n  %s", schema, strings.Join(moves, "\n  "))
}

// reportOriginal says what was, or would be, imported, and into what.
func reportOriginal(p *program, f originalFlags, plan original.Plan, tables original.Tables, empty bool) error {
	type shown struct {
		DryRun     bool     `json:"dry_run"`
		Empty      bool     `json:"target_empty"` // before the import
		From       []string `json:"from"`
		Issuer     string   `json:"jwt_issuer"`
		Expiration int64    `json:"jwt_expiration"`
		Refreshes  int      `json:"jwt_max_refreshes"`
		KID        string   `json:"kid"`
		Users      []string `json:"users"`
		Clients    []string `json:"clients"`
		Notes      []string `json:"notes"`
	}
	v := shown{
		DryRun: f.dryRun, Empty: empty, From: []string{tables.Users.String(), tables.Clients.String(), tables.Configuration.String()},
		Issuer: plan.Configuration.Issuer, Expiration: int64(plan.Configuration.Expiration.Seconds()), Refreshes: plan.Configuration.MaxRefreshes,
		KID: plan.KID, Users: []string{}, Clients: []string{}, Notes: append([]string{}, plan.Notes...),
	}
	rows := [][]string{{"configuration", v.KID, v.Issuer, ""}}
	for _, u := range plan.Users {
		v.Users = append(v.Users, u.Username)
		rows = append(rows, []string{"user", u.ID, u.Username, list(u.Permissions)})
	}
	for _, c := range plan.Clients {
		v.Clients = append(v.Clients, c.ID)
		rows = append(rows, []string{"client", c.ID, c.Require.String(), list(c.Permissions)})
	}
	if !empty {
		fmt.Fprintln(p.stderr, "the target is not empty: the import would be refused")
	}
	for _, note := range v.Notes {
		fmt.Fprintln(p.stderr, plain(note))
	}
	return printTable(p.stdout, *f.format, v, "KIND ID WHAT PERMISSIONS", rows)
}
