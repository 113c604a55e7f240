package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func tokenExplainCommand(p *program) *cobra.Command {
	var sought tokenFlags
	cmd := &cobra.Command{
		Use: "explain", Short: "Say what a verifier would say of a token, and why", Args: fromStdin("--audience A"), ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Read a token from standard input and make every check of a verifier, also after one has
failed: what is expected, what the token says, the rule, and what to do. The exit code
is 2 if a verifier would refuse it.

Without --issuer the service that "identity login" or IDENTITY_URL names is asked, or
else the database of the environment (--local is always the database). Where nobody can
be asked, --jwks gives the keys, and the issuer is not checked. Nothing is ever fetched
from where the token says. The token itself is not printed.`,
		Example: `  printf '%s' "$TOKEN" | identity token explain --audience billing
  printf '%s' "$TOKEN" | identity token explain --audience billing --issuer https://id.example.com -o json`,
	}
	sought.add(cmd)
	cmd.Flags().Bool("local", false, "ask the database directly, also where a context is stored")
	format := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		token, e, err := sought.read(cmd, p)
		if err != nil {
			return err
		}
		r := examine(token.Reveal(), e, time.Now())
		if err := r.print(p, *format); err != nil {
			return err
		}
		if r.firstFailure() != nil {
			return errNotVerified
		}
		return nil
	}
	return cmd
}

// print writes the report. Everything in it that the token or the service chose has been
// written out in ASCII.
func (r report) print(p *program, format string) error {
	conclusion := r.conclusion()
	if format == "json" {
		return printJSON(p.stdout, struct {
			Valid         bool    `json:"valid"`
			Conclusion    string  `json:"conclusion"`
			Issuer        string  `json:"issuer"`
			IssuerChecked bool    `json:"issuer_checked"`
			KeysFrom      string  `json:"keys_from"`
			Checks        []check `json:"checks"`
		}{r.firstFailure() == nil, conclusion, r.expected.issuer, r.expected.issuer != "", r.expected.keysFrom, r.checks})
	}
	rows := make([][]string, len(r.checks))
	reasons := map[string][]string{} // the checks that were not made, by why not
	for i, c := range r.checks {
		if c.Because != "" {
			reasons[c.Because] = append(reasons[c.Because], c.Name)
		}
		rows[i] = []string{c.Name, c.Verdict.words(), c.Expected, c.Actual, c.Rule}
	}
	if err := printTable(p.stdout, format, nil, "CHECK VERDICT EXPECTED ACTUAL RULE", rows); err != nil {
		return err
	}
	if r.expected.issuerFrom != "" {
		fmt.Fprintf(p.stderr, "The issuer is from %s, ", plain(r.expected.issuerFrom))
	} else {
		fmt.Fprint(p.stderr, "The issuer was NOT checked, ")
	}
	fmt.Fprintf(p.stderr, "the keys are from %s.\n", plain(r.expected.keysFrom))
	var said strings.Builder
	for _, because := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Fprintf(&said, "%s: not checked %s.\n", strings.Join(reasons[because], "; "), because)
	}
	_, err := fmt.Fprintf(p.stdout, "\n%s%s\n", said.String(), conclusion)
	return err
}
