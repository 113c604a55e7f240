package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

// mostFound is how much of what was found is read: more than any key has.
const mostFound = 16 << 10

func leakCommand(p *program) *cobra.Command {
	var ask api.LeakRequest
	var since string
	cmd := &cobra.Command{
		Use: "leak", Short: "Say what a secret is that was found, and end it", ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Say what a secret, token or key is that was found where it should not be: whose, since when,
and what it was used for. With --revoke it is ended, and everything made with it.

It is read from standard input, or asked for on a terminal: as it stands, or as the line of a
file of settings or of a header has it. It is in no log, and neither is it in the answer.
A password, or a secret that a client has chosen, has no form by which it could be found: name
its owner.

The exit code is 2 where it is nothing of this service.`,
		Example: `  identity leak < found.txt
  identity leak --revoke --yes < found.txt
  pbpaste | identity leak --since 2026-11-01
  identity leak --user ann`,
		// Not cobra.NoArgs: its error would repeat the argument, which may be the secret.
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return errors.New("what was found is read from standard input, never from the command line, where other users of the machine can read it")
			}
			return nil
		},
	}
	cmd.Flags().Bool("local", false, "work on the database directly, also where a context is stored")
	cmd.Flags().StringVar(&ask.ClientID, "client", "", "the client that may have chosen it as its secret")
	cmd.Flags().StringVar(&ask.Username, "user", "", "the user whose password it may be")
	cmd.Flags().StringVar(&since, "since", "", "from when on its uses matter: a date, or a time as RFC 3339 has it")
	completeFlag(cmd, "since")
	cmd.Flags().BoolVar(&ask.Revoke, "revoke", false, "end it, and everything made with it")
	yes := yesFlag(cmd)
	format := outputFlag(cmd)
	cmd.RunE = administer(p, func(cmd *cobra.Command, _ []string, c *connection) (err error) {
		if ask.Since, err = readSince(since); err != nil {
			return err
		}
		if ask.Found, err = readFound(p); err != nil {
			return err
		}
		found, err := lookAtLeak(cmd.Context(), p, c, ask, *yes)
		if err != nil {
			return err
		}
		if err := printLeak(p, *format, found); err != nil {
			return err
		}
		if found.Kind == "unknown" {
			return identity.Errorf(identity.NotFound, "It is nothing of this service, as far as can be told.").Because(errRefused)
		}
		return nil
	})
	return cmd
}

// readSince reads a date, which begins in UTC, or a time; nil is none.
func readSince(text string) (*time.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // documented
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return &t, nil
		}
	}
	return nil, errors.New("--since: expected a date such as 2026-01-02, or a time such as 2026-01-02T03:04:05Z")
}

// readFound reads what was found.
func readFound(p *program) (string, error) {
	if p.onTerminal() {
		found, err := askHidden(p, "What was found: ")
		return found.Reveal(), err
	}
	text, err := io.ReadAll(io.LimitReader(p.stdin, mostFound+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("reading what was found: %w", err)
	case len(text) > mostFound:
		return "", fmt.Errorf("there are more than %d bytes on standard input: one secret, token or key is expected", mostFound)
	case strings.TrimSpace(string(text)) == "":
		return "", errors.New("there is nothing on standard input")
	}
	return string(text), nil
}

// lookAtLeak asks what it is and, if it is to be revoked, has that done until it is.
func lookAtLeak(ctx context.Context, p *program, c *connection, ask api.LeakRequest, yes bool) (found api.Leak, err error) {
	post := func() error { return c.do(ctx, http.MethodPost, "/api/leak", ask, &found) }
	revoke := ask.Revoke
	ask.Revoke = false
	if err := post(); err != nil || !revoke || found.Kind == "unknown" || len(found.Ends) == 0 {
		return found, err
	}
	if !yes {
		if err := confirm(p, found.Says+" End "+strings.Join(found.Ends, "; ")+"?"); err != nil {
			return found, err
		}
	}
	ask.Revoke = true
	const tries = 5 // a key goes once another one signs, which takes one or two seconds
	for range tries {
		if err := post(); err != nil || found.RepeatAt == nil {
			return found, err
		}
		fmt.Fprintln(p.stderr, "Another key takes over at", when(found.RepeatAt)+"; then this one goes.")
		select {
		case <-ctx.Done():
			return found, ctx.Err()
		case <-time.After(min(time.Until(*found.RepeatAt), 2*time.Second) + 500*time.Millisecond):
		}
	}
	return found, errors.New("the key still signs: run the command again")
}

func printLeak(p *program, format string, l api.Leak) error {
	if format == "json" {
		return printJSON(p.stdout, l)
	}
	fmt.Fprintln(p.stdout, plain(l.Says))
	if l.Kind == "unknown" {
		return nil
	}
	good := "no"
	if l.Good {
		good = "yes"
	}
	fields := [][2]string{{"kind", l.Kind}, {"good", good}, {"id", l.ID}}
	for _, o := range l.Owners {
		fields = append(fields, [2]string{"owner", o.Type + " " + o.ID + " (" + o.Name + ")"})
	}
	fields = append(fields, [2]string{"made", when(l.CreatedAt)}, [2]string{"expires", orNever(l.ExpiresAt)}, [2]string{"last used", orNever(l.LastUsedAt)},
		[2]string{"audit since", when(l.UsesFrom)})
	fmt.Fprintln(p.stdout)
	if err := printFields(p.stdout, "table", nil, fields); err != nil {
		return err
	}
	if len(l.Uses) > 0 {
		rows := [][]string{strings.Fields("EVENT OUTCOME FROM EVENTS FIRST LAST")}
		for _, u := range l.Uses {
			rows = append(rows, []string{u.Event, u.Outcome, u.IP, fmt.Sprint(u.Events), when(&u.First), when(&u.Last)})
		}
		fmt.Fprintln(p.stdout)
		if err := printCells(p.stdout, rows); err != nil {
			return err
		}
	}
	ends := "With --revoke this ends:"
	if l.Revoked {
		ends = "This has ended:"
	}
	printListed(p.stdout, ends, l.Ends)
	printListed(p.stdout, "What remains:", l.Remains)
	return nil
}

func printListed(w io.Writer, title string, items []string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, item := range items {
		fmt.Fprintln(w, "  "+plain(item))
	}
}
