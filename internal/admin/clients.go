package admin

import (
	"context"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// NewClient is what a client is made of. ID empty makes one; Audiences nil is any;
// Require empty is what was registered. With neither a secret nor a key a secret is
// generated; GenerateSecret asks for one beside a key.
type NewClient struct {
	ID              string
	Name            string
	Secret          *identity.Secret
	GenerateSecret  bool
	PublicKey       string // PEM (SPKI) or JWK
	Require         []string
	StaticSignature bool
	Permissions     []string
	Audiences       *[]string
}

// CreateClient makes an enabled client and returns it with its secret, which
// nobody can read again; it is empty if the client has none. It needs
// identity:clients:write. Errors: InvalidRequest naming every bad member,
// InsufficientPermission for a permission the caller lacks, Conflict when the id
// is taken.
func (s *Service) CreateClient(ctx context.Context, caller identity.Caller, n NewClient) (identity.Client, identity.Secret, error) {
	if err := caller.Require(identity.PermissionClientsWrite); err != nil {
		return identity.Client{}, identity.Secret{}, err
	}
	if err := mayGrant(caller, n.Permissions); err != nil {
		return identity.Client{}, identity.Secret{}, err
	}
	client, secret, err := s.newClient(ctx, n)
	if err != nil {
		return identity.Client{}, identity.Secret{}, err
	}
	err = s.change(ctx, func(tx *store.DB) error { return tx.CreateClient(ctx, client) })
	return client, secret, err
}

// newClient checks and hashes, outside of any transaction.
func (s *Service) newClient(ctx context.Context, n NewClient) (identity.Client, identity.Secret, error) {
	now := s.db.Now()
	client := identity.Client{
		ID: n.ID, Name: n.Name, Enabled: true, StaticSignature: n.StaticSignature,
		Permissions: identity.SortedSet(n.Permissions), Audiences: audiencesOrAny(n.Audiences), CreatedAt: now, UpdatedAt: now,
	}
	if client.ID == "" {
		client.ID = identity.NewID(now)
	}
	key, keyErr := newClientKey(n.PublicKey, client)
	if n.PublicKey != "" && keyErr == nil {
		client.Keys = []identity.ClientKey{key}
	}
	secret, registered, secretErr := newClientSecret(n, client)
	if registered.ID != "" {
		client.Secrets = []identity.ClientSecret{registered}
	}
	asked, requireErr := askedProofs(n.Require)
	err := collect(identity.CheckClientID(client.ID), identity.CheckName(n.Name), identity.CheckPermissions(n.Permissions),
		identity.CheckAudiences(client.Audiences), keyErr, secretErr, requireErr)
	if err == nil {
		err = require(&client, asked)
	}
	if err != nil || len(client.Secrets) == 0 {
		return client, identity.Secret{}, err
	}
	client.Secrets[0].Hash, err = s.pool.Hash(ctx, []byte(secret.Reveal()))
	return client, secret, authn.HashingError(err)
}

func newClientKey(text string, client identity.Client) (identity.ClientKey, error) {
	if text == "" {
		return identity.ClientKey{}, nil
	}
	key, err := jose.ParsePublicKey([]byte(text))
	if err != nil {
		return identity.ClientKey{}, identity.InvalidField("public_key", "%s", err)
	}
	return identity.ClientKey{ID: identity.NewID(client.CreatedAt), KID: key.KID(), JWK: key.JWK(), CreatedAt: client.CreatedAt}, nil
}

// newClientSecret returns the secret that the client gets and what is registered
// of it, still without its hash; nothing if it gets none.
func newClientSecret(n NewClient, client identity.Client) (identity.Secret, identity.ClientSecret, error) {
	registered := identity.ClientSecret{CreatedAt: client.CreatedAt}
	switch {
	case n.Secret != nil:
		registered.ID, registered.Chosen = identity.NewSecretID(), true
		return *n.Secret, registered, identity.CheckChosenSecret(*n.Secret)
	case n.GenerateSecret || n.PublicKey == "":
		var secret identity.Secret
		registered.ID, secret = identity.NewClientSecret()
		return secret, registered, nil
	}
	return identity.Secret{}, identity.ClientSecret{}, nil
}

// askedProofs reads what the client is to require; absent is the empty set.
func askedProofs(names []string) (identity.Proofs, error) {
	if names == nil {
		return 0, nil
	}
	return identity.ParseProofs(names)
}

// require sets what the client must prove: what was asked for, or all that it has
// registered. It must be able to prove it.
func require(client *identity.Client, asked identity.Proofs) error {
	var registered identity.Proofs
	if len(client.Secrets) > 0 {
		registered |= identity.ProofSecret
	}
	if len(client.Keys) > 0 {
		registered |= identity.ProofSignature
	}
	client.Require = registered
	if asked != 0 {
		client.Require = asked
	}
	if !registered.Has(client.Require) {
		return identity.InvalidField("require", "cannot be satisfied: the client has %s registered", registered)
	}
	if client.StaticSignature && !client.Require.Has(identity.ProofSignature) {
		return identity.InvalidField("static_signature", "needs a client that requires a signature")
	}
	return staticNeedsRSA(client)
}

// staticNeedsRSA refuses the static signature for a key that cannot make one.
func staticNeedsRSA(client *identity.Client) error {
	if !client.StaticSignature {
		return nil
	}
	for _, k := range client.Keys {
		if key, err := jose.ParsePublicKey([]byte(k.JWK)); err == nil && key.Fits(jose.PS256) {
			return nil
		}
	}
	return identity.InvalidField("static_signature", "needs an RSA key")
}

// Clients returns up to limit clients with ids after the given one. It needs
// identity:clients:read.
func (s *Service) Clients(ctx context.Context, caller identity.Caller, after string, limit int) ([]identity.Client, error) {
	if err := caller.Require(identity.PermissionClientsRead); err != nil {
		return nil, err
	}
	return s.db.Clients(ctx, after, limit)
}
