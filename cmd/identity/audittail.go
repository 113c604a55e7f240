package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/api"
)

const (
	// tailInterval is how often it is looked for more.
	tailInterval = time.Second
	// tailMost is how many events can be shown of those that are there.
	tailMost = 200
	// mostSeen is of how many it is remembered that they were shown.
	mostSeen = 50 * tailMost
)

func auditTailCommand(p *program, events resource[api.Event]) *cobra.Command {
	cmd := &cobra.Command{Use: "tail", Short: "Show the newest events, oldest first, and those that come", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions}
	cmd.Long = `Show the newest events of the audit, oldest first, each in a line; with --follow also those
that come, until it is interrupted. -o json writes one JSON object in a line.`
	cmd.Example = `  identity audit tail --follow
  identity audit tail -n 100 -o json`
	number := cmd.Flags().IntP("lines", "n", 10, "how many to show, 1 to 200")
	follow := cmd.Flags().BoolP("follow", "f", false, "go on with those that come")
	format := outputFlag(cmd)
	cmd.RunE = administer(p, func(cmd *cobra.Command, _ []string, c *connection) error {
		if *number < 1 || *number > tailMost {
			return fmt.Errorf("--lines: expected 1 to %d", tailMost)
		}
		seen, order := map[string]bool{}, []string{}
		for first := true; first || *follow; first = false {
			fresh, err := newEvents(cmd.Context(), c, events.path, seen, first)
			if err != nil {
				if cmd.Context().Err() != nil {
					return nil //nolint:nilerr // it was interrupted, as it is meant to be
				}
				return err
			}
			for i, e := range fresh {
				seen[e.ID], order = true, append(order, e.ID)
				if len(order) > mostSeen {
					delete(seen, order[0])
					order = order[1:]
				}
				if first && i < len(fresh)-*number {
					continue // what is not shown of them is not to come later
				}
				if err := printEvent(p, *format, events, e); err != nil {
					return err
				}
			}
			if *follow {
				select {
				case <-cmd.Context().Done():
					return nil
				case <-time.After(tailInterval):
				}
			}
		}
		return nil
	})
	return cmd
}

// newEvents returns the events that have arrived since those that were seen, in the order of
// their arrival: what comes late has an earlier time. Of the first there are tailMost at
// most.
func newEvents(ctx context.Context, c *connection, path string, seen map[string]bool, first bool) (fresh []api.Event, err error) {
	query := url.Values{"limit": {strconv.Itoa(tailMost)}}
	for {
		var page api.Page[api.Event]
		if err := c.do(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		known := false
		for _, e := range page.Data { // newest first, but for what was stored at the same moment
			known = known || seen[e.ID]
			if !seen[e.ID] {
				fresh = append(fresh, e)
			}
		}
		if known || first || page.NextCursor == nil {
			slices.Reverse(fresh)
			return fresh, nil
		}
		query.Set("cursor", *page.NextCursor)
	}
}

func printEvent(p *program, format string, events resource[api.Event], e api.Event) error {
	if format == "json" {
		return printLine(p.stdout, e)
	}
	return printCells(p.stdout, [][]string{events.row(e)})
}
