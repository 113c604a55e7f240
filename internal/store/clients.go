package store

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

const clientColumns = `id, name, enabled, require_proofs, static_signature, permissions, audiences, token_expiration, token_algorithm,
	auth_method, assertion_algorithm, assertion_audience, jwks_uri, metadata, version, created_at, updated_at, tokens_from`

// CreateClient stores a new client with its secrets and keys. Conflict when the
// id is taken. It needs Change.
func (db *DB) CreateClient(ctx context.Context, c identity.Client) error {
	if err := db.takePrincipalID(ctx, c.ID, "client"); err != nil {
		return err
	}
	_, err := db.exec(ctx, "storing a client", `INSERT INTO clients (`+clientColumns+`, privileged)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?)`,
		c.ID, c.Name, flag(c.Enabled), c.Require.String(), flag(c.StaticSignature), listText(c.Permissions), listText(c.Audiences), c.TokenExpiration.Milliseconds(),
		c.TokenAlgorithm, string(c.AuthMethod), c.AssertionAlgorithm, assertionAudience(c), c.JWKSURI, metadataText(c.Metadata), millis(c.CreatedAt), millis(c.UpdatedAt), millis(c.TokensFrom), flag(privileged(c.Permissions)))
	if err != nil {
		return err
	}
	for _, s := range c.Secrets {
		if err := db.insertSecret(ctx, c.ID, s); err != nil {
			return err
		}
	}
	for _, k := range c.Keys {
		if err := db.insertKey(ctx, c.ID, k); err != nil {
			return err
		}
	}
	if err := db.setRoles(ctx, c.ID, c.Roles.Names); err != nil {
		return err
	}
	if err := db.coverTokens(ctx, 0, c.TokenExpiration); err != nil {
		return err
	}
	return db.touched(ctx, KindClient, c.ID)
}

// UpdateClient replaces what is stored of the client, but for its secrets and keys,
// and raises its version. It needs Change.
func (db *DB) UpdateClient(ctx context.Context, c identity.Client) error {
	former, err := db.Client(ctx, c.ID)
	if err != nil {
		return err
	}
	_, err = db.exec(ctx, "storing a client", `UPDATE clients SET name = ?, enabled = ?, require_proofs = ?, static_signature = ?, permissions = ?, audiences = ?,
		token_expiration = ?, token_algorithm = ?,
		auth_method = ?, assertion_algorithm = ?, assertion_audience = ?, jwks_uri = ?, metadata = ?, version = version + 1, updated_at = ?, tokens_from = ?, privileged = ? WHERE id = ?`,
		c.Name, flag(c.Enabled), c.Require.String(), flag(c.StaticSignature), listText(c.Permissions), listText(c.Audiences), c.TokenExpiration.Milliseconds(),
		c.TokenAlgorithm, string(c.AuthMethod), c.AssertionAlgorithm, assertionAudience(c), c.JWKSURI, metadataText(c.Metadata), millis(db.now()), millis(c.TokensFrom), flag(privileged(c.Permissions)), c.ID)
	if err != nil {
		return err
	}
	if err := db.setRoles(ctx, c.ID, c.Roles.Names); err != nil {
		return err
	}
	if err := db.coverTokens(ctx, former.TokenExpiration, c.TokenExpiration); err != nil {
		return err
	}
	if !c.TokensFrom.Equal(former.TokensFrom) {
		if err := db.RevokeIssued(ctx, identity.RevokedPrincipal, c.ID); err != nil {
			return err
		}
	}
	return db.touched(ctx, KindClient, c.ID)
}

// assertionAudience is what is stored of it: never nothing.
func assertionAudience(c identity.Client) string {
	return string(cmp.Or(c.AssertionAudience, identity.AssertionForIssuer))
}

// DeleteClient removes the client with its secrets and keys. The id stays taken for
// ever. It needs Change.
func (db *DB) DeleteClient(ctx context.Context, id string) error {
	former, err := db.Client(ctx, id)
	if err != nil {
		return err
	}
	if err := db.setRoles(ctx, id, nil); err != nil {
		return err
	}
	for _, statement := range []string{`DELETE FROM client_secrets WHERE client_id = ?`, `DELETE FROM client_keys WHERE client_id = ?`, `DELETE FROM clients WHERE id = ?`} {
		if _, err := db.exec(ctx, "deleting a client", statement, id); err != nil {
			return err
		}
	}
	if err := db.coverTokens(ctx, former.TokenExpiration, 0); err != nil {
		return err
	}
	if err := db.RevokeIssued(ctx, identity.RevokedPrincipal, id); err != nil {
		return err
	}
	return db.touched(ctx, KindClient, id)
}

// AddClientSecret stores one more secret of the client. It needs Change.
func (db *DB) AddClientSecret(ctx context.Context, clientID string, s identity.ClientSecret) error {
	if err := db.insertSecret(ctx, clientID, s); err != nil {
		return err
	}
	return db.credentialsChanged(ctx, clientID)
}

func (db *DB) insertSecret(ctx context.Context, clientID string, s identity.ClientSecret) error {
	_, err := db.exec(ctx, "storing a client secret", `INSERT INTO client_secrets (id, client_id, secret_hash, chosen, label, created_at, expires_at)
		VALUES (?, ?, ?, ?, ?, ?, ?)`, s.ID, clientID, s.Hash, flag(s.Chosen), s.Label, millis(s.CreatedAt), millis(s.ExpiresAt))
	return err
}

// DeleteClientSecret removes a secret of the client; NotFound if it has none of that
// id. It needs Change.
func (db *DB) DeleteClientSecret(ctx context.Context, clientID, secretID string) error {
	return db.deleteCredential(ctx, "secret", `DELETE FROM client_secrets WHERE client_id = ? AND id = ?`, clientID, secretID)
}

// AddClientKey stores one more key of the client; Conflict if it has it already. It
// needs Change.
func (db *DB) AddClientKey(ctx context.Context, clientID string, k identity.ClientKey) error {
	if err := db.insertKey(ctx, clientID, k); err != nil {
		return err
	}
	return db.credentialsChanged(ctx, clientID)
}

func (db *DB) insertKey(ctx context.Context, clientID string, k identity.ClientKey) error {
	_, err := db.exec(ctx, "storing a client key", `INSERT INTO client_keys (id, client_id, kid, public_jwk, label, created_at)
		VALUES (?, ?, ?, ?, ?, ?)`, k.ID, clientID, k.KID, k.JWK, k.Label, millis(k.CreatedAt))
	return err
}

// DeleteClientKey removes a key of the client; NotFound if it has none of that id.
// It needs Change.
func (db *DB) DeleteClientKey(ctx context.Context, clientID, keyID string) error {
	return db.deleteCredential(ctx, "key", `DELETE FROM client_keys WHERE client_id = ? AND id = ?`, clientID, keyID)
}

func (db *DB) deleteCredential(ctx context.Context, what, statement, clientID, id string) error {
	n, err := db.exec(ctx, "deleting a "+what, statement, clientID, id)
	if err == nil && n == 0 {
		err = noSuch(what)
	}
	if err != nil {
		return err
	}
	return db.credentialsChanged(ctx, clientID)
}

// RevokeClientTokens makes the tokens that the client has not count here from now on. It
// needs Change.
func (db *DB) RevokeClientTokens(ctx context.Context, id string) error {
	if _, err := db.exec(ctx, "storing a client", `UPDATE clients SET tokens_from = ? WHERE id = ?`, millis(db.now()), id); err != nil {
		return err
	}
	if err := db.RevokeIssued(ctx, identity.RevokedPrincipal, id); err != nil {
		return err
	}
	return db.touched(ctx, KindClient, id)
}

// credentialsChanged raises the client's version: its credentials are part of it.
func (db *DB) credentialsChanged(ctx context.Context, id string) error {
	_, err := db.exec(ctx, "storing a client", `UPDATE clients SET version = version + 1, updated_at = ? WHERE id = ?`, millis(db.now()), id)
	if err != nil {
		return err
	}
	return db.touched(ctx, KindClient, id)
}

// Client returns the client with its secrets and keys, newest first; NotFound if
// there is none. It makes the same queries whether there is one or not.
func (db *DB) Client(ctx context.Context, id string) (identity.Client, error) {
	list, err := db.clients(ctx, `WHERE id = ?`, id)
	return one(list, err)("client")
}

// LookForClient makes the queries that a search for a client makes, and nothing of
// their answers.
func (db *DB) LookForClient(ctx context.Context, id string) error {
	_, revisionErr := db.Revision(ctx)
	_, err := db.clients(ctx, `WHERE id = ?`, id)
	return errors.Join(revisionErr, err)
}

// Clients returns up to limit clients with ids after the given one, in id order, with
// their secrets and keys.
func (db *DB) Clients(ctx context.Context, after string, limit int) ([]identity.Client, error) {
	return db.clients(ctx, `WHERE id > ? ORDER BY id LIMIT ?`, after, limit)
}

// clients reads the chosen clients, and then their credentials.
func (db *DB) clients(ctx context.Context, choice string, args ...any) ([]identity.Client, error) {
	list, err := principals(ctx, db, "clients", clientColumns, choice, "id", args, scanClient,
		func(c *identity.Client) (string, *identity.Roles) { return c.ID, &c.Roles })
	if err != nil {
		return nil, err
	}
	// One client is asked for by name, also where there is none, so that it costs the
	// same: a range of one is planned anew each time.
	of, bounds := `client_id = ?`, args[:1]
	if n := len(list); n > 1 {
		of, bounds = `client_id >= ? AND client_id <= ?`, []any{list[0].ID, list[n-1].ID}
	} else if n == 1 {
		bounds = []any{list[0].ID}
	}
	return list, db.loadCredentials(ctx, list, of, bounds)
}

func scanClient(scan func(...any) error) (identity.Client, error) {
	var c identity.Client
	var require, permissions, audiences, metadata string
	var expiration, created, updated, from int64
	if err := scan(&c.ID, &c.Name, &c.Enabled, &require, &c.StaticSignature, &permissions, &audiences, &expiration, &c.TokenAlgorithm,
		&c.AuthMethod, &c.AssertionAlgorithm, &c.AssertionAudience, &c.JWKSURI, &metadata, &c.Version, &created, &updated, &from); err != nil {
		return c, err
	}
	c.CreatedAt, c.UpdatedAt, c.TokensFrom = fromMillis(created), fromMillis(updated), fromMillis(from)
	c.TokenExpiration = time.Duration(expiration) * time.Millisecond
	c.Metadata = identity.Metadata(metadata)
	var rerr, perr, aerr error
	c.Require, rerr = identity.ParseProofs(strings.Split(require, "+"))
	c.Permissions, perr = fromListText(permissions)
	c.Audiences, aerr = fromListText(audiences)
	return c, errors.Join(rerr, perr, aerr)
}

// loadCredentials reads the secrets and keys of the clients, which a condition chooses.
func (db *DB) loadCredentials(ctx context.Context, clients []identity.Client, of string, bounds []any) error {
	byID := map[string]*identity.Client{}
	for i := range clients {
		byID[clients[i].ID] = &clients[i]
	}
	_, err := rows(ctx, db, "client secrets", `SELECT client_id, id, secret_hash, chosen, label, created_at, expires_at, last_used_at FROM client_secrets
		WHERE `+of+` ORDER BY created_at DESC, id`, bounds,
		func(scan func(...any) error) (s identity.ClientSecret, err error) {
			var client string
			var created, expires, used int64
			err = scan(&client, &s.ID, &s.Hash, &s.Chosen, &s.Label, &created, &expires, &used)
			s.CreatedAt, s.ExpiresAt, s.LastUsedAt = fromMillis(created), fromMillis(expires), fromMillis(used)
			if c := byID[client]; c != nil {
				c.Secrets = append(c.Secrets, s)
			}
			return s, err
		})
	if err != nil {
		return err
	}
	_, err = rows(ctx, db, "client keys", `SELECT client_id, id, kid, public_jwk, label, created_at, last_used_at FROM client_keys
		WHERE `+of+` ORDER BY created_at DESC, id`, bounds,
		func(scan func(...any) error) (k identity.ClientKey, err error) {
			var client string
			var created, used int64
			err = scan(&client, &k.ID, &k.KID, &k.JWK, &k.Label, &created, &used)
			k.CreatedAt, k.LastUsedAt = fromMillis(created), fromMillis(used)
			if c := byID[client]; c != nil {
				c.Keys = append(c.Keys, k)
			}
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
