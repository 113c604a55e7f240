package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/internal/store"
)

func backupCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: "Copy the SQLite database while the service runs", Args: cobra.ExactArgs(1),
		Long: `Copy the SQLite database of the environment into a new file, for its owner only, while
the service runs and writes. The copy is the database as it was at one moment; it is
checked before it gets its name, and replaces no other file. The line on standard output
is for "sha256sum --check", which finds later whether it is still the same.

The encryption key is not in it, and it is worth nothing without: keep a copy of
ENCRYPTION_KEY, or of the file ending in .key beside the database, in another place.

A PostgreSQL, MySQL or MariaDB database has tools of its own; docs/runbook.md says how.`,
		Example: `  identity backup /backups/identity.db > /backups/identity.db.sha256
  sha256sum --check /backups/identity.db.sha256`,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := loadSettings(p.lookup)
			if err != nil {
				return err
			}
			if tool := backupTools[s.database.Driver]; tool != "" {
				return fmt.Errorf("this copies SQLite only; for DATABASE_DRIVER %s use %s, as docs/runbook.md says; nothing was done", s.database.Driver, tool)
			}
			made, err := store.Backup(cmd.Context(), s.database, args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(p.stderr, "%s: %d bytes, revision %d, checked\n", args[0], made.Size, made.Revision)
			if s.given["ENCRYPTION_KEY"] {
				fmt.Fprintln(p.stderr, "ENCRYPTION_KEY is not in it: without that key it cannot be used; keep a copy of it elsewhere")
			} else {
				fmt.Fprintf(p.stderr, "the encryption key, %s.key, is not in it: without that file it cannot be used; keep a copy of it elsewhere\n", s.database.Path)
			}
			_, err = fmt.Fprintf(p.stdout, "%x  %s\n", made.SHA256, args[0])
			return err
		},
	}
}

// backupTools name what copies the databases that have tools of their own.
var backupTools = map[store.Driver]string{
	store.PostgreSQL: "pg_dump or pg_basebackup",
	store.MySQL:      "mariadb-dump (or mysqldump) with --single-transaction",
}
