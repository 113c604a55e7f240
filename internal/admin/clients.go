package admin

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// NewClient is what a client is made of. ID empty makes one; Audiences nil is any;
// Require nil is what was registered. With neither a secret nor a key a secret is
// generated; GenerateSecret asks for one beside a key.
type NewClient struct {
	ID             string
	Name           string
	Secret         *identity.Secret
	GenerateSecret bool
	// Bare registers nothing: what it is to prove is registered later.
	Bare            bool
	PublicKey       string   // PEM (SPKI) or JWK
	Keys            []NewKey // instead of it: those of a set
	JWKSURI         string   // where its keys are instead; empty: here
	Require         []string
	StaticSignature bool
	Disabled        bool
	Permissions     []string
	Roles           []string
	Audiences       *[]string
	TokenExpiration time.Duration // zero: as configured
	TokenAlgorithm  string        // empty: the default key's
	// AuthMethod, AssertionAlgorithm and AssertionAudience are as in identity.Client; empty is
	// the default.
	AuthMethod         identity.AuthMethod
	AssertionAlgorithm string
	AssertionAudience  identity.AssertionAudience
	Metadata           []byte // a JSON object, or empty
}

// ClientPatch is what to change of a client; nil stays as it is. Lists are replaced
// whole, Metadata is merged (RFC 7396).
type ClientPatch struct {
	Name                                   *string
	Require, Permissions, Roles, Audiences *[]string
	StaticSignature, Enabled               *bool
	TokenExpiration                        *time.Duration
	TokenAlgorithm                         *string
	AuthMethod                             *identity.AuthMethod
	AssertionAlgorithm                     *string
	AssertionAudience                      *identity.AssertionAudience
	JWKSURI                                *string
	Keys                                   *[]NewKey // all that it is to have

	// secretLater leaves it open whether it has a secret that it requires.
	secretLater bool
	Metadata    []byte
}

// CreateClient makes a client and returns it with its secret, which nobody can read
// again; it is empty if the client has none. It needs identity:clients:write.
// Errors: InvalidRequest naming every bad member, InsufficientPermission for a
// permission the caller lacks, Conflict when the id is taken.
func (s *Service) CreateClient(ctx context.Context, caller identity.Caller, n NewClient) (identity.Client, identity.Secret, error) {
	if err := caller.Require(identity.PermissionClientsWrite); err != nil {
		return identity.Client{}, identity.Secret{}, err
	}
	if err := s.mayGive(ctx, caller, n.Permissions, n.Roles); err != nil {
		return identity.Client{}, identity.Secret{}, err
	}
	client, secret, err := s.newClient(ctx, n)
	if err != nil {
		return identity.Client{}, identity.Secret{}, err
	}
	spare, err := s.spareFor(ctx, caller, client.TokenAlgorithm)
	if err != nil {
		return identity.Client{}, identity.Secret{}, err
	}
	err = s.change(ctx, caller, func(tx *store.DB) error {
		if client.Roles.Permissions, err = tx.PermissionsOf(ctx, client.Roles.Names); err != nil {
			return err
		}
		if err := mayGrant(caller, client.Roles.Permissions); err != nil {
			return err
		}
		makes(ctx, client.ID)
		if err := tx.CreateClient(ctx, client); err != nil {
			return err
		}
		if err := checkHolding(ctx, tx, client.ID); err != nil {
			return err
		}
		if err := s.signFor(ctx, tx, caller, client.TokenAlgorithm, spare); err != nil {
			return err
		}
		return audit.Record(ctx, tx, caller, audit.Change{Name: "client.created", Target: client.ID, After: clientState(client)})
	})
	return client, secret, err
}

// newClient checks and hashes, outside of any transaction.
func (s *Service) newClient(ctx context.Context, n NewClient) (identity.Client, identity.Secret, error) {
	now := s.db.Now()
	client := identity.Client{
		ID: n.ID, Name: n.Name, Enabled: !n.Disabled, StaticSignature: n.StaticSignature,
		Permissions: identity.SortedSet(n.Permissions), Roles: identity.Roles{Names: identity.SortedSet(n.Roles)},
		Audiences: audiencesOrAny(n.Audiences), TokenExpiration: n.TokenExpiration, TokenAlgorithm: n.TokenAlgorithm,
		AuthMethod: n.AuthMethod, AssertionAlgorithm: n.AssertionAlgorithm, JWKSURI: n.JWKSURI,
		AssertionAudience: cmp.Or(n.AssertionAudience, identity.AssertionForIssuer), Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	if client.ID == "" {
		client.ID = identity.NewID(now)
	}
	var keyErr, secretErr, metadataErr error
	client.Keys, keyErr = n.keys(now)
	var secret identity.Secret
	if n.Secret != nil || n.GenerateSecret || len(client.Keys) == 0 && n.JWKSURI == "" && !n.Bare {
		client.Secrets = make([]identity.ClientSecret, 1)
		secret, client.Secrets[0], secretErr = newClientSecret(n.Secret, now)
	}
	asked, requireErr := askedProofs(n.Require)
	client.Metadata, metadataErr = client.Metadata.Merge(n.Metadata)
	err := collect(identity.CheckClientID(client.ID), checkClient(client), keyErr, secretErr, metadataErr, requireErr, s.mayFetch(client.JWKSURI))
	if n.Bare {
		client.Require = asked
		return client, secret, err
	}
	if err == nil {
		err = require(&client, asked, now)
	}
	if err != nil || len(client.Secrets) == 0 {
		return client, secret, err
	}
	client.Secrets[0].Hash, err = s.hash(ctx, argon2.Administration, secret)
	return client, secret, err
}

// keys are those that the client is to begin with.
func (n NewClient) keys(now time.Time) ([]identity.ClientKey, error) {
	if n.PublicKey == "" {
		return newClientKeys("jwks", n.Keys, now)
	}
	key, err := newClientKey(n.PublicKey, "", now)
	return []identity.ClientKey{key}, err
}

// checkClient refuses what a client cannot be made of, old or new.
func checkClient(c identity.Client) error {
	return collect(identity.CheckName(c.Name), identity.CheckPermissions(c.Permissions), identity.CheckRoles(c.Roles.Names),
		identity.CheckAudiences(c.Audiences), identity.CheckTokenExpiration(c.TokenExpiration), checkAlgorithm("token_algorithm", c.TokenAlgorithm),
		checkAssertionAlgorithm(c.AssertionAlgorithm), identity.CheckAssertionAudience(c.AssertionAudience))
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
func require(client *identity.Client, asked identity.Proofs, now time.Time) error {
	client.Require = provable(*client, now)
	if asked != 0 {
		client.Require = asked
	}
	return satisfiable(*client, provable(*client, now))
}

// provable is the set of proofs that the client can give.
func provable(c identity.Client, now time.Time) (set identity.Proofs) {
	if slices.ContainsFunc(c.Secrets, func(s identity.ClientSecret) bool { return s.Live(now) }) {
		set |= identity.ProofSecret
	}
	if len(c.Keys) > 0 || c.JWKSURI != "" {
		set |= identity.ProofSignature
	}
	return set
}

// satisfiable refuses a client that could not prove what it requires, given what it can.
func satisfiable(c identity.Client, can identity.Proofs) error {
	if !can.Has(c.Require) {
		return identity.InvalidField("require", "cannot be satisfied: the client has %s registered", cmp.Or(can.String(), "nothing that lives"))
	}
	if err := coherent(c); err != nil {
		return err
	}
	if c.StaticSignature && !c.Require.Has(identity.ProofSignature) {
		return identity.InvalidField("static_signature", "needs a client that requires a signature")
	}
	switch {
	case signable(c):
		return nil
	case !fitting(c):
		return identity.InvalidField("token_endpoint_auth_signing_alg", "needs a key that fits it")
	}
	return identity.InvalidField("static_signature", "needs an RSA key")
}

// signable reports whether the keys of the client serve for the signatures that it
// requires and accepts.
func signable(c identity.Client) bool {
	if !c.StaticSignature {
		return fitting(c) || !c.Require.Has(identity.ProofSignature)
	}
	return fitting(c) && slices.ContainsFunc(c.Keys, func(k identity.ClientKey) bool {
		key, err := jose.ParsePublicKey([]byte(k.JWK))
		return err == nil && key.Fits(jose.PS256)
	})
}

// Client returns a client. It needs identity:clients:read.
func (s *Service) Client(ctx context.Context, caller identity.Caller, id string) (identity.Client, error) {
	if err := caller.Require(identity.PermissionClientsRead); err != nil {
		return identity.Client{}, err
	}
	return s.db.Client(ctx, id)
}

// Clients returns up to limit clients with ids after the given one. It needs
// identity:clients:read.
func (s *Service) Clients(ctx context.Context, caller identity.Caller, after string, limit int) ([]identity.Client, error) {
	if err := caller.Require(identity.PermissionClientsRead); err != nil {
		return nil, err
	}
	return s.db.Clients(ctx, after, limit)
}

// UpdateClient changes a client, all of it or nothing. It needs
// identity:clients:write and every permission of this service that the client has or
// is to have. match, if not nil, is asked inside the transaction whether the client
// found there is the one to change.
func (s *Service) UpdateClient(ctx context.Context, caller identity.Caller, id string, p ClientPatch, match func(identity.Client) error) (identity.Client, error) {
	var updated identity.Client
	if err := s.mayFetch(deref(p.JWKSURI)); err != nil {
		return updated, err
	}
	spare, err := s.spareFor(ctx, caller, deref(p.TokenAlgorithm))
	if err != nil {
		return updated, err
	}
	change := s.alterClient(ctx, caller, id, match)
	change.decide = func(tx *store.DB, found identity.Client) (identity.Client, error) {
		next, err := p.over(found, tx.Now())
		if err != nil {
			return next, err
		}
		if found.Enabled && !next.Enabled {
			next.TokensFrom = tx.Now()
		}
		if next.Roles.Permissions, err = tx.PermissionsOf(ctx, next.Roles.Names); err != nil {
			return next, err
		}
		return next, mayGrant(caller, next.Permissions, next.Roles.Permissions)
	}
	change.write = func(tx *store.DB, found, next identity.Client) (audit.Change, error) {
		if err := tx.UpdateClient(ctx, next); err != nil {
			return audit.Change{}, err
		}
		if err := checkHolding(ctx, tx, id); err != nil {
			return audit.Change{}, err
		}
		if err := replaceKeys(ctx, tx, found, next); err != nil {
			return audit.Change{}, err
		}
		if next.TokenAlgorithm != found.TokenAlgorithm {
			if err := s.signFor(ctx, tx, caller, next.TokenAlgorithm, spare); err != nil {
				return audit.Change{}, err
			}
		}
		var err error
		updated, err = tx.Client(ctx, id)
		return audit.Change{Name: "client.updated", Target: id, Before: clientState(found), After: clientState(next)}, err
	}
	err = alter(ctx, s, caller, change)
	return updated, err
}

// over returns the client with the patch on top, checked.
func (p ClientPatch) over(c identity.Client, now time.Time) (identity.Client, error) {
	var requireErr, metadataErr, keysErr error
	set(&c.Name, p.Name)
	set(&c.Enabled, p.Enabled)
	set(&c.StaticSignature, p.StaticSignature)
	set(&c.TokenExpiration, p.TokenExpiration)
	set(&c.TokenAlgorithm, p.TokenAlgorithm)
	set(&c.AuthMethod, p.AuthMethod)
	set(&c.AssertionAlgorithm, p.AssertionAlgorithm)
	set(&c.AssertionAudience, p.AssertionAudience)
	set(&c.JWKSURI, p.JWKSURI)
	setList(&c.Permissions, p.Permissions)
	setList(&c.Roles.Names, p.Roles)
	setList(&c.Audiences, p.Audiences)
	if p.Require != nil {
		c.Require, requireErr = identity.ParseProofs(*p.Require)
	}
	if p.Metadata != nil {
		c.Metadata, metadataErr = c.Metadata.Merge(p.Metadata)
	}
	if p.Keys != nil {
		c.Keys, keysErr = newClientKeys("jwks", *p.Keys, now)
	}
	if err := collect(checkClient(c), requireErr, metadataErr, keysErr); err != nil {
		return c, err
	}
	if !p.proofs() {
		return c, nil // whatever time has made of its credentials
	}
	can := provable(c, now)
	if p.secretLater {
		can |= identity.ProofSecret
	}
	return c, satisfiable(c, can)
}

// proofs reports whether the patch says anything of how the client proves itself.
func (p ClientPatch) proofs() bool {
	return p.Require != nil || p.StaticSignature != nil || p.AuthMethod != nil || p.AssertionAlgorithm != nil || p.JWKSURI != nil || p.Keys != nil
}

// DeleteClient removes a client; the id is never given again. It needs what
// UpdateClient needs.
func (s *Service) DeleteClient(ctx context.Context, caller identity.Caller, id string, match func(identity.Client) error) error {
	change := s.alterClient(ctx, caller, id, match)
	change.write = func(tx *store.DB, found, _ identity.Client) (audit.Change, error) {
		return audit.Change{Name: "client.deleted", Target: id, Before: clientState(found)}, tx.DeleteClient(ctx, id)
	}
	return alter(ctx, s, caller, change)
}

func (s *Service) alterClient(ctx context.Context, caller identity.Caller, id string, match func(identity.Client) error) alteration[identity.Client] {
	return alteration[identity.Client]{
		permission: identity.PermissionClientsWrite, match: match,
		find: func(tx *store.DB) (identity.Client, error) { return tx.Client(ctx, id) },
		may: func(_ *store.DB, found identity.Client) error {
			return mayChange(caller, found.Permissions, found.Roles.Permissions)
		},
	}
}
