package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/internal/server"
)

const pageSize = 200

// listCommand makes a command that lists things of type T: page reads the page behind
// a key, view is how one is shown as JSON, and row as a line of the table.
func listCommand[T, V any](
	p *program, short, header string,
	page func(ctx context.Context, in *server.Installation, after string) ([]T, error),
	key func(T) string, view func(T) V, row func(V) []string,
) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: short, Args: cobra.NoArgs}
	format := outputFlag(cmd)
	cmd.RunE = withInstallation(p, func(cmd *cobra.Command, _ []string, in *server.Installation) error {
		views, rows := []V{}, [][]string{}
		for after := ""; ; {
			items, err := page(cmd.Context(), in, after)
			if err != nil {
				return err
			}
			for _, item := range items {
				views = append(views, view(item))
				rows = append(rows, row(view(item)))
			}
			if len(items) < pageSize {
				return printTable(p.stdout, *format, views, header, rows)
			}
			after = key(items[len(items)-1])
		}
	})
	return cmd
}
