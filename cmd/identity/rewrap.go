package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/server"
)

func rewrapCommand(p *program) *cobra.Command {
	var onlyStatus bool
	cmd := &cobra.Command{
		Use: "rewrap", Short: "Put everything that is sealed under the first ENCRYPTION_KEY", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Put everything that is sealed under the first key of ENCRYPTION_KEY, so that the others
can be left out. It works on the database of the environment, never over the network, while
the service runs. It can be interrupted and run again, and several times at once: each value
is under the one key or under the other, and both are listed. docs/runbook.md has the
rotation step by step, for several nodes too.

A value that does not open is named, and stays as it is; the exit code is 1 then, though
the others are done. --status changes nothing, and also works where a key is missing,
which ends with 1 as well.`,
		Example: `  export ENCRYPTION_KEY="$NEW,$OLD"
  identity key rewrap
  identity key rewrap --status`,
	}
	cmd.Flags().BoolVar(&onlyStatus, "status", false, "only show what is sealed under which key")
	format := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if err := refuseRemote(cmd, p); err != nil {
			return err
		}
		in, err := openLocal(cmd.Context(), p, onlyStatus)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, in.Close()) }()
		rewrapped := 0
		if !onlyStatus {
			bar := newProgress(p, "Rewrapping")
			rewrapped, err = rewrap(cmd.Context(), in, bar.show)
			bar.end()
			if cmd.Context().Err() != nil {
				return fmt.Errorf("interrupted; %d values are under the first key now, run it again for the others", rewrapped)
			}
			if err != nil {
				return fmt.Errorf("%w; %d values are under the first key now, run it again for the others", err, rewrapped)
			}
		}
		values, err := in.Ring.SealedValues(cmd.Context())
		if err != nil {
			return err
		}
		status := sealedStatusOf(in.Ring, values)
		if !onlyStatus {
			status.Rewrapped = &rewrapped
		}
		return status.print(p, *format)
	}
	return cmd
}

// refuseRemote: what opens sealed values has the key at hand, or is in the wrong place.
func refuseRemote(cmd *cobra.Command, p *program) error {
	if local, err := cmd.Flags().GetBool("local"); err != nil || local {
		return err
	}
	remote, err := findRemote(p)
	if err == nil && remote != nil {
		err = fmt.Errorf("commands work on %s now, but this needs the database and the encryption keys themselves, which never go over the network; "+
			"run it where the service runs, in its environment, with --local", remote.Server)
	}
	return err
}

// rewrap puts what is not under the first encryption key there, each value in a
// transaction of its own, and returns how many it were. What does not open stays as it is.
func rewrap(ctx context.Context, in *server.Installation, progress func(done, of int)) (rewrapped int, err error) {
	values, err := in.Ring.SealedValues(ctx)
	if err != nil {
		return 0, err
	}
	var left []keyring.Sealed
	for _, v := range values {
		if v.Fault == nil && v.EncryptionKey != in.Ring.EncryptionKey() {
			left = append(left, v)
		}
	}
	for i, v := range left {
		progress(i, len(left))
		changed, err := in.Admin.Rewrap(ctx, caller, v)
		if err != nil {
			return rewrapped, err
		}
		if changed { // else somebody else was faster
			rewrapped++
		}
	}
	progress(len(left), len(left))
	return rewrapped, nil
}
