package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func tokenCommand(p *program) *cobra.Command {
	cmd := group("token", "Look at tokens", tokenInspectCommand(p), tokenVerifyCommand(p), tokenExplainCommand(p))
	cmd.Args = fromStdin("inspect")
	return cmd
}

// fromStdin refuses arguments and says how to call the command instead; rest is the end of
// that call. The usual refusal repeats the arguments, and these may well be tokens.
func fromStdin(rest string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		call := strings.TrimSpace(cmd.CommandPath() + " " + rest)
		return fmt.Errorf("unexpected argument; others can read the command line, so the token is read from standard input: printf '%%s' \"$TOKEN\" | %s", call)
	}
}

// maxInput is more than any token has, so that what is too long can be told from a token.
const maxInput = 2 * jose.MaxMessage

// readToken reads a token from standard input: all of it, or a line on a terminal. White
// space around it is not the token's.
func readToken(p *program) (identity.Secret, error) {
	if p.onTerminal() {
		return readLine(p.lines(), "token")
	}
	text, err := io.ReadAll(io.LimitReader(p.stdin, maxInput))
	if err != nil {
		return identity.Secret{}, fmt.Errorf("reading the token: %w", err)
	}
	token := strings.Trim(string(text), " \t\r\n")
	if token == "" {
		return identity.Secret{}, errors.New("there is no token on standard input")
	}
	return identity.NewSecret(token), nil
}

func tokenInspectCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "inspect", Short: "Print what a token says, without verifying it", Args: fromStdin(""), ValidArgsFunction: cobra.NoFileCompletions,
		Long:    `Read a token from standard input and print its header and claims. Nothing is verified: whoever made the token can have written anything into it.`,
		Example: `  printf '%s' "$TOKEN" | identity token inspect`,
		RunE: func(*cobra.Command, []string) error {
			token, err := readToken(p)
			if err != nil {
				return err
			}
			m, err := jose.Parse(token.Reveal(), jose.AssertionAlgorithms())
			if err != nil {
				return fmt.Errorf("the token cannot be read: %w", err)
			}
			var claims json.RawMessage
			if err := jose.DecodeStrict(m.UnverifiedPayload(), &claims); err != nil {
				return fmt.Errorf("the claims of the token cannot be read: %w", err)
			}
			fmt.Fprintln(p.stderr, "Not verified: this is what the token says of itself.")
			return printJSON(p.stdout, map[string]any{
				"header": map[string]string{"alg": string(m.Algorithm()), "kid": m.KID(), "typ": m.Type()},
				"claims": claims,
			})
		},
	}
}
