package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/internal/newfile"
	"github.com/seed-60f9e3ad/identity/internal/server"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/transfer"
)

// standardStream stands for standard input or output in the place of a file's name.
const standardStream = "-"

func exportCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "export [FILE]", Short: "Write everything that the database holds", Args: cobra.MaximumNArgs(1),
		Long: `Write everything that the database holds, for "identity import" on a database of
any kind: to a new file, for its owner only, or to standard output.

Private keys stay sealed under the ENCRYPTION_KEY, which is not in the export: carry it
separately. The export shows one moment: what a running service writes later is not in it,
so stop the service before you move it.`,
		Example: `  identity export installation.export`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s, err := loadSettings(p.lookup)
			if err != nil {
				return err
			}
			in, err := openInstallation(cmd.Context(), s, newLogger(s, p.stderr, "text"), false)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, in.Close()) }()
			var rows transfer.Rows
			if err = writeNew(fileName(args), p.stdout, func(w io.Writer) error {
				rows, err = in.Export(cmd.Context(), w)
				return err
			}); err != nil {
				return err
			}
			fmt.Fprintln(p.stderr, "exported", rows.String())
			fmt.Fprintln(p.stderr, "the encryption key is not in the export; where it is imported, the same one is needed:", keyPlace(s))
			return nil
		},
	}
}

// writeNew has an export written to a new file, or to standard output.
func writeNew(file string, stdout io.Writer, write func(io.Writer) error) error {
	if file == standardStream {
		return write(stdout)
	}
	err := newfile.Write(file, func(f *os.File) error { return write(f) })
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and an export replaces nothing", file)
	}
	return err
}

// keyPlace says where the encryption key is.
func keyPlace(s settings) string {
	if s.encryptionKey.Empty() {
		return "the file " + s.database.Path + ".key"
	}
	return "ENCRYPTION_KEY"
}

func importCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "import [FILE]", Short: "Fill an empty database with an export, or with the original Python service's", Args: cobra.MaximumNArgs(1),
		Long: `Fill an empty database with what "identity export" wrote: from a file or from
standard input. All of it is imported, or nothing.

ENCRYPTION_KEY must be that of the installation that was exported. The two are the same
installation then: only one of them may run.

With --from-original it takes over the tables of the original Python service instead. They
are looked for in the PostgreSQL database of the environment, or of the variables
ORIGINAL_DATABASE_HOST, _PORT, _USERNAME, _PASSWORD (or _PASSWORD_FILE), _NAME and _SSL_*,
and only ever read. ENCRYPTION_KEY must be, or list, the original's. Begin with --dry-run.`,
		Example: `  identity import installation.export
  identity import --from-original --dry-run
  identity import --from-original`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s, err := loadSettings(p.lookup)
			if err != nil {
				return err
			}
			from, err := importFrom(p, fileName(args))
			if err != nil {
				return err
			}
			defer from.Close()
			in, err := server.OpenForImport(cmd.Context(), server.InstallationConfig{
				Database: s.database, EncryptionKey: s.encryptionKey, WaitFor: waitForDatabase, Logger: newLogger(s, p.stderr, "text"),
			})
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, in.Close()) }()
			rows, err := in.Import(cmd.Context(), caller, from)
			if err != nil {
				return err
			}
			fmt.Fprintln(p.stderr, "imported", rows.String())
			if s.database.Driver != store.SQLite {
				fmt.Fprintln(p.stderr, "all nodes on this database need the same ENCRYPTION_KEY")
			}
			return nil
		},
	}
	addOriginalFlags(cmd, p)
	return cmd
}

// importFrom opens the file, or standard input.
func importFrom(p *program, file string) (io.ReadCloser, error) {
	if file == standardStream {
		return io.NopCloser(p.stdin), nil
	}
	return os.Open(file)
}

func fileName(args []string) string {
	if len(args) == 0 {
		return standardStream
	}
	return args[0]
}
