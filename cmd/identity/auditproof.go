package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/chain"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/server"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// onDatabase is a command that works on the database of the environment itself.
func onDatabase(p *program, do func(cmd *cobra.Command, args []string, in *server.Installation) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		if err := refuseRemote(cmd, p); err != nil {
			return err
		}
		in, err := openLocal(cmd.Context(), p, true)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, in.Close()) }()
		return do(cmd, args, in)
	}
}

func auditKeyCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "key", Short: "Show the public key that proves the audit", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Show the public half of the key that signs the audit, as a JWK (RFC 7517). Keep it where
nobody who can write to the database can change it: "identity audit verify" needs it. It
stays the same for the life of the installation.`,
		Example: `  identity audit key > audit-key.json`,
		RunE: onDatabase(p, func(cmd *cobra.Command, _ []string, in *server.Installation) error {
			signer, err := in.Ring.AuditSigner(cmd.Context())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(p.stdout, signer.Public().JWK())
			return err
		}),
	}
}

func auditHeadCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "head", Short: "Show the newest signed statement about the audit", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Show the newest statement that the service has signed about the audit: up to which number
it goes, and the hash there, as a compact JWS. The service also logs each one, as "audit
statement". Kept elsewhere, it proves later that nothing up to there was taken away.`,
		Example: `  identity audit head > head.jws`,
		RunE: onDatabase(p, func(cmd *cobra.Command, _ []string, in *server.Installation) error {
			head, err := in.DB.LastStatement(cmd.Context(), store.StatementHead)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(p.stdout, head.Statement)
			return err
		}),
	}
}

func auditExportCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "export [FILE]", Short: "Write the sealed audit as JSON lines", Args: cobra.MaximumNArgs(1),
		Long: `Write the sealed audit, with what was signed about it, to a new file or to standard output:
JSON lines, which "identity audit verify" proves without the database. Lines are to be kept
as they are. Events of the last second may not be sealed yet, and those that were recorded
while no service runs are sealed when one does.`,
		Example: `  identity audit export audit.jsonl
  identity audit export | gzip > audit.jsonl.gz`,
		RunE: onDatabase(p, func(cmd *cobra.Command, args []string, in *server.Installation) error {
			var n int64
			err := writeNew(fileName(args), p.stdout, func(w io.Writer) (err error) {
				n, err = audit.Export(cmd.Context(), in.DB, w)
				return err
			})
			if err == nil {
				fmt.Fprintf(p.stderr, "%d events\n", n)
			}
			return err
		}),
	}
}

// errBroken is an audit that is not as it was sealed.
var errBroken = errors.New("the audit is broken")

func auditVerifyCommand(p *program) *cobra.Command {
	var keyFiles []string
	var head string
	cmd := &cobra.Command{
		Use: "verify [FILE]", Short: "Prove that nobody changed the audit", Args: cobra.MaximumNArgs(1),
		Long: `Prove that the audit is as it was sealed: in an export, or without FILE in the database of
the environment. It needs the public key, as "identity audit key" showed it at the
beginning, and better also a statement that was kept elsewhere: an "audit statement" of the log,
or what "identity audit head" showed. Without one it cannot tell whether the newest events
were taken away together with all that was signed about them.

It names the first event that was changed, deleted, inserted or put elsewhere, and says
what it could not find out. The exit code is 2 where the audit is broken.`,
		Example: `  identity audit verify --key audit-key.json --head head.jws
  identity audit verify audit.jsonl --key audit-key.json
  gunzip < audit.jsonl.gz | identity audit verify - --key audit-key.json`,
	}
	cmd.Flags().StringArrayVar(&keyFiles, "key", nil, "file with a public key, as a JWK or PEM (required; again for a former key)")
	cmd.Flags().StringVar(&head, "head", "", "file with a statement that was kept elsewhere: a JWS, or a record of the log")
	_ = cmd.MarkFlagRequired("key")
	format := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		keys, kept, err := pinned(keyFiles, head)
		if err != nil {
			return err
		}
		var report chain.Report
		if len(args) > 0 {
			report, err = verifyExport(p, args[0], keys, kept)
		} else {
			err = onDatabase(p, func(cmd *cobra.Command, _ []string, in *server.Installation) (err error) {
				report, err = audit.Verify(cmd.Context(), in.DB, keys, kept)
				return err
			})(cmd, nil)
		}
		if err != nil {
			return err
		}
		return printReport(p, *format, report)
	}
	return cmd
}

// pinned reads what is known from elsewhere.
func pinned(keyFiles []string, head string) (keys []jose.PublicKey, kept *chain.Statement, err error) {
	for _, file := range keyFiles {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, nil, fmt.Errorf("--key: %w", err)
		}
		key, err := jose.ParsePublicKey(text)
		if err != nil {
			return nil, nil, fmt.Errorf("--key: %s: %w", file, err)
		}
		keys = append(keys, key)
	}
	if head == "" {
		return keys, nil, nil
	}
	kept, err = keptStatement(head, keys)
	if err != nil {
		return nil, nil, fmt.Errorf("--head: %w", err)
	}
	return keys, kept, nil
}

// keptStatement reads a statement in a file: a JWS, or a record of the log.
func keptStatement(file string, keys []jose.PublicKey) (*chain.Statement, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	compact := strings.TrimSpace(string(text))
	if strings.HasPrefix(compact, "{") {
		if compact, err = chain.ParseRecord([]byte(compact)); err != nil {
			return nil, fmt.Errorf("%s is no record of a statement: %w", file, err)
		}
	}
	st, err := chain.ReadStatement(compact, keys...)
	if err != nil {
		return nil, fmt.Errorf("%s: the statement does not hold: %w", file, err)
	}
	return &st, nil
}

func verifyExport(p *program, file string, keys []jose.PublicKey, kept *chain.Statement) (chain.Report, error) {
	var from io.Reader = p.stdin
	if file != standardStream {
		f, err := os.Open(file)
		if err != nil {
			return chain.Report{}, err
		}
		defer f.Close() //nolint:errcheck // it was only read
		from = f
	}
	v := chain.NewVerifier(keys, kept)
	if err := chain.Read(from, v); err != nil {
		return chain.Report{}, err
	}
	return v.End(0, 0), nil
}

func printReport(p *program, format string, r chain.Report) error {
	fields := [][2]string{
		{"events", fmt.Sprint(r.Events)}, {"from", fmt.Sprint(r.First)}, {"to", fmt.Sprint(r.Last)}, {"signed up to", fmt.Sprint(r.Signed)}, {"hash", r.Hash},
	}
	if r.Cut > 0 {
		fields = append(fields, [2]string{"cut up to", fmt.Sprint(r.Cut)})
	}
	for _, u := range r.Unknown {
		fields = append(fields, [2]string{"not known", u})
	}
	verdict := "intact"
	if r.Broken != nil {
		verdict = "broken"
	}
	if err := printFields(p.stdout, format, r, append([][2]string{{"audit", verdict}}, fields...)); err != nil || r.Broken == nil {
		return err
	}
	at := fmt.Sprintf("event %d", r.Broken.First)
	if r.Broken.Last != r.Broken.First {
		at = fmt.Sprintf("events %d to %d", r.Broken.First, r.Broken.Last)
	}
	return fmt.Errorf("%w: %s at %s: %s", errBroken, r.Broken.Kind, at, r.Broken.Why)
}
