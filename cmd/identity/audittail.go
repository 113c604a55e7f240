package main

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/api"
)

const (
	// tailInterval is how often it is looked for more.
	tailInterval = time.Second
	// tailMost is how many events can be shown of those that are there.
	tailMost = 200
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
		seen := map[string]bool{}
		var from time.Time
		for first := true; first || *follow; first = false {
			query, most := url.Values{}, 0
			switch {
			case first && *follow:
				most = tailMost // what is not shown of them is not to come later
			case first:
				most = *number
			}
			if !from.IsZero() { // what comes late may have a time that is a little earlier
				query.Set("from", from.Add(-tailInterval).UTC().Format("2006-01-02T15:04:05.000Z"))
			}
			page, _, err := all[api.Event](cmd.Context(), c, events.path, query, most)
			if err != nil {
				if cmd.Context().Err() != nil {
					return nil //nolint:nilerr // it was interrupted, as it is meant to be
				}
				return err
			}
			slices.Reverse(page)
			recent := map[string]bool{}
			for i, e := range page {
				recent[e.ID] = true
				if e.At.After(from) {
					from = e.At
				}
				if seen[e.ID] || first && i < len(page)-*number {
					continue
				}
				if err := printEvent(p, *format, events, e); err != nil {
					return err
				}
			}
			seen = recent
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

func printEvent(p *program, format string, events resource[api.Event], e api.Event) error {
	if format == "json" {
		return printLine(p.stdout, e)
	}
	return printCells(p.stdout, [][]string{events.row(e)})
}
