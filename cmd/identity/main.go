// Command identity is the Identity Service: it authenticates people and machines
// and issues JSON Web Tokens.
//
// "identity dev" shows everything on a temporary database. "identity serve" is
// the real thing, configured by the environment. The other commands look after an
// installation: they work on its database directly, with the same environment.
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
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
}

// run runs the command and returns its exit code.
func run(ctx context.Context, p program) int {
	root := rootCommand(&p)
	root.SetArgs(p.args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(p.stderr, "identity:", message(err))
	return exitCode(err)
}

// exitCode tells a refusal by the service from everything local.
func exitCode(err error) int {
	if errors.Is(err, errUnhealthy) || errors.Is(err, errNotVerified) {
		return 2
	}
	if _, refused := errors.AsType[*identity.Error](err); refused {
		return 2
	}
	return 1
}

// message is the error for a person: without the code words of the interface.
func message(err error) string {
	e, ok := errors.AsType[*identity.Error](err)
	if !ok {
		return err.Error()
	}
	var text strings.Builder
	text.WriteString(e.Message)
	for _, f := range e.Fields {
		fmt.Fprintf(&text, "\n  %s: %s", f.Loc[len(f.Loc)-1], f.Message)
	}
	if e.Err != nil {
		fmt.Fprintf(&text, " (%s)", e.Err)
	}
	return text.String()
}

func rootCommand(p *program) *cobra.Command {
	root := &cobra.Command{
		Use:   "identity",
		Short: "Authenticates people and machines and issues JSON Web Tokens",
		Long: `Authenticates people (username and password) and machines (secret, signature,
or both) and issues JSON Web Tokens for an audience.

Begin with "identity dev": it runs everything on a temporary database and prints
lines to copy.`,
		SilenceUsage: true, SilenceErrors: true,
		Args: cobra.NoArgs,
	}
	root.AddCommand(
		devCommand(p), serveCommand(p), migrateCommand(p),
		userCommand(p), clientCommand(p), configCommand(p),
		signCommand(p), tokenCommand(p), hashCommand(p), healthcheckCommand(p), versionCommand(p),
	)
	return root
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
