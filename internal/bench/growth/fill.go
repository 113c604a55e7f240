package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/bench"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Of both users and clients the odd ones have a hash of the contract's cost, the even
// ones a cheap one, under which what the database costs can be seen.
const (
	leastSize   = 100 // so that there is something of each sort
	roles       = 20
	everyRole   = 10 // one in so many has roles
	everyKey    = 5  // one client in so many has a key beside its secret
	knownSecret = "the same secret of every principal"
)

var cheap = argon2.Params{Memory: 64, Time: 1, Threads: 1}

// principals makes the rows of users and clients.
type principals struct {
	size      int
	at        int64          // when all of it was made, in milliseconds
	hashes    [2]string      // cheap and dear
	publicKey jose.PublicKey // of every client that has one
}

func newPrincipals(ctx context.Context, size int) (*principals, error) {
	p := &principals{size: size, at: time.Now().UnixMilli()}
	for i, params := range []argon2.Params{cheap, argon2.DefaultParams()} {
		pool, err := argon2.New(argon2.Config{Params: params})
		if err != nil {
			return nil, err
		}
		if p.hashes[i], err = pool.Hash(ctx, argon2.Party{}, []byte(knownSecret)); err != nil {
			return nil, fmt.Errorf("hashing the one secret: %w", err)
		}
	}
	key, err := jose.GeneratePrivateKey(jose.ES256)
	if err != nil {
		return nil, err
	}
	p.publicKey = key.Public()
	return p, nil
}

func userID(i int) string   { return fmt.Sprintf("u-%08x-%08d", scatter(i), i) }
func username(i int) string { return fmt.Sprintf("person-%08x-%d", scatter(i), i) }
func clientID(i int) string { return fmt.Sprintf("machine-%08x-%d", scatter(i), i) }

// scatter has neighbours by number lie apart by name, as people's names do.
func scatter(i int) uint32 { return uint32(i) * 2654435761 } //nolint:gosec // it wraps around: that is the point

// rows are those of a table.
func (p *principals) rows(table string) iter.Seq[bench.Row] {
	count := p.size
	var rowsOf func(i int) []bench.Row
	switch table {
	case "principals":
		rowsOf = func(i int) []bench.Row {
			return []bench.Row{{"id": userID(i), "kind": "user", "created_at": p.at}, {"id": clientID(i), "kind": "client", "created_at": p.at}}
		}
	case "users":
		rowsOf = func(i int) []bench.Row { return []bench.Row{p.user(i)} }
	case "clients":
		rowsOf = func(i int) []bench.Row { return []bench.Row{p.client(i)} }
	case "client_secrets":
		rowsOf = func(i int) []bench.Row {
			return []bench.Row{{
				"id": fmt.Sprintf("%08s", strconv.FormatInt(int64(i), 36)), "client_id": clientID(i), "secret_hash": p.hashes[i%2],
				"chosen": int64(1), "label": "first", "created_at": p.at,
			}}
		}
	case "client_keys":
		count /= everyKey
		rowsOf = func(i int) []bench.Row {
			id := clientID(i * everyKey)
			return []bench.Row{{"id": "k-" + id, "client_id": id, "kid": p.publicKey.KID(), "public_jwk": p.publicKey.JWK(), "created_at": p.at}}
		}
	case "roles":
		count = roles
		rowsOf = func(i int) []bench.Row {
			return []bench.Row{{
				"id": roleID(i), "name": fmt.Sprintf("role %d", i), "permissions": fmt.Sprintf(`["orders:%d","stock:%d"]`, i, i),
				"version": int64(1), "created_at": p.at, "updated_at": p.at,
			}}
		}
	case "principal_roles":
		count /= everyRole
		rowsOf = func(i int) []bench.Row {
			n := i * everyRole
			first, second := roleID(i%roles), roleID((i+1)%roles)
			return []bench.Row{
				{"principal_id": userID(n), "role_id": first}, {"principal_id": userID(n), "role_id": second},
				{"principal_id": clientID(n), "role_id": first},
			}
		}
	default:
		count = 0
	}
	return func(yield func(bench.Row) bool) {
		for i := range count {
			for _, r := range rowsOf(i) {
				if !yield(r) {
					return
				}
			}
		}
	}
}

func roleID(i int) string { return fmt.Sprintf("role-%d", i) }

func (p *principals) user(i int) bench.Row {
	return bench.Row{
		"id": userID(i), "username": username(i), "password_hash": p.hashes[i%2], "enabled": int64(1), "permissions": `["read","write"]`,
		"audiences": `["*"]`, "metadata": `{"team":"blue"}`, "version": int64(1), "created_at": p.at, "updated_at": p.at,
	}
}

func (p *principals) client(i int) bench.Row {
	return bench.Row{
		"id": clientID(i), "name": fmt.Sprintf("Machine %d", i), "enabled": int64(1), "require_proofs": identity.ProofSecret.String(),
		"permissions": `["read","write"]`, "audiences": `["*"]`, "metadata": "{}", "version": int64(1), "created_at": p.at, "updated_at": p.at,
	}
}

// fill gives a database its users and clients, and reports whether it had none before.
func fill(ctx context.Context, db *store.DB, size int) (filled bool, err error) {
	p, err := newPrincipals(ctx, size)
	if err != nil {
		return false, err
	}
	err = db.Fill(ctx, func(tx *store.DB) error {
		for _, t := range store.StateTables() {
			if err := bench.Insert(ctx, tx, t, p.rows(t.Name)); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, store.ErrNotEmpty) {
		return false, nil
	}
	return err == nil, err
}
