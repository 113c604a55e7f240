package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

func bootstrapCommand(p *program) *cobra.Command {
	admin := &cobra.Command{
		Use: "admin [USERNAME]", Short: "Make an administrator, or let one in again", Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Make an administrator with a one-time password, or give one to a user who is locked
out, enable them and make them an administrator; USERNAME is admin if not given. Access
to the database and its encryption key is the proof: this never goes over the network. A
running service knows it within a second.

The password is shown once. It gives no token before it is changed, which "identity
login" and "identity password" do.`,
		Example: `  identity bootstrap admin
  identity login https://id.example.com --username admin`,
	}
	format := outputFlag(admin)
	admin.RunE = func(cmd *cobra.Command, args []string) (err error) {
		username := "admin"
		if len(args) > 0 {
			username = args[0]
		}
		c, err := connectLocal(cmd.Context(), p, identity.LocalAdministrator("bootstrap"))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.close()) }()
		password := generatePassword()
		user, err := letIn(cmd.Context(), c, users(p), username, password)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stderr, "%s is an administrator. The password works once: \"identity login\" asks for another.\n", user.Username)
		return showUser(p, *format, user, password)
	}
	return group("bootstrap", "Help those who are locked out", admin)
}

// letIn gives the user the one-time password and identity:admin.
func letIn(ctx context.Context, c *connection, users resource[api.User], username, password string) (api.User, error) {
	user, err := users.change(ctx, c, http.MethodGet, username, nil)
	if identity.KindOf(err) == identity.NotFound {
		body := members{"username": username, "password": password, "one_time": true, "permissions": []string{identity.PermissionAdmin}}
		err = c.do(ctx, http.MethodPost, users.path, body, &user)
		return user, err
	}
	if err != nil {
		return user, err
	}
	permissions := user.Permissions
	if !slices.Contains(permissions, identity.PermissionAdmin) {
		permissions = append(permissions, identity.PermissionAdmin)
	}
	body := members{"password": password, "one_time": true, "enabled": true, "permissions": permissions}
	return users.change(ctx, c, http.MethodPatch, user.ID, body)
}
