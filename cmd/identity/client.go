package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const clientsPath = "/api/clients"

// clients is the resource of machines.
func clients(p *program) resource[api.Client] {
	id := func(c api.Client) string { return c.ClientID }
	return resource[api.Client]{
		p: p, name: "client", path: clientsPath, arg: "CLIENT_ID", header: "CLIENT_ID NAME ENABLED REQUIRE PERMISSIONS ROLES AUDIENCES SECRETS KEYS",
		row: func(c api.Client) []string {
			return []string{
				c.ClientID, c.Name, fmt.Sprint(c.Enabled), list(c.Require), list(c.Permissions), list(c.Roles), list(c.Audiences),
				fmt.Sprint(len(c.Secrets)), fmt.Sprint(len(c.Keys)),
			}
		},
		fields: clientFields, id: id, title: id,
	}
}

func clientCommand(p *program) *cobra.Command {
	clients := clients(p)
	update := clients.update("Change a client",
		"  identity client update billing --permission invoices:read --audience invoices\n  identity client update vault --require secret,signature",
		func(cmd *cobra.Command) func() (members, error) {
			var flags clientFlags
			flags.add(cmd, p)
			return func() (members, error) {
				body := members{}
				err := flags.to(cmd, body)
				return body, err
			}
		})
	return administration("client", "Manage machine clients", clientCreateCommand(clients), clients.list(nil), clients.get(), update,
		clients.enable(), clients.disable(), clients.remove("It gets no more tokens, and its id is never given again."), secretCommand(clients), keyCommand(clients))
}

func clientFields(c api.Client) [][2]string {
	fields := [][2]string{
		{"client_id", c.ClientID}, {"name", c.Name}, {"enabled", fmt.Sprint(c.Enabled)}, {"require", list(c.Require)},
		{"static_signature", fmt.Sprint(c.StaticSignature)}, {"permissions", list(c.Permissions)}, {"roles", list(c.Roles)},
		{"audiences", list(c.Audiences)}, {"token_expiration", seconds(c.TokenExpiration)},
		{"token_algorithm", orDefaultKey(c.TokenAlgorithm)},
		{"token_endpoint_auth_method", orAny(c.AuthMethod)}, {"token_endpoint_auth_signing_alg", orAny(c.AssertionAlgorithm)},
		{"assertion_audience", c.AssertionAudience}, {"jwks_uri", deref(c.JWKSURI)}, {"metadata", string(c.Metadata)},
	}
	for _, s := range c.Secrets {
		fields = append(fields, [2]string{"secret", phrases(s.ID, s.Label, "expires "+orNever(s.ExpiresAt), "last used "+orNever(s.LastUsedAt))})
	}
	for _, k := range c.Keys {
		fields = append(fields, [2]string{"key", phrases(k.ID, k.Label, k.Algorithm, "last used "+orNever(k.LastUsedAt), "kid "+k.KID)})
	}
	return append(fields, [2]string{"created_at", when(&c.CreatedAt)}, [2]string{"updated_at", when(&c.UpdatedAt)})
}

// orAny is a word, or that there is none.
func orAny(word *string) string {
	if word == nil {
		return "any"
	}
	return *word
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// phrases are the texts that say something, one after the other.
func phrases(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(text string) bool { return text == "" }), "  ")
}

// clientFlags are what a client can be made of and changed to.
type clientFlags struct {
	principalFlags
	name       string
	require    []string
	static     bool
	expiration int64
	algorithm  string
	// What it says of itself at the endpoints of the standards.
	method, assertionAlg, assertionAudience, jwksURI string
}

func (f *clientFlags) add(cmd *cobra.Command, p *program) {
	f.principalFlags.add(cmd, p)
	cmd.Flags().StringVar(&f.name, "name", "", "name for people")
	cmd.Flags().StringSliceVar(&f.require, "require", nil, "what must be proven, all of it: secret or signature or secret,signature")
	cmd.Flags().BoolVar(&f.static, "static-signature", false, "accept the replayable signature of the original service (RSA keys only)")
	cmd.Flags().Int64Var(&f.expiration, "token-expiration", 0, "lifetime of its tokens in seconds; 0 is as configured")
	cmd.Flags().StringVar(&f.algorithm, "token-algorithm", "", `algorithm that signs its tokens where their audience says nothing of it; "" is the default key's`)
	cmd.Flags().StringVar(&f.method, "auth-method", "", `the one way to prove itself at /oauth2; "" is any`)
	cmd.Flags().StringVar(&f.assertionAlg, "assertion-alg", "", `the one algorithm of its assertions; "" is any that fits a key`)
	cmd.Flags().StringVar(&f.assertionAudience, "assertion-audience", "", "what its assertions may be for: issuer or token_endpoint")
	cmd.Flags().StringVar(&f.jwksURI, "jwks-uri", "", `where its keys are, instead of registered ones; "" is nowhere`)
	completeFlag(cmd, "auth-method", words(identity.AuthMethods(), func(m identity.AuthMethod) string { return string(m) })...)
	completeFlag(cmd, "assertion-alg", words(jose.AssertionAlgorithms(), func(a jose.Algorithm) string { return string(a) })...)
	completeFlag(cmd, "assertion-audience", string(identity.AssertionForIssuer), string(identity.AssertionForTokenEndpoint))
	completeFlag(cmd, "token-algorithm", words(jose.SigningAlgorithms(), func(a jose.Algorithm) string { return string(a) })...)
	completeFlag(cmd, "require", "secret", "signature", "secret,signature")
}

func (f *clientFlags) to(cmd *cobra.Command, body members) error {
	body.given(cmd, "name", "name", f.name)
	body.given(cmd, "static-signature", "static_signature", f.static)
	body.givenList(cmd, "require", "require", f.require)
	body.givenSeconds(cmd, f.expiration)
	body.givenOrNull(cmd, "token-algorithm", "token_algorithm", f.algorithm)
	body.givenOrNull(cmd, "auth-method", "token_endpoint_auth_method", f.method)
	body.givenOrNull(cmd, "assertion-alg", "token_endpoint_auth_signing_alg", f.assertionAlg)
	body.given(cmd, "assertion-audience", "assertion_audience", f.assertionAudience)
	body.givenOrNull(cmd, "jwks-uri", "jwks_uri", f.jwksURI)
	return f.principalFlags.to(cmd, body)
}

func clientCreateCommand(clients resource[api.Client]) *cobra.Command {
	p := clients.p
	var flags clientFlags
	var id, keyFile string
	var secretStdin, generate, disabled bool
	cmd := &cobra.Command{
		Use: "create", Short: "Make a machine client", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Make a machine client. Without a key and a secret it gets a generated secret, which
is shown this once. It must present all of what it requires: what was registered,
unless --require says otherwise.`,
		Example: `  identity client create --id billing --name "Billing"
  identity client create --id robot --name "Robot" --public-key robot.pub.pem
  identity client create --id cloud --name "Cloud" --jwks-uri https://cloud.example.com/jwks.json
  identity client create --id vault --name "Vault" --public-key vault.pub.pem --generate-secret`,
	}
	flags.add(cmd, p)
	cmd.Flags().StringVar(&id, "id", "", "client_id; not given, one is made")
	cmd.Flags().BoolVar(&secretStdin, "secret-stdin", false, "read a chosen secret from standard input")
	cmd.Flags().BoolVar(&generate, "generate-secret", false, "make a secret beside the public key")
	cmd.Flags().StringVar(&keyFile, "public-key", "", `file of the public key: PEM or JWK; "-" is standard input`)
	cmd.Flags().BoolVar(&disabled, "disabled", false, "make it disabled")
	cmd.MarkFlagsMutuallyExclusive("secret-stdin", "generate-secret")
	format := outputFlag(cmd)
	cmd.RunE = administer(p, func(cmd *cobra.Command, _ []string, c *connection) error {
		if flags.name == "" && id == "" {
			return errors.New("--name or --id is missing")
		}
		body := members{"name": id, "enabled": !disabled}
		body.given(cmd, "id", "client_id", id)
		if err := flags.to(cmd, body); err != nil {
			return err
		}
		if err := addKey(p, body, keyFile); err != nil {
			return err
		}
		if secretStdin {
			secret, err := readSecret(p, true, "secret")
			if err != nil {
				return err
			}
			body["client_secret"] = secret.Reveal()
		}
		made, err := createClient(cmd.Context(), c, body, generate && keyFile != "")
		if err != nil {
			return err
		}
		if secretStdin {
			made.ClientSecret = "" // whoever chose it has it
		}
		fields := clientFields(made.Client)
		if made.ClientSecret != "" {
			fields = append(fields, [2]string{"client_secret", made.ClientSecret})
			shownOnce(p, "secret")
		}
		return printFields(p.stdout, *format, made, fields)
	})
	return cmd
}

// createClient makes a client. One with a key gets a generated secret as well if both is
// set: it is disabled until it has both and requires what it is to require.
func createClient(ctx context.Context, c *connection, body members, both bool) (made api.CreatedClient, err error) {
	finish := members{"enabled": body["enabled"], "require": []string{"secret", "signature"}}
	if both {
		if require, given := body["require"]; given {
			finish["require"] = require
			delete(body, "require")
		}
		body["enabled"] = false
	}
	if err := c.do(ctx, http.MethodPost, clientsPath, body, &made); err != nil || !both {
		return made, err
	}
	path := clientsPath + "/" + segment(made.ClientID)
	var secret api.CreatedSecret
	if err = c.do(ctx, http.MethodPost, path+"/secrets", members{}, &secret); err == nil {
		err = c.do(ctx, http.MethodPatch, path, finish, &made.Client)
	}
	if err != nil {
		return made, fmt.Errorf("the client %s was made, but is disabled and not complete; delete it: %w", made.ClientID, err)
	}
	made.ClientSecret = secret.Secret
	return made, nil
}

// addKey adds the public key in the file, if there is one.
func addKey(p *program, body members, file string) error {
	if file == "" {
		return nil
	}
	text, err := readFile(p, file)
	if err != nil {
		return fmt.Errorf("--public-key: %w", err)
	}
	body["public_key"] = string(text)
	return nil
}
