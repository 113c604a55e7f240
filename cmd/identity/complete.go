package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"
)

// finder finds words to complete an argument with; args are those before it.
type finder func(ctx context.Context, c *connection, args []string, begun string) ([]cobra.Completion, error)

// complete completes the arguments of a command, each with what its finder finds at
// the service; with nothing where that cannot be asked.
func complete(p *program, finders ...finder) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= len(finders) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second) // somebody waits
		defer cancel()
		cmd.SetContext(ctx)
		quiet := *p
		quiet.stderr = io.Discard
		c, err := connect(cmd, &quiet)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer func() { _ = c.close() }()
		words, err := finders[len(args)](ctx, c, args, begun)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// titles finds the first of a resource by what people call them.
func (r resource[T]) titles(ctx context.Context, c *connection, _ []string, begun string) ([]cobra.Completion, error) {
	items, _, err := all[T](ctx, c, r.path, r.beginning(begun), 200)
	return words(items, r.title), err
}

func words[T any](items []T, word func(T) string) []cobra.Completion {
	found := make([]cobra.Completion, len(items))
	for i, item := range items {
		found[i] = word(item)
	}
	return found
}

// completeFlag completes the value of a flag with fixed words.
func completeFlag(cmd *cobra.Command, flag string, words ...cobra.Completion) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// findFlag completes the value of a flag with what its finder finds at the service.
func findFlag(cmd *cobra.Command, p *program, flag string, words finder) {
	_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return complete(p, words)(cmd, nil, begun)
	})
}
