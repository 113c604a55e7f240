package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/api"
)

const configurationPath = "/api/configuration"

func configCommand(p *program) *cobra.Command {
	return administration("config", "Look at the configuration and change it", configShowCommand(p), configSetCommand(p), configExportCommand(p))
}

func configShowCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{Use: "show", Aliases: []string{"get"}, ValidArgsFunction: cobra.NoFileCompletions, Short: "Show the configuration and the signing key's public half", Args: cobra.NoArgs}
	format := outputFlag(cmd)
	cmd.RunE = administer(p, func(cmd *cobra.Command, _ []string, c *connection) error {
		var cfg api.Configuration
		if err := c.do(cmd.Context(), http.MethodGet, configurationPath, nil, &cfg); err != nil {
			return err
		}
		return printFields(p.stdout, *format, cfg, configurationFields(cfg))
	})
	return cmd
}

func configSetCommand(p *program) *cobra.Command {
	var expiration, refreshes, grace, sessionMaxAge, rotationInterval int64
	var issuer, keyFile string
	cmd := &cobra.Command{
		Use: "set", Aliases: []string{"update"}, Short: "Change the configuration", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Change the configuration, all that is named or nothing. A new signing key is published
at once and then signs, within two seconds; the former one stays published until its
last token has expired.

How long a session lasts and how often it may be refreshed counts for those that begin
from now on. With a rotation interval each signing key signs for so long, and the service
has another one take over; "identity key list" shows them.`,
		Example: `  identity config set --jwt-expiration 600
  identity config set --key-rotation-interval 7776000   # 90 days
  identity config set --private-key new.pem`,
	}
	cmd.Flags().Int64Var(&expiration, "jwt-expiration", 0, "lifetime of tokens in seconds")
	cmd.Flags().StringVar(&issuer, "jwt-issuer", "", "issuer of tokens")
	cmd.Flags().Int64Var(&refreshes, "jwt-max-refreshes", 0, "how often a session may be refreshed")
	cmd.Flags().Int64Var(&grace, "refresh-grace", 0, "how long a rotated refresh token may be replayed, in seconds")
	cmd.Flags().Int64Var(&sessionMaxAge, "session-max-age", 0, "how long after the login a session ends, in seconds")
	cmd.Flags().Int64Var(&rotationInterval, "key-rotation-interval", 0, "how long a signing key signs until another takes over by itself, in seconds; 0 is off")
	cmd.Flags().StringVar(&keyFile, "private-key", "", `file of a new signing key in PEM; "-" is standard input`)
	cmd.MarkFlagsOneRequired("jwt-expiration", "jwt-issuer", "jwt-max-refreshes", "refresh-grace", "session-max-age", "key-rotation-interval", "private-key")
	format := outputFlag(cmd)
	cmd.RunE = administer(p, func(cmd *cobra.Command, _ []string, c *connection) error {
		body := members{}
		body.given(cmd, "jwt-expiration", "jwt_expiration", expiration)
		body.given(cmd, "jwt-issuer", "jwt_issuer", issuer)
		body.given(cmd, "jwt-max-refreshes", "jwt_max_refreshes", refreshes)
		body.given(cmd, "refresh-grace", "refresh_grace", grace)
		body.given(cmd, "session-max-age", "session_max_age", sessionMaxAge)
		body.given(cmd, "key-rotation-interval", "key_rotation_interval", rotationInterval)
		if keyFile != "" {
			text, err := readFile(p, keyFile)
			if err != nil {
				return fmt.Errorf("--private-key: %w", err)
			}
			body["private_key"] = string(text)
		}
		var cfg api.Configuration
		if err := c.do(cmd.Context(), http.MethodPatch, configurationPath, body, &cfg); err != nil {
			return err
		}
		return printFields(p.stdout, *format, cfg, configurationFields(cfg))
	})
	return cmd
}

func configurationFields(cfg api.Configuration) [][2]string {
	rotation := "off"
	if cfg.KeyRotationInterval > 0 {
		rotation = fmt.Sprintf("%d s", cfg.KeyRotationInterval)
	}
	return [][2]string{
		{"jwt_issuer", cfg.JWTIssuer}, {"jwt_expiration", fmt.Sprintf("%d s", cfg.JWTExpiration)},
		{"jwt_max_refreshes", fmt.Sprint(cfg.JWTMaxRefreshes)}, {"refresh_grace", fmt.Sprintf("%d s", cfg.RefreshGrace)},
		{"session_max_age", fmt.Sprintf("%d s", cfg.SessionMaxAge)}, {"key_rotation_interval", rotation},
		{"kid", cfg.KID}, {"algorithm", cfg.Algorithm}, {"updated_at", when(&cfg.UpdatedAt)},
	}
}
