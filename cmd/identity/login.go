package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

func loginCommand(p *program) *cobra.Command {
	var r remote
	var fromStdin bool
	cmd := &cobra.Command{
		Use: "login [SERVER]", Short: "Administer a running service from here", Args: cobra.MaximumNArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Prove yourself to a running service and store the context, so that the commands that
look after an installation work on it. Without SERVER, show on what they work now.

A person gives a name and a password. The session that begins is refreshed by itself as
long as it may be (session_max_age, jwt_max_refreshes), and "identity logout" ends it. A
machine gives the id of a client that requires a signature only, and the file of its
private key, which stays where it is and signs for each command. Instead of a stored
context, IDENTITY_URL with IDENTITY_TOKEN (or IDENTITY_TOKEN_FILE) serves automation.

The address must be https, unless it is this machine's own. For a CA of your own set
SSL_CERT_FILE.`,
		Example: `  identity login https://id.example.com --username admin
  identity login https://id.example.com --client-id operator --key operator.pem
  identity login`,
	}
	cmd.Flags().StringVar(&r.Username, "username", "", "the name of a person")
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	cmd.Flags().StringVar(&r.ClientID, "client-id", "", "the id of a machine client")
	cmd.Flags().StringVar(&r.KeyFile, "key", "", "file of its private key")
	cmd.Flags().StringVar(&r.Issuer, "issuer", "", "the issuer of the service; not given, a machine asks the service for it")
	cmd.MarkFlagsMutuallyExclusive("username", "client-id")
	cmd.MarkFlagsMutuallyExclusive("username", "issuer")
	cmd.MarkFlagsRequiredTogether("client-id", "key")
	format := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if len(args) == 0 {
			return showContext(p, *format)
		}
		if r.Server, err = checkServer(args[0]); err != nil {
			return err
		}
		switch {
		case r.ClientID != "":
			err = r.proveMachine(cmd.Context())
		case r.Username != "":
			err = r.provePerson(cmd.Context(), p, fromStdin)
		default:
			err = errors.New("expected --username, or --client-id and --key")
		}
		if err != nil {
			return err
		}
		unlock, err := lockContext(p)
		if err != nil {
			return err
		}
		defer unlock()
		path, err := r.store(p)
		if err == nil {
			fmt.Fprintf(p.stderr, "Commands now work on %s. The context is in %s; \"identity logout\" ends that.\n", r.Server, path)
			if server, _ := p.lookup("IDENTITY_URL"); server != "" {
				fmt.Fprintln(p.stderr, "But IDENTITY_URL is set, and comes first.")
			}
		}
		return err
	}
	return cmd
}

// showContext shows on what the commands work now.
func showContext(p *program, format string) error {
	r, err := findRemote(p)
	if err != nil {
		return err
	}
	if r == nil {
		return errors.New("no context is stored: commands work on the database of the environment")
	}
	shown := struct {
		Server   string     `json:"server"`
		Username string     `json:"username,omitempty"`
		ClientID string     `json:"client_id,omitempty"`
		Expires  *time.Time `json:"expires,omitempty"`
		// Refreshed reports whether the token is by itself, when it expires.
		Refreshed bool   `json:"refreshed"`
		From      string `json:"from"`
	}{r.Server, r.Username, r.ClientID, nil, r.RefreshToken != "", r.from}
	if !r.Expires.IsZero() {
		shown.Expires = &r.Expires
	}
	return printFields(p.stdout, format, shown, [][2]string{
		{"server", r.Server}, {"username", r.Username}, {"client_id", r.ClientID}, {"expires", when(shown.Expires)}, {"refreshed", fmt.Sprint(shown.Refreshed)}, {"from", r.from},
	})
}

// proveMachine gets a first token, so that a mistake shows now.
func (r *remote) proveMachine(ctx context.Context) (err error) {
	if r.KeyFile, err = filepath.Abs(r.KeyFile); err != nil {
		return err
	}
	if r.Issuer == "" {
		var found api.Discovery
		if err := newConnection(r.Server).do(ctx, http.MethodGet, "/.well-known/openid-configuration", nil, &found); err != nil {
			return fmt.Errorf("asking the service for its issuer, which --issuer could give: %w", err)
		}
		r.Issuer = found.Issuer
	}
	_, err = r.machineToken(ctx)
	return err
}

// provePerson gets a token. Who has a one-time password is asked for another, or told
// how to set it.
func (r *remote) provePerson(ctx context.Context, p *program, fromStdin bool) error {
	c := newConnection(r.Server)
	if err := recognise(ctx, c); err != nil {
		return err
	}
	password, err := readPassword(p, fromStdin)
	if err != nil {
		return err
	}
	err = r.login(ctx, c, password)
	if identity.KindOf(err) != identity.PasswordChangeRequired {
		return err
	}
	if fromStdin {
		return fmt.Errorf("%w\nSet another with the two passwords, each in a line of its own, on the standard input of\n  %s", err, passwordLine(r.Server, r.Username))
	}
	fmt.Fprintln(p.stderr, "This password works once. Choose another.")
	next, err := readSecret(p, false, "password")
	if err != nil {
		return err
	}
	if err := changePassword(ctx, c, r.Username, password, next); err != nil {
		return err
	}
	return r.login(ctx, c, next)
}

func (r *remote) login(ctx context.Context, c *connection, password identity.Secret) error {
	var answer api.SessionResponse
	if err := c.do(ctx, http.MethodPost, "/auth/login", api.LoginRequest{Username: r.Username, Password: password.Reveal()}, &answer); err != nil {
		return err
	}
	r.take(answer)
	return nil
}

// recognise makes sure that an identity service answers, before it gets to see a
// password.
func recognise(ctx context.Context, c *connection) error {
	var published struct {
		Keys []api.JWK `json:"keys"`
	}
	if err := c.do(ctx, http.MethodGet, "/.well-known/jwks.json", nil, &published); err != nil {
		return err
	}
	if published.Keys == nil {
		return c.strange(http.StatusOK)
	}
	return nil
}

func passwordCommand(p *program) *cobra.Command {
	var username string
	var fromStdin bool
	cmd := &cobra.Command{
		Use: "password SERVER", Short: "Change your own password", Args: cobra.ExactArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Change your own password at a running service; the present one is the proof. This is
also how a one-time password becomes a lasting one. With --password-stdin the present
and the new password are read from standard input, each in a line of its own.

For the password of somebody else see "identity user update".`,
		Example: `  identity password https://id.example.com --username ann
  printf '%s\n' "$PRESENT" "$NEW" | identity password https://id.example.com --username ann --password-stdin`,
	}
	cmd.Flags().StringVar(&username, "username", "", "your name")
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the two passwords from standard input")
	_ = cmd.MarkFlagRequired("username")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		server, err := checkServer(args[0])
		if err != nil {
			return err
		}
		c := newConnection(server)
		if err := recognise(cmd.Context(), c); err != nil {
			return err
		}
		present, next, err := readPasswords(p, fromStdin)
		if err != nil {
			return err
		}
		if err := changePassword(cmd.Context(), c, username, present, next); err != nil {
			return err
		}
		fmt.Fprintln(p.stderr, "The password is changed.")
		return nil
	}
	return cmd
}

// passwordLine is a call of the command above.
func passwordLine(server, username string) string {
	return fmt.Sprintf("identity password %s --username %s --password-stdin", quote(server), quote(username))
}

// readPasswords reads the present password and a new one.
func readPasswords(p *program, fromStdin bool) (present, next identity.Secret, err error) {
	if fromStdin {
		lines := p.lines()
		if present, err = readLine(lines, "present password"); err == nil {
			next, err = readLine(lines, "new password, which is the second line,")
		}
		return present, next, err
	}
	if present, err = readPassword(p, false); err == nil {
		next, err = readSecret(p, false, "password")
	}
	return present, next, err
}

func changePassword(ctx context.Context, c *connection, username string, present, next identity.Secret) error {
	return c.do(ctx, http.MethodPost, "/auth/password", map[string]string{
		"username": username, "password": present.Reveal(), "new_password": next.Reveal(),
	}, nil)
}
