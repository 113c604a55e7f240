package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// signingKeys is the resource of the keys that sign tokens.
func signingKeys(p *program) resource[api.SigningKey] {
	return resource[api.SigningKey]{
		p: p, name: "signing key", path: "/api/keys", arg: "KID", header: "KID ALGORITHM STATE DEFAULT SIGNS_FROM SIGNS_UNTIL PUBLISHED_UNTIL",
		row: func(k api.SigningKey) []string {
			from := when(k.ActivatesAt)
			if k.ActivatesAt == nil {
				from = "not activated"
			}
			return []string{k.KID, k.Algorithm, keyState(k), fmt.Sprint(k.Default), from, when(k.SupersededAt), when(k.RetiresAt)}
		},
		fields: func(k api.SigningKey) [][2]string {
			return [][2]string{
				{"kid", k.KID}, {"algorithm", k.Algorithm}, {"state", k.State}, {"default", fmt.Sprint(k.Default)}, {"quarantined", fmt.Sprint(k.Quarantined)},
				{"created_at", when(&k.CreatedAt)}, {"activates_at", when(k.ActivatesAt)}, {"superseded_at", when(k.SupersededAt)}, {"retires_at", when(k.RetiresAt)},
			}
		},
		id: func(k api.SigningKey) string { return k.KID }, title: func(k api.SigningKey) string { return k.KID },
	}
}

// keyState is the state, and whether the key is quarantined.
func keyState(k api.SigningKey) string {
	if k.Quarantined {
		return k.State + ",quarantined"
	}
	return k.State
}

func signingKeyCommand(p *program) *cobra.Command {
	keys := signingKeys(p)
	cmd := administration("key", "Manage the keys that sign tokens, and what they are sealed under", keys.list(nil),
		signingKeyCreateCommand(keys), signingKeyActivateCommand(keys), signingKeyDeleteCommand(keys), rewrapCommand(p))
	cmd.Long += `

To rotate a key make another and activate it. It signs once it has been published for
five minutes, so that no verifier meets a key that it does not know; the former one stays
published until its last token has expired. "identity config set --key-rotation-interval"
has the service do that by itself.

KID may be the beginning of one, if it is that of no other. One that begins with a hyphen
stands behind "--".`
	cmd.Example = `  identity key list
  identity key create ES256
  identity key activate FjiTFEB`
	return cmd
}

func signingKeyCreateCommand(keys resource[api.SigningKey]) *cobra.Command {
	cmd := &cobra.Command{
		Use: "create ALGORITHM", Short: "Make a signing key, which is published and signs nothing yet", Args: cobra.ExactArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(words(jose.SigningAlgorithms(), func(a jose.Algorithm) string { return string(a) }), cobra.ShellCompDirectiveNoFileComp),
	}
	format := outputFlag(cmd)
	cmd.RunE = administer(keys.p, func(cmd *cobra.Command, args []string, c *connection) error {
		var made api.SigningKey
		if err := c.do(cmd.Context(), http.MethodPost, keys.path, api.CreateSigningKeyRequest{Algorithm: args[0]}, &made); err != nil {
			return err
		}
		fmt.Fprintf(keys.p.stderr, "It is published from now on, and signs nothing before\n  identity key activate %s\nActivated now it begins in five minutes, when every verifier can know it; activated then or later, at once.\n", kidArgument(made.KID))
		return printFields(keys.p.stdout, *format, made, keys.fields(made))
	})
	return cmd
}

// kidArgument is a key's id as an argument, which is no flag.
func kidArgument(kid string) string {
	if strings.HasPrefix(kid, "-") {
		return "-- " + kid
	}
	return kid
}

func signingKeyActivateCommand(keys resource[api.SigningKey]) *cobra.Command {
	p := keys.p
	var how api.ActivateKeyRequest
	cmd := keys.one("activate", "Have a signing key take over from the one of its algorithm")
	cmd.Long = `Have a signing key take over from the one of its algorithm, once it has been published
for five minutes, so that every verifier knows it.

With --now it does not wait. That is for a key that has leaked: verifiers that keep the
published keys, for at most five minutes, may refuse good tokens until they ask again.
Delete the key that has leaked afterwards: until then what a thief signs is accepted.`
	cmd.Example = `  identity key activate FjiTFEB
  identity key activate FjiTFEB --default   # where the default key has another algorithm`
	cmd.Flags().BoolVar(&how.Now, "now", false, "do not wait until every verifier can know it")
	cmd.Flags().BoolVar(&how.Default, "default", false, "make it the default key, also where that has another algorithm")
	yes := yesFlag(cmd)
	format := outputFlag(cmd)
	cmd.RunE = administer(p, func(cmd *cobra.Command, args []string, c *connection) error {
		key, err := keyNamed(cmd.Context(), c, keys, args[0])
		if err != nil {
			return err
		}
		if how.Now && !*yes {
			if err := confirm(p, "Sign with "+key.KID+" at once? Verifiers that keep the published keys, for at most five minutes, may refuse good tokens until they ask again."); err != nil {
				return err
			}
		}
		if err := c.do(cmd.Context(), http.MethodPost, keys.path+"/"+segment(key.KID)+"/activate", how, &key); err != nil {
			return err
		}
		fmt.Fprintln(p.stderr, activated(key, how.Now))
		return printFields(p.stdout, *format, key, keys.fields(key))
	})
	return cmd
}

// activated says what comes of an activation.
func activated(k api.SigningKey, now bool) string {
	from, why := "now", ""
	if k.State != string(identity.KeyActive) {
		from = "from " + when(k.ActivatesAt) + " on"
		if !now {
			why = " By then every verifier can know it; until then the key before it signs."
		}
	}
	what := "every token for which no audience or client asks for another algorithm"
	if !k.Default {
		what = "tokens for which an audience or client asks for " + k.Algorithm + " (--default makes it the default key)"
	}
	return fmt.Sprintf("It signs %s: %s.%s", from, what, why)
}

func signingKeyDeleteCommand(keys resource[api.SigningKey]) *cobra.Command {
	cmd := keys.one("delete", "Delete a signing key, and so end every token that it has signed")
	cmd.Long = `Delete a signing key. It is published no more, and every token that it has signed is
refused: by this service within a second, by verifiers once they ask for the keys again,
at most five minutes later. One that was to take over does not; the key before it goes on.

A key that something needs is not deleted: activate another one first, and wait until
that signs.`
	yes := yesFlag(cmd)
	cmd.RunE = administer(keys.p, func(cmd *cobra.Command, args []string, c *connection) error {
		key, err := keyNamed(cmd.Context(), c, keys, args[0])
		if err != nil {
			return err
		}
		return destroy(cmd, keys.p, c, keys.path+"/"+segment(key.KID), *yes, fmt.Sprintf("the signing key %s (%s, %s)", key.KID, key.Algorithm, keyState(key)),
			"Every token that it has signed is refused: here within a second, by verifiers within five minutes.")
	})
	return cmd
}

// keyNamed finds the key whose id begins so.
func keyNamed(ctx context.Context, c *connection, keys resource[api.SigningKey], begun string) (api.SigningKey, error) {
	if begun == "" {
		return api.SigningKey{}, errors.New("expected the id of a key, or its beginning")
	}
	items, _, err := all[api.SigningKey](ctx, c, keys.path, nil, 0)
	if err != nil {
		return api.SigningKey{}, err
	}
	var found []api.SigningKey
	for _, k := range items {
		if strings.HasPrefix(k.KID, begun) {
			found = append(found, k)
		}
	}
	switch len(found) {
	case 0:
		return api.SigningKey{}, identity.Errorf(identity.NotFound, "There is no such signing key; \"identity key list\" shows those that there are.").Because(errRefused)
	case 1:
		return found[0], nil
	}
	return api.SigningKey{}, fmt.Errorf("the ids of %d signing keys begin with %s; expected more of it", len(found), plain(begun))
}
