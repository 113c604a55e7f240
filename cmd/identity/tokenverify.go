package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// errNotVerified is a token that a verifier would refuse.
var errNotVerified = errors.New("the token is not valid")

func tokenVerifyCommand(p *program) *cobra.Command {
	var sought tokenFlags
	cmd := &cobra.Command{
		Use: "verify", Short: "Verify a token as its audience would", Args: fromStdin("--issuer ISSUER --audience A"), ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Read a token from standard input, verify its signature with the issuer's published
keys, its type, issuer, audience and times, and print its claims. The exit code is 2
if it is not valid; "identity token explain" says more about why.`,
		Example: `  printf '%s' "$TOKEN" | identity token verify --issuer https://id.example.com --audience billing`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			token, e, err := sought.read(cmd, p)
			if err != nil {
				return err
			}
			r := examine(token.Reveal(), e, time.Now())
			if c := r.firstFailure(); c != nil {
				return fmt.Errorf("%w: %s: expected %s, it is %s", errNotVerified, c.Name, c.Expected, c.Actual)
			}
			return printJSON(p.stdout, json.RawMessage(r.payload))
		},
	}
	sought.add(cmd)
	_ = cmd.MarkFlagRequired("issuer")
	return cmd
}
