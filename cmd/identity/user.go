package main

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

// users is the resource of people.
func users(p *program) resource[api.User] {
	return resource[api.User]{
		p: p, name: "user", path: "/api/users", arg: "USER", header: "ID USERNAME ENABLED PERMISSIONS ROLES AUDIENCES LAST_LOGIN",
		row: func(u api.User) []string {
			return []string{u.ID, u.Username, fmt.Sprint(u.Enabled), list(u.Permissions), list(u.Roles), list(u.Audiences), when(u.LastLoginAt)}
		},
		fields: userFields, named: true, prefix: "username",
		id: func(u api.User) string { return u.ID }, title: func(u api.User) string { return u.Username },
		canonical: func(name string) string {
			canonical, err := identity.CanonicalUsername(name)
			if err != nil {
				return name // which nobody has
			}
			return canonical
		},
	}
}

func userCommand(p *program) *cobra.Command {
	users := users(p)
	return administration("user", "Manage users, by name or id", userCreateCommand(users), userListCommand(users), users.get(),
		userUpdateCommand(users), users.enable(), users.disable(), users.remove("They get no more tokens, and their name can be given to another."))
}

func userFields(u api.User) [][2]string {
	return [][2]string{
		{"id", u.ID}, {"username", u.Username}, {"enabled", fmt.Sprint(u.Enabled)}, {"permissions", list(u.Permissions)}, {"roles", list(u.Roles)},
		{"audiences", list(u.Audiences)}, {"one_time", fmt.Sprint(u.OneTime)}, {"metadata", string(u.Metadata)},
		{"created_at", when(&u.CreatedAt)}, {"updated_at", when(&u.UpdatedAt)}, {"last_login_at", when(u.LastLoginAt)},
	}
}

// shownUser is a user with a password that was made for them.
type shownUser struct {
	api.User
	Password string `json:"password,omitempty"`
}

// showUser shows a user, and the password if there is one, which nobody can show again.
func showUser(p *program, format string, u api.User, password string) error {
	fields := userFields(u)
	if password != "" {
		fields = append(fields, [2]string{"password", password})
		shownOnce(p, "password")
	}
	return printFields(p.stdout, format, shownUser{u, password}, fields)
}

// shownOnce says so of what the output holds.
func shownOnce(p *program, what string) {
	fmt.Fprintf(p.stderr, "The %s is shown this once.\n", what)
}

func userCreateCommand(users resource[api.User]) *cobra.Command {
	p := users.p
	var password passwordFlags
	var common principalFlags
	var oneTime, disabled bool
	cmd := &cobra.Command{
		Use: "create USERNAME", Short: "Make a user", Args: cobra.ExactArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Make a user. On a terminal the password is asked for; elsewhere one of the flags says
where it comes from.`,
		Example: `  identity user create ann --permission billing:read --audience billing
  printf '%s' "$PASSWORD" | identity user create bob --password-stdin
  identity user create cy --generate-password --one-time`,
	}
	password.add(cmd, true)
	common.add(cmd, p)
	cmd.Flags().BoolVar(&oneTime, "one-time", false, "the password must be changed before it gives a token")
	cmd.Flags().BoolVar(&disabled, "disabled", false, "make it disabled")
	format := outputFlag(cmd)
	cmd.RunE = administer(p, func(cmd *cobra.Command, args []string, c *connection) error {
		body := members{"username": args[0], "one_time": oneTime, "enabled": !disabled}
		if err := common.to(cmd, body); err != nil {
			return err
		}
		generated, err := password.to(p, body)
		if err != nil {
			return err
		}
		var made api.User
		if err := c.do(cmd.Context(), http.MethodPost, users.path, body, &made); err != nil {
			return err
		}
		return showUser(p, *format, made, generated)
	})
	return cmd
}

func userListCommand(users resource[api.User]) *cobra.Command {
	var prefix string
	var enabled bool
	cmd := users.list(func(cmd *cobra.Command, _ *connection) (url.Values, error) {
		query := url.Values{}
		if prefix != "" {
			query.Set("username", prefix)
		}
		if cmd.Flags().Changed("enabled") {
			query.Set("enabled", fmt.Sprint(enabled))
		}
		return query, nil
	})
	cmd.Flags().StringVar(&prefix, "prefix", "", "only names that begin so")
	cmd.Flags().BoolVar(&enabled, "enabled", false, "only enabled ones, or with =false only disabled ones")
	return cmd
}

func userUpdateCommand(users resource[api.User]) *cobra.Command {
	var password passwordFlags
	var common principalFlags
	var username string
	var oneTime bool
	cmd := users.one("update", "Change a user")
	cmd.Long = "Change a user. What is not named stays as it is; a list is replaced whole."
	cmd.Example = `  identity user update ann --permission billing:read,billing:write
  identity user update ann --generate-password --one-time`
	password.add(cmd, false)
	common.add(cmd, users.p)
	cmd.Flags().StringVar(&username, "username", "", "another name")
	cmd.Flags().BoolVar(&oneTime, "one-time", false, "the password must be changed before it gives a token")
	format := outputFlag(cmd)
	cmd.RunE = administer(users.p, func(cmd *cobra.Command, args []string, c *connection) error {
		body := members{}
		body.given(cmd, "username", "username", username)
		body.given(cmd, "one-time", "one_time", oneTime)
		err := common.to(cmd, body)
		generated := ""
		if err == nil && (password.stdin || password.generate) {
			generated, err = password.to(users.p, body)
		}
		if err != nil {
			return err
		}
		changed, err := users.patch(cmd.Context(), c, args[0], body)
		if err != nil {
			return err
		}
		return showUser(users.p, *format, changed, generated)
	})
	return cmd
}

// principalFlags are the flags that users and clients have in common.
type principalFlags struct {
	permissions, roles, audiences []string
	metadata                      string
}

func (f *principalFlags) add(cmd *cobra.Command, p *program) {
	cmd.Flags().StringSliceVar(&f.permissions, "permission", nil, `permission to hold; may be repeated; "" is none`)
	cmd.Flags().StringSliceVar(&f.roles, "role", nil, `role to hold; may be repeated; "" is none`)
	cmd.Flags().StringSliceVar(&f.audiences, "audience", nil, `audience to allow; may be repeated; "*" is any, "" is none`)
	cmd.Flags().StringVar(&f.metadata, "metadata", "", "JSON object to keep with it; on a change it is merged, and null takes a member away")
	for flag, names := range map[string]finder{"role": roles(p).titles, "audience": audiences(p).titles} {
		findFlag(cmd, p, flag, names)
	}
}

func (f *principalFlags) to(cmd *cobra.Command, body members) error {
	body.givenList(cmd, "permission", "permissions", f.permissions)
	body.givenList(cmd, "role", "roles", f.roles)
	body.givenList(cmd, "audience", "audiences", f.audiences)
	return body.givenObject(cmd, "metadata", "metadata", f.metadata)
}

// passwordFlags are the ways to give a password.
type passwordFlags struct{ stdin, generate, hash bool }

func (f *passwordFlags) add(cmd *cobra.Command, hash bool) {
	cmd.Flags().BoolVar(&f.stdin, "password-stdin", false, "read the password from standard input")
	cmd.Flags().BoolVar(&f.generate, "generate-password", false, "make a password and print it")
	exclusive := []string{"password-stdin", "generate-password"}
	if hash {
		cmd.Flags().BoolVar(&f.hash, "password-hash-stdin", false, "read a hash from another system from standard input")
		exclusive = append(exclusive, "password-hash-stdin")
	}
	cmd.MarkFlagsMutuallyExclusive(exclusive...)
}

// to adds the password, and returns it if it was made.
func (f *passwordFlags) to(p *program, body members) (generated string, err error) {
	if f.generate {
		generated = generatePassword()
		body["password"] = generated
		return generated, nil
	}
	if f.hash {
		hash, err := readLine(p.lines(), "hash")
		body["password_hash"] = hash.Reveal()
		return "", err
	}
	password, err := readSecret(p, f.stdin, "password")
	body["password"] = password.Reveal()
	return "", err
}

// generatePassword makes one of 130 bits that can be read out.
func generatePassword() string { return strings.ToLower(rand.Text()) }
