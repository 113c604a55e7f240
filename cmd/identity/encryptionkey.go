package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/internal/seal"
)

func encryptionKeyCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "encryption-key", Short: "Make a key for ENCRYPTION_KEY", Args: cobra.NoArgs,
		Long: `Make a Fernet key of the 64-byte form, for ENCRYPTION_KEY or for the file that
ENCRYPTION_KEY_FILE names. All nodes of an installation share it. Keep a copy of it apart
from the database: without it what is sealed there cannot be opened.`,
		Example: `  (umask 077; identity encryption-key > identity.key)
  export ENCRYPTION_KEY_FILE=$PWD/identity.key`,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(p.stdout, seal.GenerateKey().Reveal())
			return err
		},
	}
}
