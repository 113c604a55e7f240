package admin

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// NewSecret is what one more secret of a client is made of. Secret nil generates
// one; ExpiresAt zero is never.
type NewSecret struct {
	Secret    *identity.Secret
	Label     string
	ExpiresAt time.Time
}

// AddClientSecret gives a client one more secret, so that a rotation overlaps, and
// returns it. It needs what UpdateClient needs, and asks match as that does. Errors:
// Conflict when the client has five live ones, or one that was chosen and this is
// another.
func (s *Service) AddClientSecret(ctx context.Context, caller identity.Caller, clientID string, n NewSecret, match func(identity.Client) error) (identity.ClientSecret, identity.Secret, error) {
	if err := caller.Require(identity.PermissionClientsWrite); err != nil {
		return identity.ClientSecret{}, identity.Secret{}, err
	}
	now := s.db.Now()
	n.ExpiresAt = n.ExpiresAt.UTC().Truncate(time.Millisecond) // as it is stored
	secret, registered, err := newClientSecret(n.Secret, now)
	if err := collect(err, identity.CheckLabel(n.Label), checkExpiry(n.ExpiresAt, now)); err != nil {
		return identity.ClientSecret{}, identity.Secret{}, err
	}
	registered.Label, registered.ExpiresAt = n.Label, n.ExpiresAt
	if registered.Hash, err = s.hash(ctx, argon2.Administration, secret); err != nil {
		return identity.ClientSecret{}, identity.Secret{}, err
	}
	change := s.alterClient(ctx, caller, clientID, match)
	change.write = func(tx *store.DB, found, _ identity.Client) (audit.Change, error) {
		live := slices.DeleteFunc(slices.Clone(found.Secrets), func(c identity.ClientSecret) bool { return !c.Live(now) })
		if len(live) >= identity.MaxClientCredentials {
			return audit.Change{}, identity.Errorf(identity.Conflict, "The client has %d live secrets; delete one first.", len(live))
		}
		if registered.Chosen && slices.ContainsFunc(live, func(c identity.ClientSecret) bool { return c.Chosen }) {
			return audit.Change{}, identity.Errorf(identity.Conflict, "The client has a chosen secret already; delete it first, or have one generated.")
		}
		if err := makeRoom(ctx, tx, caller, found, now); err != nil {
			return audit.Change{}, err
		}
		makes(ctx, registered.ID)
		return secretChange("client.secret.created", clientID, nil, &registered), tx.AddClientSecret(ctx, clientID, registered)
	}
	err = alter(ctx, s, caller, change)
	return registered, secret, err
}

// makeRoom takes the oldest expired secret from a client that has kept many: they
// serve only to show when they were last used.
func makeRoom(ctx context.Context, tx *store.DB, caller identity.Caller, client identity.Client, now time.Time) error {
	if len(client.Secrets) < 2*identity.MaxClientCredentials {
		return nil
	}
	for _, s := range slices.Backward(client.Secrets) { // newest first
		if !s.Live(now) {
			return errors.Join(tx.DeleteClientSecret(ctx, client.ID, s.ID),
				audit.Record(ctx, tx, caller, secretChange("client.secret.deleted", client.ID, &s, nil)))
		}
	}
	return nil
}

// DeleteClientSecret takes a secret from a client. It needs what UpdateClient needs.
// Errors: NotFound, Conflict when the client requires a secret and this is its last.
func (s *Service) DeleteClientSecret(ctx context.Context, caller identity.Caller, clientID, secretID string, match func(identity.Client) error) error {
	var gone identity.ClientSecret
	change := s.alterClient(ctx, caller, clientID, match)
	change.decide = func(_ *store.DB, found identity.Client) (identity.Client, error) {
		at := slices.IndexFunc(found.Secrets, func(c identity.ClientSecret) bool { return c.ID == secretID })
		if at < 0 {
			return found, identity.Errorf(identity.NotFound, "There is no such secret.")
		}
		gone = found.Secrets[at]
		return found, nil
	}
	change.write = func(tx *store.DB, found, _ identity.Client) (audit.Change, error) {
		now := tx.Now()
		others := slices.ContainsFunc(found.Secrets, func(c identity.ClientSecret) bool { return c.ID != secretID && c.Live(now) })
		if found.Require.Has(identity.ProofSecret) && gone.Live(now) && !others {
			return audit.Change{}, identity.Errorf(identity.Conflict, "The client requires a secret, and this is its last.")
		}
		if gone.Live(now) {
			if err := tx.RevokeClientTokens(ctx, clientID); err != nil {
				return audit.Change{}, err
			}
		}
		return secretChange("client.secret.deleted", clientID, &gone, nil), tx.DeleteClientSecret(ctx, clientID, secretID)
	}
	return alter(ctx, s, caller, change)
}

// AddClientKey gives a client one more public key, PEM (SPKI) or JWK. It needs what
// UpdateClient needs. Errors: Conflict when the client has it already, or five.
func (s *Service) AddClientKey(ctx context.Context, caller identity.Caller, clientID, publicKey, label string, match func(identity.Client) error) (identity.ClientKey, error) {
	if err := caller.Require(identity.PermissionClientsWrite); err != nil {
		return identity.ClientKey{}, err
	}
	key, err := newClientKey(publicKey, label, s.db.Now())
	if err := collect(err, identity.CheckLabel(label)); err != nil {
		return identity.ClientKey{}, err
	}
	change := s.alterClient(ctx, caller, clientID, match)
	change.write = func(tx *store.DB, found, _ identity.Client) (audit.Change, error) {
		if found.JWKSURI != "" {
			return audit.Change{}, identity.Errorf(identity.Conflict, "The keys of the client are at its jwks_uri.")
		}
		if len(found.Keys) >= identity.MaxClientCredentials {
			return audit.Change{}, identity.Errorf(identity.Conflict, "The client has %d keys; delete one first.", len(found.Keys))
		}
		makes(ctx, key.ID)
		return keyChange("client.key.created", clientID, nil, &key), tx.AddClientKey(ctx, clientID, key)
	}
	err = alter(ctx, s, caller, change)
	return key, err
}

// DeleteClientKey takes a key, named by its id or its thumbprint, from a client. It
// needs what UpdateClient needs. Errors: NotFound, Conflict when the client requires a signature and would have no
// key for it.
func (s *Service) DeleteClientKey(ctx context.Context, caller identity.Caller, clientID, keyID string, match func(identity.Client) error) error {
	var gone identity.ClientKey
	change := s.alterClient(ctx, caller, clientID, match)
	change.decide = func(_ *store.DB, found identity.Client) (identity.Client, error) {
		at := slices.IndexFunc(found.Keys, func(k identity.ClientKey) bool { return k.ID == keyID || k.KID == keyID })
		if at < 0 {
			return found, identity.Errorf(identity.NotFound, "There is no such key.")
		}
		gone = found.Keys[at]
		left := found
		left.Keys = slices.Delete(slices.Clone(found.Keys), at, at+1)
		return left, nil
	}
	change.write = func(tx *store.DB, found, left identity.Client) (audit.Change, error) {
		if signable(found) && !signable(left) {
			return audit.Change{}, identity.Errorf(identity.Conflict, "The client requires a signature, and no other key of it can make one.")
		}
		if err := tx.RevokeClientTokens(ctx, clientID); err != nil {
			return audit.Change{}, err
		}
		return keyChange("client.key.deleted", clientID, &gone, nil), tx.DeleteClientKey(ctx, clientID, gone.ID)
	}
	return alter(ctx, s, caller, change)
}

func newClientKey(text, label string, now time.Time) (identity.ClientKey, error) {
	key, err := jose.ParsePublicKey([]byte(text))
	if err != nil {
		return identity.ClientKey{}, identity.InvalidField("public_key", "%s", err)
	}
	return identity.ClientKey{ID: identity.NewID(now), KID: key.KID(), JWK: key.JWK(), Label: label, CreatedAt: now}, nil
}

// newClientSecret returns the secret that a client gets, the chosen one or a
// generated one, and what is registered of it, still without its hash.
func newClientSecret(chosen *identity.Secret, now time.Time) (identity.Secret, identity.ClientSecret, error) {
	registered := identity.ClientSecret{CreatedAt: now}
	if chosen != nil {
		registered.ID, registered.Chosen = identity.NewSecretID(), true
		return *chosen, registered, identity.CheckChosenSecret(*chosen)
	}
	var secret identity.Secret
	registered.ID, secret = identity.NewClientSecret()
	return secret, registered, nil
}

func checkExpiry(at, now time.Time) error {
	if !at.IsZero() && !at.After(now) {
		return identity.InvalidField("expires_at", "must be in the future")
	}
	if at.Year() > 9999 { // RFC 3339 cannot write it
		return identity.InvalidField("expires_at", "must be before the year 10000 in UTC")
	}
	return nil
}

// credentialView is a secret or key as the audit shows it.
type credentialView struct {
	ID        string     `json:"id"`
	KID       string     `json:"kid,omitempty"`
	Label     string     `json:"label"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

func secretChange(name, clientID string, before, after *identity.ClientSecret) audit.Change {
	view := func(s *identity.ClientSecret) any {
		if s == nil {
			return nil
		}
		v := credentialView{ID: s.ID, Label: s.Label}
		if !s.ExpiresAt.IsZero() {
			v.ExpiresAt = &s.ExpiresAt
		}
		return v
	}
	return audit.Change{Name: name, Target: clientID, Before: view(before), After: view(after)}
}

func keyChange(name, clientID string, before, after *identity.ClientKey) audit.Change {
	view := func(k *identity.ClientKey) any {
		if k == nil {
			return nil
		}
		return credentialView{ID: k.ID, KID: k.KID, Label: k.Label}
	}
	return audit.Change{Name: name, Target: clientID, Before: view(before), After: view(after)}
}
