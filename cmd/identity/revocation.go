package main

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

const revocationsPath = "/api/revocations"

// revocations is the resource of what was revoked.
func revocations(p *program) resource[api.Revocation] {
	return resource[api.Revocation]{
		p: p, name: "revocation", path: revocationsPath, header: "ID KIND VALUE BEFORE CREATED EXPIRES CLIENT", most: 100,
		row: func(r api.Revocation) []string {
			return []string{r.ID, r.Kind, deref(r.Value), when(&r.Before), when(&r.CreatedAt), when(&r.ExpiresAt), deref(r.ClientID)}
		},
		title: func(r api.Revocation) string { return r.ID },
	}
}

func revocationCommand(p *program) *cobra.Command {
	list := revocations(p).list(nil)
	list.Short = "List what was revoked and may still concern a token, the newest first"
	list.Long = `List what was revoked and may still concern a token, the newest first: also what follows from
other changes, as of a password, of a session, or of the credentials of a client.`
	return administration("revocation", "Revoke access tokens that have not expired, and look at what was revoked", list, revocationCreateCommand(p))
}

func revocationCreateCommand(p *program) *cobra.Command {
	var all bool
	var before string
	values := map[identity.RevocationKind]*string{}
	flags := []struct {
		name, text string
		kind       identity.RevocationKind
	}{
		{"token", "one token, by its jti", identity.RevokedToken}, {"session", "the tokens of a session, by its id, which ends", identity.RevokedSession},
		{"principal", "the tokens of a user or client, by id, and the sessions of a user", identity.RevokedPrincipal},
		{"key", "the tokens that a signing key has signed, by its kid, which must not sign any more and is deleted", identity.RevokedKey},
	}
	cmd := &cobra.Command{
		Use: "create", Short: "Revoke access tokens", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Revoke access tokens that have not expired: this service and its introspection refuse them at once,
other services as soon as they have the revocation list. Whoever it concerns proves themselves
again.`,
		Example: `  identity revocation create --token 4F7QKXN2B5VZ3MDA6HJ2WYC7RE
  identity revocation create --principal billing
  identity revocation create --all`,
	}
	names := []string{"all"}
	for _, f := range flags {
		values[f.kind] = cmd.Flags().String(f.name, "", f.text)
		names = append(names, f.name)
	}
	cmd.Flags().BoolVar(&all, "all", false, "every token, of everybody")
	cmd.Flags().StringVar(&before, "before", "", "with --all: those issued before this time, in RFC 3339; not given, now")
	yes := yesFlag(cmd)
	format := outputFlag(cmd)
	cmd.MarkFlagsOneRequired(names...)
	cmd.MarkFlagsMutuallyExclusive(names...)
	cmd.RunE = administer(p, func(cmd *cobra.Command, _ []string, c *connection) error {
		body := members{"kind": string(identity.RevokedAll)}
		question := "Revoke every access token? Everybody has to prove themselves again."
		for _, f := range flags {
			if value := *values[f.kind]; cmd.Flags().Changed(f.name) {
				body = members{"kind": string(f.kind), "value": value}
				question = "Revoke " + f.name + " " + value + "?"
			}
		}
		if before != "" {
			if !all {
				return errors.New("--before is for --all")
			}
			if _, err := time.Parse(time.RFC3339, before); err != nil {
				return errors.New("--before: expected a time such as 2026-01-02T03:04:05Z")
			}
			body["before"] = before
		}
		if !*yes {
			if err := confirm(p, question); err != nil {
				return err
			}
		}
		var made api.Revocation
		if err := c.do(cmd.Context(), http.MethodPost, revocationsPath, body, &made); err != nil {
			return err
		}
		return printFields(p.stdout, *format, made, [][2]string{
			{"id", made.ID}, {"kind", made.Kind}, {"value", deref(made.Value)}, {"before", when(&made.Before)}, {"expires_at", fmt.Sprint(when(&made.ExpiresAt))},
		})
	})
	return cmd
}
