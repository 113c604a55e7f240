package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/api"
)

func logoutCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "logout", Short: "End the session and forget the stored context", Args: cobra.NoArgs,
		Long: `End the session of a person at the service and forget the stored context: commands work
on the database of the environment again. Where the service cannot be reached the context
is forgotten all the same.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := contextFile(p)
			if err != nil {
				return err
			}
			if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
				fmt.Fprintln(p.stderr, "There was no context.")
				return nil
			}
			unlock, err := lockContext(p)
			if err != nil {
				return err
			}
			defer unlock()
			ended, failure := endSession(cmd.Context(), p)
			if err := os.Remove(path); err != nil {
				return err
			}
			switch {
			case failure != nil:
				fmt.Fprintf(p.stderr, "The context is forgotten. But its session could not be ended, and lasts until it expires or somebody ends it (\"identity session end\"): %s\n", message(failure))
			case ended:
				fmt.Fprintln(p.stderr, "The session has ended, and the context is forgotten.")
			default:
				fmt.Fprintln(p.stderr, "The context is forgotten.")
			}
			return nil
		},
	}
}

// endSession ends the session of the stored context, if it has one.
func endSession(ctx context.Context, p *program) (ended bool, err error) {
	r, err := storedContext(p)
	if err != nil || r == nil || r.RefreshToken == "" {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second) // somebody waits
	defer cancel()
	err = newConnection(r.Server).do(ctx, http.MethodPost, "/auth/logout", api.RefreshRequest{RefreshToken: r.RefreshToken}, nil)
	return err == nil, err
}
