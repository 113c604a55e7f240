package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/bench"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/server"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

const (
	issuer   = "https://id.test"
	audience = "load-api"
	password = "the same secret of every principal"
	asker    = "introspects" // the client that may introspect
)

// installation is what is filled before the service starts.
type installation struct {
	database  store.Config
	key       identity.Secret
	algorithm jose.Algorithm
	clients   int // of each sort
	users     int
	// clientKey is that of all clients that have one.
	clientKey jose.PrivateKey
}

// fill makes the installation.
func (in *installation) fill(ctx context.Context) error {
	opened, err := server.OpenInstallation(ctx, server.InstallationConfig{
		Database: in.database, EncryptionKey: in.key, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	return errors.Join(in.fillOpened(ctx, opened), opened.Close())
}

func (in *installation) fillOpened(ctx context.Context, opened *server.Installation) error {
	prepared, err := opened.Prepare(ctx, server.FirstStart{Issuer: issuer, Algorithm: in.algorithm, AdminUsername: "admin"})
	if err != nil {
		return err
	}
	if !prepared.First {
		return errors.New("the database has an installation in it: expected an empty one")
	}
	if in.clientKey, err = jose.GeneratePrivateKey(jose.RS256); err != nil {
		return err
	}
	caller := identity.LocalAdministrator("load")
	asks := identity.NewSecret(password)
	if _, _, err := opened.Admin.CreateClient(ctx, caller, admin.NewClient{ID: asker, Name: asker, Secret: &asks}); err != nil {
		return err
	}
	if _, err := opened.Admin.UpdateConfiguration(ctx, caller, admin.ConfigurationUpdate{MaxRefreshes: new(identity.MaxMaxRefreshes)}, nil); err != nil {
		return err // sessions would be used up, and a login costs a hash
	}
	hash, err := opened.Pool.Hash(ctx, argon2.Party{}, []byte(password))
	if err != nil {
		return err
	}
	return opened.DB.Change(ctx, func(tx *store.DB) error {
		for _, t := range store.StateTables() {
			if err := bench.Insert(ctx, tx, t, in.rows(t.Name, hash)); err != nil {
				return fmt.Errorf("filling %s: %w", t.Name, err)
			}
		}
		return nil
	})
}

func user(i int) string { return fmt.Sprintf("person-%07d", i) }

// machine is a client of a sort: "secret", "signature", "both".
func machine(sort string, i int) string { return fmt.Sprintf("%s-%07d", sort, i) }

// sorts are the sorts of clients, with what they must prove.
var sorts = map[string]identity.Proofs{
	"secret": identity.ProofSecret, "signature": identity.ProofSignature, "both": identity.ProofSecret | identity.ProofSignature,
}

// rows are those of a table.
func (in *installation) rows(table, hash string) iter.Seq[bench.Row] {
	at := time.Now().UnixMilli()
	common := func(r bench.Row) bench.Row {
		maps.Copy(r, bench.Row{
			"enabled": int64(1), "permissions": `["orders:read","orders:write"]`, "audiences": `["*"]`, "metadata": "{}", "version": int64(1),
			"created_at": at, "updated_at": at,
		})
		return r
	}
	public := in.clientKey.Public()
	return func(yield func(bench.Row) bool) {
		for i := range in.users {
			switch table {
			case "principals":
				yield(bench.Row{"id": user(i), "kind": "user", "created_at": at})
			case "users":
				yield(common(bench.Row{"id": user(i), "username": user(i), "password_hash": hash}))
			}
		}
		for sort, proofs := range sorts {
			for i := range in.clients {
				id := machine(sort, i)
				switch {
				case table == "principals":
					yield(bench.Row{"id": id, "kind": "client", "created_at": at})
				case table == "clients":
					yield(common(bench.Row{"id": id, "name": id, "require_proofs": proofs.String()}))
				case table == "client_secrets" && proofs.Has(identity.ProofSecret):
					yield(bench.Row{"id": id, "client_id": id, "secret_hash": hash, "chosen": int64(1), "label": "load", "created_at": at})
				case table == "client_keys" && proofs.Has(identity.ProofSignature):
					yield(bench.Row{"id": id, "client_id": id, "kid": public.KID(), "public_jwk": public.JWK(), "created_at": at})
				}
			}
		}
		if table == "audiences" {
			yield(bench.Row{
				"id": audience, "audience": audience, "name": audience, "permissions": `["orders:read","orders:write"]`,
				"introspection_client": asker, "version": int64(1), "created_at": at, "updated_at": at,
			})
		}
	}
}
