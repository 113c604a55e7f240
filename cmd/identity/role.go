package main

import (
	"net/http"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/api"
)

// roles is the resource of named sets of permissions.
func roles(p *program) resource[api.Role] {
	return resource[api.Role]{
		p: p, name: "role", path: "/api/roles", arg: "ROLE", header: "ID NAME PERMISSIONS UPDATED",
		row: func(r api.Role) []string { return []string{r.ID, r.Name, list(r.Permissions), when(&r.UpdatedAt)} },
		fields: func(r api.Role) [][2]string {
			return [][2]string{{"id", r.ID}, {"name", r.Name}, {"permissions", list(r.Permissions)}, {"created_at", when(&r.CreatedAt)}, {"updated_at", when(&r.UpdatedAt)}}
		},
		named: true, id: func(r api.Role) string { return r.ID }, title: func(r api.Role) string { return r.Name },
	}
}

func roleCommand(p *program) *cobra.Command {
	roles := roles(p)
	var permissions []string
	create := &cobra.Command{
		Use: "create NAME", Short: "Make a role", Args: cobra.ExactArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		Example: `  identity role create clerk --permission billing:read,billing:write
  identity user update ann --role clerk`,
	}
	create.Flags().StringSliceVar(&permissions, "permission", nil, "permission that it gives; may be repeated")
	format := outputFlag(create)
	create.RunE = administer(p, func(cmd *cobra.Command, args []string, c *connection) error {
		var made api.Role
		body := members{"name": args[0], "permissions": append([]string{}, permissions...)}
		if err := c.do(cmd.Context(), http.MethodPost, roles.path, body, &made); err != nil {
			return err
		}
		return printFields(p.stdout, *format, made, roles.fields(made))
	})
	update := roles.update("Change a role, and so all who hold it", "  identity role update clerk --permission billing:read", func(cmd *cobra.Command) func() (members, error) {
		var name string
		var permissions []string
		cmd.Flags().StringVar(&name, "name", "", "another name")
		cmd.Flags().StringSliceVar(&permissions, "permission", nil, `permission that it gives; may be repeated; "" is none`)
		return func() (members, error) {
			body := members{}
			body.given(cmd, "name", "name", name)
			body.givenList(cmd, "permission", "permissions", permissions)
			return body, nil
		}
	})
	return administration("role", "Manage roles, by name or id", create, roles.list(nil), roles.get(), update,
		roles.remove("Whoever holds it loses what it gives."))
}

// audiences is the resource of what is registered of audiences.
