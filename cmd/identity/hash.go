package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
)

func hashCommand(p *program) *cobra.Command {
	var fromStdin bool
	cmd := &cobra.Command{
		Use: "hash", Short: "Print the Argon2id hash of a password", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			password, err := readSecret(p, fromStdin, "password")
			if err != nil {
				return err
			}
			pool, err := argon2.New(argon2.Config{})
			if err != nil {
				return err
			}
			hash, err := pool.Hash(cmd.Context(), argon2.Party{}, []byte(identity.NormalPassword(password).Reveal()))
			if err == nil {
				fmt.Fprintln(p.stdout, hash)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	return cmd
}
