// Command identity is the Identity Service: it authenticates people and machines
// and issues JSON Web Tokens.
//
// "identity dev" shows everything on a temporary database. "identity serve" is
// the real thing, configured by the environment. The other commands look after an
// installation: over the administration interface of a running service, or on its
// database directly, which takes the same interface within the process. See
// connection, on which all of them are built, and resource, which makes those that
// are the same for users, clients, roles and audiences. Only what opens sealed values
// needs the database itself: see rewrap.
//
// Data goes to standard output, messages to standard error. No secret is taken
// from the command line, where other users of the machine could read it. The exit
// code is 0 for success, 1 for a mistake in the call or something local, 2 for a
// refusal by the service.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
)

func main() {
	// A reader that has gone is an error of writing, so that what was begun is
	// ended in order; so is a terminal that is closed.
	signal.Ignore(syscall.SIGPIPE)
	end := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		end = append(end, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), end...)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, program{
		args: os.Args[1:], stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, lookup: os.LookupEnv,
	}))
}

// program is what a run of the command has from its surroundings.
type program struct {
	args           []string
	stdin          *os.File
	stdout, stderr io.Writer
	lookup         func(string) (string, bool)
	// done is closed when the program is to end.
	done <-chan struct{}
}

// run runs the command and returns its exit code.
func run(ctx context.Context, p program) int {
	p.done = ctx.Done()
	root := rootCommand(&p)
	root.SetArgs(p.args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if errors.Is(err, syscall.EPIPE) {
		return 1 // whoever reads has seen enough
	}
	fmt.Fprintln(p.stderr, "identity:", message(err))
	return exitCode(err)
}

// exitCode tells a refusal by the service from everything local.
func exitCode(err error) int {
	if errors.Is(err, errNotVerified) || errors.Is(err, errBroken) || errors.Is(err, errRefused) {
		return 2
	}
	if errors.Is(err, errCare) {
		return 6
	}
	return 1
}

// message is the error for a person: without the code words of the interface.
func message(err error) string {
	e, ok := errors.AsType[*identity.Error](err)
	if !ok {
		return err.Error()
	}
	return strings.Replace(err.Error(), e.Error(), said(e), 1)
}

func said(e *identity.Error) string {
	if len(e.Fields) > 0 {
		var text strings.Builder
		text.WriteString("these values cannot be used:")
		for _, f := range e.Fields {
			fmt.Fprintf(&text, "\n  %s: %s", f.Loc[len(f.Loc)-1], f.Message)
		}
		return text.String()
	}
	// What went wrong inside helps only where something did.
	if e.Err != nil && !errors.Is(e.Err, errRefused) {
		return e.Message + " (" + e.Err.Error() + ")"
	}
	return e.Message
}

func rootCommand(p *program) *cobra.Command {
	root := &cobra.Command{
		Use:   "identity",
		Short: "Authenticates people and machines and issues JSON Web Tokens",
		Long: `Authenticates people (username and password) and machines (secret, signature,
or both) and issues JSON Web Tokens for an audience.

Begin with "identity dev": it runs everything on a temporary database and prints
lines to copy.

Data goes to standard output (-o json for programs), messages to standard error. Secrets
are read from the terminal, standard input or files, never from the command line.

Exit codes:
  0  it is done
  1  a mistake in the call, or something local: no database, no answer from the service
     or none that it should give
  2  the service refused: not allowed, not found, already there, a bad value; a token
     that is not valid; an audit that is broken
  6  "identity doctor" has found something that needs care`,
		SilenceUsage: true, SilenceErrors: true, Version: version(),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, g := range []struct {
		title    string
		commands []*cobra.Command
	}{
		{"Run the service:", []*cobra.Command{devCommand(p), serveCommand(p), migrateCommand(p), exportCommand(p), importCommand(p), backupCommand(p), healthcheckCommand(p)}},
		{"Look after an installation, here or over the network:", []*cobra.Command{
			userCommand(p), clientCommand(p), roleCommand(p), audienceCommand(p), sessionCommand(p), revocationCommand(p), signingKeyCommand(p), throttleCommand(p), configCommand(p), auditCommand(p), whyCommand(p), leakCommand(p), doctorCommand(p), applyCommand(p),
		}},
		{"Get to it:", []*cobra.Command{loginCommand(p), logoutCommand(p), passwordCommand(p), bootstrapCommand(p)}},
		{"Tools:", []*cobra.Command{signCommand(p), tokenCommand(p), hashCommand(p), encryptionKeyCommand(p), versionCommand(p)}},
	} {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, cmd := range g.commands {
			cmd.GroupID = g.title
		}
		root.AddCommand(g.commands...)
	}
	explainMistakes(root)
	return root
}

// explainMistakes makes a command and those below it say where to read how they are
// called, if they are called otherwise.
func explainMistakes(cmd *cobra.Command) {
	explained := func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %q", err, cmd.CommandPath()+" --help")
	}
	cmd.SetFlagErrorFunc(explained)
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return explained(cmd, err)
			}
			return nil
		}
	}
	for _, below := range cmd.Commands() {
		explainMistakes(below)
	}
}

// group makes a command that only has others. By itself it is a mistake, and so is a
// word that names none of them.
func group(name, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return fmt.Errorf("%q needs one of its commands; see %q", cmd.CommandPath(), cmd.CommandPath()+" --help")
		},
	}
	cmd.AddCommand(commands...)
	return cmd
}

func versionCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintln(p.stdout, "identity", version())
			return nil
		},
	}
}

// version is the module's, or the commit that the program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "development version " + s.Value
		}
	}
	return "development version"
}
