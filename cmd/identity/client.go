package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/server"
)

func clientCommand(p *program) *cobra.Command {
	return group("client", "Manage machine clients", clientCreateCommand(p), clientListCommand(p))
}

// clientView is a client on the command line.
type clientView struct {
	ClientID        string         `json:"client_id"`
	Name            string         `json:"name"`
	Enabled         bool           `json:"enabled"`
	Require         []string       `json:"require"`
	StaticSignature bool           `json:"static_signature"`
	Permissions     []string       `json:"permissions"`
	Audiences       []string       `json:"audiences"`
	Secrets         []credentialID `json:"secrets"`
	Keys            []credentialID `json:"keys"`
	CreatedAt       time.Time      `json:"created_at"`
	UpdatedAt       time.Time      `json:"updated_at"`
}

// credentialID names a secret or key without showing it.
type credentialID struct {
	ID        string    `json:"id"`
	KID       string    `json:"kid,omitempty"`
	Label     string    `json:"label"`
	CreatedAt time.Time `json:"created_at"`
}

func viewClient(c identity.Client) clientView {
	view := clientView{
		ClientID: c.ID, Name: c.Name, Enabled: c.Enabled, Require: c.Require.Names(), StaticSignature: c.StaticSignature,
		Permissions: c.Permissions, Audiences: c.Audiences, Secrets: []credentialID{}, Keys: []credentialID{},
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
	for _, s := range c.Secrets {
		view.Secrets = append(view.Secrets, credentialID{ID: s.ID, Label: s.Label, CreatedAt: s.CreatedAt})
	}
	for _, k := range c.Keys {
		view.Keys = append(view.Keys, credentialID{ID: k.ID, KID: k.KID, Label: k.Label, CreatedAt: k.CreatedAt})
	}
	return view
}

func clientCreateCommand(p *program) *cobra.Command {
	var n admin.NewClient
	var secretStdin bool
	var keyFile string
	var audiences []string
	cmd := &cobra.Command{
		Use: "create", Short: "Make a machine client", Args: cobra.NoArgs,
		Long: `Make a machine client. Without a key and a secret it gets a generated secret, which
is shown this once. It must present all of what it requires: what was registered,
unless --require says otherwise.`,
		Example: `  identity client create --id billing --name "Billing"
  identity client create --id robot --name "Robot" --public-key robot.pub.pem
  identity client create --id vault --name "Vault" --public-key vault.pub.pem --generate-secret`,
	}
	cmd.Flags().StringVar(&n.ID, "id", "", "client_id; not given, one is made")
	cmd.Flags().StringVar(&n.Name, "name", "", "name for people")
	cmd.Flags().BoolVar(&secretStdin, "secret-stdin", false, "read a chosen secret from standard input")
	cmd.Flags().BoolVar(&n.GenerateSecret, "generate-secret", false, "make a secret beside the public key")
	cmd.Flags().StringVar(&keyFile, "public-key", "", `file of the public key: PEM or JWK; "-" is standard input`)
	cmd.Flags().StringSliceVar(&n.Require, "require", nil, "what must be proven, all of it: secret or signature or secret,signature")
	cmd.Flags().BoolVar(&n.StaticSignature, "static-signature", false, "accept the replayable signature of the original service (RSA keys only)")
	cmd.MarkFlagsMutuallyExclusive("secret-stdin", "generate-secret")
	permissionFlags(cmd, &n.Permissions, &audiences)
	format := outputFlag(cmd)
	cmd.RunE = withInstallation(p, func(cmd *cobra.Command, _ []string, in *server.Installation) error {
		n.Audiences = givenList(cmd, "audience", audiences)
		if n.Name == "" {
			n.Name = n.ID
		}
		if keyFile != "" {
			text, err := readFile(p, keyFile)
			if err != nil {
				return fmt.Errorf("--public-key: %w", err)
			}
			n.PublicKey = string(text)
		}
		if secretStdin {
			secret, err := readSecret(p, true, "secret")
			if err != nil {
				return err
			}
			n.Secret = &secret
		}
		client, secret, err := in.Admin.CreateClient(cmd.Context(), caller, n)
		if err != nil {
			return err
		}
		view := struct {
			clientView
			ClientSecret string `json:"client_secret,omitempty"`
		}{clientView: viewClient(client)}
		fields := [][2]string{
			{"client_id", client.ID}, {"name", client.Name}, {"require", list(client.Require.Names())},
			{"permissions", list(client.Permissions)}, {"audiences", list(client.Audiences)},
		}
		for _, k := range client.Keys {
			fields = append(fields, [2]string{"kid", k.KID})
		}
		if !secret.Empty() && n.Secret == nil {
			view.ClientSecret = secret.Reveal()
			fields = append(fields, [2]string{"client_secret", view.ClientSecret + "   (shown this once)"})
		}
		return printFields(p.stdout, *format, view, fields)
	})
	return cmd
}

func clientListCommand(p *program) *cobra.Command {
	return listCommand(p, "List machine clients", "CLIENT_ID NAME ENABLED REQUIRE PERMISSIONS AUDIENCES CREATED",
		func(ctx context.Context, in *server.Installation, after string) ([]identity.Client, error) {
			return in.Admin.Clients(ctx, caller, after, pageSize)
		},
		func(c identity.Client) string { return c.ID }, viewClient,
		func(c clientView) []string {
			return []string{c.ClientID, c.Name, fmt.Sprint(c.Enabled), list(c.Require), list(c.Permissions), list(c.Audiences), c.CreatedAt.Format(time.RFC3339)}
		})
}
