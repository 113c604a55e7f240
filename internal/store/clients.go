package store

import (
	"context"
	"errors"
	"strings"

	"github.com/seed-60f9e3ad/identity"
)

const clientColumns = `id, name, enabled, require_proofs, static_signature, permissions, audiences, created_at, updated_at`

// CreateClient stores a new client with its secrets and keys. Conflict when the
// id is taken. It needs Change.
func (db *DB) CreateClient(ctx context.Context, c identity.Client) error {
	if err := db.takePrincipalID(ctx, c.ID, "client"); err != nil {
		return err
	}
	_, err := db.exec(ctx, "storing a client", `INSERT INTO clients (`+clientColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		c.ID, c.Name, c.Enabled, c.Require.String(), c.StaticSignature, listText(c.Permissions), listText(c.Audiences), millis(c.CreatedAt), millis(c.UpdatedAt))
	if err != nil {
		return err
	}
	for _, s := range c.Secrets {
		_, err := db.exec(ctx, "storing a client secret", `INSERT INTO client_secrets (id, client_id, secret_hash, chosen, label, created_at, expires_at)
			VALUES (?, ?, ?, ?, ?, ?, ?)`, s.ID, c.ID, s.Hash, s.Chosen, s.Label, millis(s.CreatedAt), millis(s.ExpiresAt))
		if err != nil {
			return err
		}
	}
	for _, k := range c.Keys {
		_, err := db.exec(ctx, "storing a client key", `INSERT INTO client_keys (id, client_id, kid, public_jwk, label, created_at)
			VALUES (?, ?, ?, ?, ?, ?)`, k.ID, c.ID, k.KID, k.JWK, k.Label, millis(k.CreatedAt))
		if err != nil {
			return err
		}
	}
	return db.touched(ctx, KindClient, c.ID)
}

// Client returns the client with its secrets and keys, newest first; NotFound if
// there is none.
func (db *DB) Client(ctx context.Context, id string) (identity.Client, error) {
	list, err := rows(ctx, db, "clients", `SELECT `+clientColumns+` FROM clients WHERE id = ?`, []any{id}, scanClient)
	if err == nil && len(list) == 0 {
		err = identity.Errorf(identity.NotFound, "There is no such client.")
	}
	if err != nil {
		return identity.Client{}, err
	}
	return list[0], db.loadCredentials(ctx, &list[0])
}

// LookForClient makes the queries that a search for an unknown client makes, and
// nothing of their answers.
func (db *DB) LookForClient(ctx context.Context, id string) error {
	_, revisionErr := db.Revision(ctx)
	_, err := rows(ctx, db, "clients", `SELECT `+clientColumns+` FROM clients WHERE id = ?`, []any{id}, scanClient)
	return errors.Join(revisionErr, err)
}

// Clients returns up to limit clients with ids after the given one, in id order.
func (db *DB) Clients(ctx context.Context, after string, limit int) ([]identity.Client, error) {
	list, err := rows(ctx, db, "clients", `SELECT `+clientColumns+` FROM clients WHERE id > ? ORDER BY id LIMIT ?`, []any{after, limit}, scanClient)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if err := db.loadCredentials(ctx, &list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func scanClient(scan func(...any) error) (identity.Client, error) {
	var c identity.Client
	var require, permissions, audiences string
	var created, updated int64
	if err := scan(&c.ID, &c.Name, &c.Enabled, &require, &c.StaticSignature, &permissions, &audiences, &created, &updated); err != nil {
		return c, err
	}
	c.CreatedAt, c.UpdatedAt = fromMillis(created), fromMillis(updated)
	var rerr, perr, aerr error
	c.Require, rerr = identity.ParseProofs(strings.Split(require, "+"))
	c.Permissions, perr = fromListText(permissions)
	c.Audiences, aerr = fromListText(audiences)
	return c, errors.Join(rerr, perr, aerr)
}

func (db *DB) loadCredentials(ctx context.Context, c *identity.Client) (err error) {
	c.Secrets, err = rows(ctx, db, "client secrets", `SELECT id, secret_hash, chosen, label, created_at, expires_at FROM client_secrets
		WHERE client_id = ? ORDER BY created_at DESC, id`, []any{c.ID},
		func(scan func(...any) error) (s identity.ClientSecret, err error) {
			var created, expires int64
			err = scan(&s.ID, &s.Hash, &s.Chosen, &s.Label, &created, &expires)
			s.CreatedAt, s.ExpiresAt = fromMillis(created), fromMillis(expires)
			return s, err
		})
	if err != nil {
		return err
	}
	c.Keys, err = rows(ctx, db, "client keys", `SELECT id, kid, public_jwk, label, created_at FROM client_keys
		WHERE client_id = ? ORDER BY created_at DESC, id`, []any{c.ID},
		func(scan func(...any) error) (k identity.ClientKey, err error) {
			var created int64
			err = scan(&k.ID, &k.KID, &k.JWK, &k.Label, &created)
			k.CreatedAt = fromMillis(created)
			return k, err
		})
	return err
}

// RehashClientSecret replaces the hash of a secret that was just proven, unless
// it has been changed since.
func (db *DB) RehashClientSecret(ctx context.Context, secretID, former, hash string) error {
	_, err := db.exec(ctx, "rehashing a client secret", `UPDATE client_secrets SET secret_hash = ? WHERE id = ? AND secret_hash = ?`, hash, secretID, former)
	return err
}
