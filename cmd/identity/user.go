package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/server"
)

func userCommand(p *program) *cobra.Command {
	return group("user", "Manage users", userCreateCommand(p), userListCommand(p))
}

// userView is a user on the command line.
type userView struct {
	ID          string    `json:"id"`
	Username    string    `json:"username"`
	Enabled     bool      `json:"enabled"`
	Permissions []string  `json:"permissions"`
	Audiences   []string  `json:"audiences"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

func viewUser(u identity.User) userView {
	return userView{u.ID, u.Username, u.Enabled, u.Permissions, u.Audiences, u.CreatedAt, u.UpdatedAt}
}

func userCreateCommand(p *program) *cobra.Command {
	var fromStdin, generate bool
	var permissions, audiences []string
	cmd := &cobra.Command{
		Use: "create USERNAME", Short: "Make a user", Args: cobra.ExactArgs(1),
		Example: `  identity user create ann --permission billing:read --audience billing
  printf '%s' "$PASSWORD" | identity user create bob --password-stdin`,
	}
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	cmd.Flags().BoolVar(&generate, "generate-password", false, "make a password and print it")
	cmd.MarkFlagsMutuallyExclusive("password-stdin", "generate-password")
	permissionFlags(cmd, &permissions, &audiences)
	format := outputFlag(cmd)
	cmd.RunE = withInstallation(p, func(cmd *cobra.Command, args []string, in *server.Installation) error {
		password := identity.NewSecret(rand.Text())
		if !generate {
			var err error
			if password, err = readSecret(p, fromStdin, "password"); err != nil {
				return err
			}
		}
		user, err := in.Admin.CreateUser(cmd.Context(), caller, admin.NewUser{
			Username: args[0], Password: password, Permissions: permissions, Audiences: givenList(cmd, "audience", audiences),
		})
		if err != nil {
			return err
		}
		view := struct {
			userView
			Password string `json:"password,omitempty"`
		}{userView: viewUser(user)}
		fields := [][2]string{{"id", user.ID}, {"username", user.Username}, {"permissions", list(user.Permissions)}, {"audiences", list(user.Audiences)}}
		if generate {
			view.Password = password.Reveal()
			fields = append(fields, [2]string{"password", view.Password + "   (shown this once)"})
		}
		return printFields(p.stdout, *format, view, fields)
	})
	return cmd
}

func userListCommand(p *program) *cobra.Command {
	return listCommand(p, "List users", "ID USERNAME ENABLED PERMISSIONS AUDIENCES CREATED",
		func(ctx context.Context, in *server.Installation, after string) ([]identity.User, error) {
			return in.Admin.Users(ctx, caller, after, pageSize)
		},
		func(u identity.User) string { return u.ID }, viewUser,
		func(u userView) []string {
			return []string{u.ID, u.Username, fmt.Sprint(u.Enabled), list(u.Permissions), list(u.Audiences), u.CreatedAt.Format(time.RFC3339)}
		})
}

// permissionFlags adds what users and clients have in common.
func permissionFlags(cmd *cobra.Command, permissions, audiences *[]string) {
	cmd.Flags().StringSliceVar(permissions, "permission", nil, "permission to give; may be repeated")
	cmd.Flags().StringSliceVar(audiences, "audience", nil, `audience to allow; may be repeated; not given is any, "" is none`)
}

// givenList returns a list flag, or nil if it was not given. Given as an empty
// string it is an empty list.
func givenList(cmd *cobra.Command, flag string, values []string) *[]string {
	if !cmd.Flags().Changed(flag) {
		return nil
	}
	if values == nil {
		values = []string{}
	}
	return &values
}
