package main

import (
	"net/http"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func audiences(p *program) resource[api.Audience] {
	return resource[api.Audience]{
		p: p, name: "audience", path: "/api/audiences", arg: "AUDIENCE", header: "ID AUDIENCE NAME PERMISSIONS TOKEN_EXPIRATION ALGORITHM",
		row: func(a api.Audience) []string {
			return []string{a.ID, a.Audience, a.Name, audiencePermissions(a), seconds(a.TokenExpiration), orDefaultKey(a.Algorithm)}
		},
		fields: audienceFields, named: true,
		id: func(a api.Audience) string { return a.ID }, title: func(a api.Audience) string { return a.Audience },
	}
}

func audienceCommand(p *program) *cobra.Command {
	audiences := audiences(p)
	var flags audienceFlags
	create := &cobra.Command{
		Use: "create AUDIENCE", Short: "Register an audience", Args: cobra.ExactArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Register an audience, so that tokens for it carry only what it knows, live as long as it
likes or are signed as it can verify. An audience that is not registered works as well.`,
		Example: `  identity audience create billing --permission billing:read,billing:write --token-expiration 300
  identity audience create legacy --algorithm RS256`,
	}
	flags.add(create)
	format := outputFlag(create)
	create.RunE = administer(p, func(cmd *cobra.Command, args []string, c *connection) error {
		body := members{"audience": args[0], "name": args[0]}
		flags.to(cmd, body)
		var made api.Audience
		if err := c.do(cmd.Context(), http.MethodPost, audiences.path, body, &made); err != nil {
			return err
		}
		return printFields(p.stdout, *format, made, audienceFields(made))
	})
	update := audiences.update("Change what is registered of an audience", "  identity audience update billing --any-permission", func(cmd *cobra.Command) func() (members, error) {
		var flags audienceFlags
		flags.add(cmd)
		return func() (members, error) {
			body := members{}
			flags.to(cmd, body)
			return body, nil
		}
	})
	return administration("audience", "Manage the register of audiences", create, audiences.list(nil), audiences.get(), update,
		audiences.remove("Tokens for it are then like those for any other."))
}

type audienceFlags struct {
	name, algorithm string
	introspection   string
	permissions     []string
	anyPermission   bool
	expiration      int64
}

func (f *audienceFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.name, "name", "", "name for people")
	cmd.Flags().StringSliceVar(&f.permissions, "permission", nil, `permission that a token for it can carry; may be repeated; "" is none`)
	cmd.Flags().BoolVar(&f.anyPermission, "any-permission", false, "a token for it carries whatever its subject holds")
	cmd.Flags().Int64Var(&f.expiration, "token-expiration", 0, "lifetime of such a token in seconds; 0 is as configured")
	cmd.Flags().StringVar(&f.algorithm, "algorithm", "", `algorithm that signs it; "" is the default key's`)
	cmd.Flags().StringVar(&f.introspection, "introspection-client", "", `client that may introspect tokens for it; "" is nobody`)
	cmd.MarkFlagsMutuallyExclusive("permission", "any-permission")
	completeFlag(cmd, "algorithm", words(jose.SigningAlgorithms(), func(a jose.Algorithm) string { return string(a) })...)
}

func (f *audienceFlags) to(cmd *cobra.Command, body members) {
	body.given(cmd, "name", "name", f.name)
	body.givenList(cmd, "permission", "permissions", f.permissions)
	body.given(cmd, "any-permission", "permissions", nil)
	body.givenSeconds(cmd, f.expiration)
	body.givenOrNull(cmd, "algorithm", "algorithm", f.algorithm)
	body.givenOrNull(cmd, "introspection-client", "introspection_client", f.introspection)
}

func audienceFields(a api.Audience) [][2]string {
	return [][2]string{
		{"id", a.ID}, {"audience", a.Audience}, {"name", a.Name}, {"permissions", audiencePermissions(a)}, {"token_expiration", seconds(a.TokenExpiration)},
		{"algorithm", orDefaultKey(a.Algorithm)}, {"introspection_client", deref(a.IntrospectionClient)}, {"created_at", when(&a.CreatedAt)}, {"updated_at", when(&a.UpdatedAt)},
	}
}

func audiencePermissions(a api.Audience) string {
	if a.Permissions == nil {
		return "any"
	}
	return list(*a.Permissions)
}

// orDefaultKey is the algorithm that was asked for.
func orDefaultKey(algorithm *string) string {
	if algorithm == nil {
		return "the default key's"
	}
	return *algorithm
}
