package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/api"
)

const throttlesPath = "/api/throttles"

// throttles is the resource of names on which attempts have to wait.
func throttles(p *program) resource[api.Throttle] {
	return resource[api.Throttle]{
		p: p, name: "throttle", path: throttlesPath, header: "ID KIND NAME SOURCE ATTEMPTS UNTIL UPDATED", most: 100,
		row: func(t api.Throttle) []string {
			return []string{t.ID, t.Kind, t.Name, t.Source, fmt.Sprint(t.Attempts), when(&t.Until), when(&t.UpdatedAt)}
		},
		title: func(t api.Throttle) string { return t.ID },
	}
}

func throttleCommand(p *program) *cobra.Command {
	return administration("throttle", "Look at names on which too many attempts have failed, and clear them", throttleListCommand(p), throttleClearCommand(p))
}

func throttleListCommand(p *program) *cobra.Command {
	cmd := throttles(p).list(nil)
	cmd.Short = "List the names on which attempts have to wait"
	cmd.Long = `List the names on which attempts have to wait, those with the most attempts first. One that
nobody has is listed without it: it may have been a password in the wrong place. One with a source is counted for that address alone:
there the name was proven in the last 30 days.`
	return cmd
}

func throttleClearCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "clear ID", Short: "Forget the attempts on a name", Args: cobra.ExactArgs(1), ValidArgsFunction: complete(p, throttles(p).titles),
		Long: `Forget the attempts on a name, by the id that "identity throttle list" shows: the next one
need not wait. If somebody still guesses, it will soon be as before.`,
		Example: `  identity throttle clear iq7mAnWYkYuJ3WqTqZ1a0m9i4D3xBvV3oZlDk1cY2cQ`,
	}
	cmd.RunE = administer(p, func(cmd *cobra.Command, args []string, c *connection) error {
		if err := c.do(cmd.Context(), http.MethodDelete, throttlesPath+"/"+segment(args[0]), nil, nil); err != nil {
			return err
		}
		fmt.Fprintln(p.stderr, "The attempts are forgotten.")
		return nil
	})
	return cmd
}
