package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

const declarationPath = "/api/declaration"

func applyCommand(p *program) *cobra.Command {
	var file string
	var dryRun, prune bool
	cmd := &cobra.Command{
		Use: "apply -f FILE", Short: "Make the installation what a file says", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Make the configuration, roles, audiences, clients and users what a YAML (or JSON) file says, all
of it or nothing, and show what that changes. A section that is not in the file is left alone.
In one that is, what an entry does not say is the default; what has no entry is left alone,
or deleted with --prune. Applying a file again changes nothing.

The file has no secrets and no passwords: what is missing then is shown with the command
that makes it. "identity config export" writes such a file.`,
		Example: `  identity config export > state.yaml
  identity apply -f state.yaml --dry-run
  identity apply -f state.yaml --prune`,
	}
	cmd.Flags().Bool("local", false, "work on the database directly, also where a context is stored")
	cmd.Flags().StringVarP(&file, "file", "f", "", `the file; "-" is standard input`)
	_ = cmd.MarkFlagRequired("file")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only show what would be changed")
	cmd.Flags().BoolVar(&prune, "prune", false, "delete what is not in the sections of the file")
	yes := yesFlag(cmd)
	format := outputFlag(cmd)
	cmd.RunE = administer(p, func(cmd *cobra.Command, _ []string, c *connection) error {
		document, err := readDeclaration(p, file)
		if err != nil {
			return err
		}
		post := func(dryRun bool) (plan api.Plan, err error) {
			query := url.Values{"dry_run": {strconv.FormatBool(dryRun)}, "prune": {strconv.FormatBool(prune)}}
			err = c.do(cmd.Context(), http.MethodPost, declarationPath+"?"+query.Encode(), document.JSON(), &plan)
			return plan, document.at(file, err)
		}
		if prune && !dryRun && !*yes {
			plan, err := post(true)
			if err != nil {
				return err
			}
			if n := deletions(plan); n > 0 {
				printPlan(p.stderr, plan)
				if err := confirm(p, fmt.Sprintf("This deletes %d things for ever. Apply it?", n)); err != nil {
					return err
				}
			}
		}
		plan, err := post(dryRun)
		if err != nil {
			return err
		}
		if *format == "json" {
			return printJSON(p.stdout, plan)
		}
		printPlan(p.stdout, plan)
		return nil
	})
	return cmd
}

func configExportCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "export", Short: "Write the whole installation as a file for \"identity apply\"", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Write the configuration, roles, audiences, clients and users as YAML, of which "identity apply"
changes nothing. It has no secrets, passwords, sessions and signing keys: "identity export"
carries all of those.`,
		Example: `  identity config export > state.yaml`,
	}
	format := cmd.Flags().StringP("output", "o", "yaml", "form of the output: yaml or json")
	completeFlag(cmd, "output", "yaml", "json")
	cmd.RunE = administer(p, func(cmd *cobra.Command, _ []string, c *connection) error {
		if *format != "yaml" && *format != "json" {
			return errors.New("--output: expected yaml or json")
		}
		var d json.RawMessage
		if err := c.do(cmd.Context(), http.MethodGet, declarationPath, nil, &d); err != nil {
			return err
		}
		if *format == "json" {
			return printJSON(p.stdout, d)
		}
		return writeYAML(p.stdout, d)
	})
	return cmd
}

// readDeclaration reads the file.
func readDeclaration(p *program, file string) (*yamlDocument, error) {
	var in io.Reader = p.stdin
	if file != standardStream {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	d, err := readYAML(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return d, nil
}

// at says where in the file something is that the service has found wrong.
func (d *yamlDocument) at(file string, err error) error {
	e, ok := errors.AsType[*identity.Error](err)
	if !ok || len(e.Fields) == 0 {
		return err
	}
	var text strings.Builder
	text.WriteString("these values cannot be used:")
	for _, f := range e.Fields {
		path := f.Loc[min(1, len(f.Loc)):]
		fmt.Fprintf(&text, "\n  %s:%d: %s: %s", file, d.line(path), strings.Join(path, "."), f.Message)
	}
	return identity.Errorf(e.Kind, "%s", text.String()).Because(errRefused)
}

func deletions(plan api.Plan) (n int) {
	for _, c := range plan.Changes {
		if c.Action == "delete" {
			n++
		}
	}
	return n
}

// printPlan writes what is changed, a member a line.
func printPlan(w io.Writer, plan api.Plan) {
	marks := map[string]string{"create": "+", "update": "~", "delete": "-"}
	count := map[string]int{}
	for _, c := range plan.Changes {
		count[c.Action]++
		fmt.Fprintln(w, plain(strings.TrimSpace(marks[c.Action]+" "+c.Kind+" "+c.Name)))
		for _, member := range sortedKeys(c.After) {
			if c.Action == "create" {
				fmt.Fprintln(w, plain("    "+member+": "+string(c.After[member])))
			} else {
				fmt.Fprintln(w, plain("    "+member+": "+string(c.Before[member])+" → "+string(c.After[member])))
			}
		}
	}
	for _, m := range plan.MustMake {
		fmt.Fprintln(w, plain("! "+strings.ReplaceAll(m.Kind, "_", " ")+" of "+m.Name+" is missing: "+m.Command))
	}
	summary := "Nothing was changed: %d to create, %d to update, %d to delete.\n"
	if plan.Applied {
		summary = "Applied: %d created, %d updated, %d deleted.\n"
	}
	if len(plan.Changes) == 0 {
		fmt.Fprintln(w, "Everything is as the file says.")
		return
	}
	fmt.Fprintf(w, summary, count["create"], count["update"], count["delete"])
}
