package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/api"
)

// credential is a kind of thing by which a client proves itself, as T: a secret or a
// key.
type credential[T any] struct {
	clients resource[api.Client]
	// name and path: "secret", "/secrets".
	name, path string
	header     string
	row        func(T) []string
	// ids are those that a client has.
	ids func(api.Client) []cobra.Completion
}

func secretCommand(clients resource[api.Client]) *cobra.Command {
	secrets := credential[api.ClientSecret]{
		clients: clients, name: "secret", path: "/secrets", header: "ID LABEL CREATED EXPIRES LAST_USED", row: secretRow,
		ids: func(c api.Client) []cobra.Completion {
			return words(c.Secrets, func(s api.ClientSecret) string { return s.ID })
		},
	}
	cmd := group("secret", "Manage the secrets of a client", secretCreateCommand(secrets), secrets.list(), secrets.remove())
	cmd.Long = `Manage the secrets of a client. It may have several, each of which proves it. To rotate
one make another, bring it to the machine, see in the list that the former one is used
no more, and delete that.`
	cmd.Example = `  identity client secret create billing --label 2027
  identity client secret list billing
  identity client secret delete billing hx4tq2pa`
	return cmd
}

func keyCommand(clients resource[api.Client]) *cobra.Command {
	keys := credential[api.ClientKey]{
		clients: clients, name: "key", path: "/keys", header: "ID LABEL ALGORITHM CREATED LAST_USED KID", row: keyRow,
		ids: func(c api.Client) []cobra.Completion {
			return words(c.Keys, func(k api.ClientKey) string { return k.ID })
		},
	}
	return group("key", "Manage the public keys of a client", keyCreateCommand(keys), keys.list(), keys.remove())
}

func secretRow(s api.ClientSecret) []string {
	return []string{s.ID, s.Label, when(&s.CreatedAt), orNever(s.ExpiresAt), orNever(s.LastUsedAt)}
}

func keyRow(k api.ClientKey) []string {
	return []string{k.ID, k.Label, k.Algorithm, when(&k.CreatedAt), orNever(k.LastUsedAt), k.KID}
}

func orNever(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return when(t)
}

// of returns the path of a client's credentials of this kind.
func (k credential[T]) of(client string) string { return clientsPath + "/" + segment(client) + k.path }

// create makes the command that gives a client one more.
func (k credential[T]) create(short, example string) *cobra.Command {
	return &cobra.Command{
		Use: "create CLIENT_ID", Short: short, Example: example, Args: cobra.ExactArgs(1), ValidArgsFunction: complete(k.clients.p, k.clients.titles),
	}
}

func (k credential[T]) list() *cobra.Command {
	cmd := &cobra.Command{
		Use: "list CLIENT_ID", Short: "List the " + k.name + "s of a client", Args: cobra.ExactArgs(1), ValidArgsFunction: complete(k.clients.p, k.clients.titles),
	}
	format := outputFlag(cmd)
	cmd.RunE = administer(k.clients.p, func(cmd *cobra.Command, args []string, c *connection) error {
		items, _, err := all[T](cmd.Context(), c, k.of(args[0]), nil, 0)
		if err != nil {
			return err
		}
		return printTable(k.clients.p.stdout, *format, items, k.header, rows(items, k.row))
	})
	return cmd
}

func (k credential[T]) remove() *cobra.Command {
	cmd := &cobra.Command{
		Use: "delete CLIENT_ID ID", Short: "Delete a " + k.name + " of a client", Args: cobra.ExactArgs(2),
		ValidArgsFunction: complete(k.clients.p, k.clients.titles, k.idsOf),
	}
	yes := yesFlag(cmd)
	cmd.RunE = administer(k.clients.p, func(cmd *cobra.Command, args []string, c *connection) error {
		return destroy(cmd, k.clients.p, c, k.of(args[0])+"/"+segment(args[1]), *yes, "the "+k.name+" "+args[1]+" of "+args[0],
			"Whoever uses it gets no more tokens with it.")
	})
	return cmd
}

// idsOf finds the ids to complete, of the client that is named before.
func (k credential[T]) idsOf(ctx context.Context, c *connection, args []string, _ string) ([]cobra.Completion, error) {
	client, err := k.clients.change(ctx, c, http.MethodGet, args[0], nil)
	return k.ids(client), err
}

func secretCreateCommand(secrets credential[api.ClientSecret]) *cobra.Command {
	p := secrets.clients.p
	var label string
	var expiresIn time.Duration
	var fromStdin bool
	cmd := secrets.create("Give a client one more secret, so that a rotation overlaps", "  identity client secret create billing --label 2027 --expires-in 9000h")
	cmd.Flags().StringVar(&label, "label", "", "what it is for")
	cmd.Flags().DurationVar(&expiresIn, "expires-in", 0, "when it expires, such as 2160h; not given is never")
	cmd.Flags().BoolVar(&fromStdin, "secret-stdin", false, "read a chosen secret from standard input")
	format := outputFlag(cmd)
	cmd.RunE = administer(p, func(cmd *cobra.Command, args []string, c *connection) error {
		body := members{"label": label}
		if cmd.Flags().Changed("expires-in") {
			if expiresIn < time.Second {
				return errors.New("--expires-in: expected 1s or more")
			}
			body["expires_at"] = time.Now().Add(expiresIn).UTC().Format(time.RFC3339)
		}
		if fromStdin {
			secret, err := readSecret(p, true, "secret")
			if err != nil {
				return err
			}
			body["client_secret"] = secret.Reveal()
		}
		var made struct {
			api.ClientSecret
			Secret string `json:"client_secret,omitempty"`
		}
		if err := c.do(cmd.Context(), http.MethodPost, secrets.of(args[0]), body, &made); err != nil {
			return err
		}
		fields := [][2]string{{"id", made.ID}, {"label", made.Label}, {"created_at", when(&made.CreatedAt)}, {"expires_at", orNever(made.ExpiresAt)}}
		if fromStdin {
			made.Secret = "" // whoever chose it has it
		} else {
			fields = append(fields, [2]string{"client_secret", made.Secret})
			shownOnce(p, "secret")
		}
		return printFields(p.stdout, *format, made, fields)
	})
	return cmd
}

func keyCreateCommand(keys credential[api.ClientKey]) *cobra.Command {
	p := keys.clients.p
	var label, keyFile string
	cmd := keys.create("Give a client one more public key", "  identity client key create robot --public-key robot.pub.pem --label 2027")
	cmd.Flags().StringVar(&label, "label", "", "what it is for")
	cmd.Flags().StringVar(&keyFile, "public-key", "", `file of the public key: PEM or JWK; "-" is standard input`)
	_ = cmd.MarkFlagRequired("public-key")
	format := outputFlag(cmd)
	cmd.RunE = administer(p, func(cmd *cobra.Command, args []string, c *connection) error {
		body := members{"label": label}
		if err := addKey(p, body, keyFile); err != nil {
			return err
		}
		var made api.ClientKey
		if err := c.do(cmd.Context(), http.MethodPost, keys.of(args[0]), body, &made); err != nil {
			return err
		}
		return printFields(p.stdout, *format, made, [][2]string{
			{"id", made.ID}, {"label", made.Label}, {"algorithm", made.Algorithm}, {"kid", made.KID}, {"created_at", when(&made.CreatedAt)},
		})
	})
	return cmd
}
