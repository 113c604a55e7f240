package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/server"
)

func configCommand(p *program) *cobra.Command {
	show := &cobra.Command{Use: "show", Short: "Show the configuration and the signing key's public half", Args: cobra.NoArgs}
	format := outputFlag(show)
	show.RunE = withInstallation(p, func(cmd *cobra.Command, _ []string, in *server.Installation) error {
		cfg, err := in.Admin.Configuration(cmd.Context(), caller)
		if err != nil {
			return err
		}
		view := api.Configuration{
			PublicKey: cfg.Key.Public.PEM(), KID: cfg.Key.KID, Algorithm: cfg.Key.Algorithm,
			JWTExpiration: int64(cfg.Expiration.Seconds()), JWTIssuer: cfg.Issuer, JWTMaxRefreshes: int64(cfg.MaxRefreshes),
			RefreshGrace: int64(cfg.RefreshGrace.Seconds()), UpdatedAt: cfg.UpdatedAt,
		}
		return printFields(p.stdout, *format, view, [][2]string{
			{"jwt_issuer", view.JWTIssuer}, {"jwt_expiration", fmt.Sprintf("%d s", view.JWTExpiration)},
			{"jwt_max_refreshes", fmt.Sprint(view.JWTMaxRefreshes)}, {"refresh_grace", fmt.Sprintf("%d s", view.RefreshGrace)},
			{"kid", view.KID}, {"algorithm", view.Algorithm}, {"updated_at", view.UpdatedAt.Format(time.RFC3339)},
		})
	})
	return group("config", "Look at the configuration", show)
}
