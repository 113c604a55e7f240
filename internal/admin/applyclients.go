package admin

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func (a *application) clients() error {
	var found identity.Client
	return apply(a, declared[api.DeclaredClient]{
		kind: "client", section: "clients", wanted: a.declaration.Clients, name: func(c api.DeclaredClient) string { return c.ClientID },
		settle: settledClient,
		find: func(id string) (_ api.DeclaredClient, err error) {
			found, err = a.tx.Client(a.ctx, id)
			return declaredClient(found), err
		},
		strip:  withoutLabels,
		create: a.createClient,
		update: func(c api.DeclaredClient, changed map[string]json.RawMessage) error {
			return a.updateClient(found, c, changed)
		},
		after: func(c api.DeclaredClient, _ bool) error { return a.missingSecret(c.ClientID) },
	})
}

// settledClient checks the keys, and brings the entry into the form in which it is compared.
func settledClient(c api.DeclaredClient) (_ api.DeclaredClient, err error) {
	c.Enabled, c.Permissions, c.Roles, c.Audiences = settledFlag(c.Enabled), settledList(c.Permissions), settledList(c.Roles), settledAudiences(c.Audiences)
	c.AssertionAudience = settledAssertionAudience(c.AssertionAudience)
	if c.Metadata, err = settledMetadata(c.Metadata); err != nil {
		return c, err
	}
	if err := checkSeconds("token_expiration", c.TokenExpiration); err != nil {
		return c, err
	}
	keys := make([]api.DeclaredKey, len(c.Keys))
	for i, k := range c.Keys {
		public, err := readDeclaredKey(k.PublicKey)
		if err != nil {
			return c, &identity.Error{Kind: identity.InvalidRequest, Fields: []identity.FieldError{{
				Loc: []string{"body", "keys", strconv.Itoa(i), "public_key"}, Message: err.Error(), Type: identity.FieldInvalidValue,
			}}}
		}
		keys[i] = api.DeclaredKey{PublicKey: json.RawMessage(public.JWK()), Label: k.Label}
	}
	c.Keys = sortedKeys(keys)
	switch {
	case c.Require == nil && (len(c.Keys) > 0 || c.JWKSURI != ""):
		c.Require = identity.ProofSignature.Names()
	case c.Require == nil:
		c.Require = identity.ProofSecret.Names()
	default:
		proofs, err := identity.ParseProofs(c.Require)
		if err != nil {
			return c, err
		}
		c.Require = proofs.Names()
	}
	return c, nil
}

// settledAssertionAudience is absent for the issuer.
func settledAssertionAudience(a string) string {
	if a == string(identity.AssertionForIssuer) {
		return ""
	}
	return a
}

// readDeclaredKey reads a key that is PEM in a string, or a JWK.
func readDeclaredKey(text json.RawMessage) (jose.PublicKey, error) {
	var pem string
	if json.Unmarshal(text, &pem) == nil {
		return jose.ParsePublicKey([]byte(pem))
	}
	return jose.ParsePublicKey(text)
}

func sortedKeys(keys []api.DeclaredKey) []api.DeclaredKey {
	if len(keys) == 0 {
		return nil
	}
	slices.SortFunc(keys, func(a, b api.DeclaredKey) int { return slices.Compare(a.PublicKey, b.PublicKey) })
	return slices.CompactFunc(keys, func(a, b api.DeclaredKey) bool { return slices.Equal(a.PublicKey, b.PublicKey) })
}

// withoutLabels: a key is the same whatever its label.
func withoutLabels(c api.DeclaredClient) api.DeclaredClient {
	c.Keys = slices.Clone(c.Keys)
	for i := range c.Keys {
		c.Keys[i].Label = ""
	}
	return c
}

func (a *application) createClient(c api.DeclaredClient) error {
	_, _, err := a.CreateClient(a.ctx, a.caller, NewClient{
		ID: c.ClientID, Name: c.Name, Bare: true, Require: c.Require, StaticSignature: c.StaticSignature, Disabled: c.Enabled != nil,
		Permissions: c.Permissions, Roles: c.Roles, Audiences: c.Audiences, TokenExpiration: time.Duration(c.TokenExpiration) * time.Second,
		TokenAlgorithm: c.TokenAlgorithm, Metadata: c.Metadata, Keys: declaredKeys(c), JWKSURI: c.JWKSURI,
		AuthMethod: identity.AuthMethod(c.AuthMethod), AssertionAlgorithm: c.AssertionAlgorithm, AssertionAudience: identity.AssertionAudience(c.AssertionAudience),
	})
	if err != nil {
		return err
	}
	return canSign(c)
}

// declaredKeys are the keys as a client gets them.
func declaredKeys(c api.DeclaredClient) []NewKey {
	keys := make([]NewKey, len(c.Keys))
	for i, k := range c.Keys {
		keys[i] = NewKey{PublicKey: string(k.PublicKey), Label: k.Label}
	}
	return keys
}

// canSign refuses a client that has to sign and has no key for it, or metadata that are at
// odds with each other; a secret it may lack.
func canSign(c api.DeclaredClient) error {
	proofs, err := identity.ParseProofs(c.Require)
	if err != nil {
		return err
	}
	keys, err := newClientKeys("keys", declaredKeys(c), time.Time{})
	if err != nil {
		return err
	}
	client := identity.Client{
		Require: proofs, StaticSignature: c.StaticSignature, Keys: keys, JWKSURI: c.JWKSURI,
		AuthMethod: identity.AuthMethod(c.AuthMethod), AssertionAlgorithm: c.AssertionAlgorithm,
	}
	if err := coherent(client); err != nil {
		return err
	}
	switch {
	case c.StaticSignature && !proofs.Has(identity.ProofSignature):
		return identity.InvalidField("static_signature", "needs a client that requires a signature")
	case !signable(client):
		return identity.InvalidField("keys", "must have a key for the signatures that the client requires")
	}
	return nil
}

func (a *application) updateClient(found identity.Client, c api.DeclaredClient, changed map[string]json.RawMessage) error {
	if err := canSign(c); err != nil {
		return err
	}
	permissions, roles, audiences := orNone(c.Permissions), orNone(c.Roles), audiencesOrAny(c.Audiences)
	metadata, err := patchTo(found.Metadata, c.Metadata)
	if err != nil {
		return err
	}
	patch := ClientPatch{
		Name: &c.Name, Enabled: new(c.Enabled == nil), Permissions: &permissions, Roles: &roles, Audiences: &audiences,
		TokenExpiration: inSeconds(&c.TokenExpiration), TokenAlgorithm: &c.TokenAlgorithm, Metadata: metadata, secretLater: changed["require"] == nil,
	}
	if changed["require"] != nil {
		patch.Require = &c.Require
	}
	if changed["static_signature"] != nil {
		patch.StaticSignature = &c.StaticSignature
	}
	if changed["keys"] != nil {
		patch.Keys = new(declaredKeys(c))
	}
	patch.AuthMethod, patch.AssertionAlgorithm, patch.JWKSURI = new(identity.AuthMethod(c.AuthMethod)), &c.AssertionAlgorithm, &c.JWKSURI
	patch.AssertionAudience = new(cmp.Or(identity.AssertionAudience(c.AssertionAudience), identity.AssertionForIssuer))
	_, err = a.UpdateClient(a.ctx, a.caller, c.ClientID, patch, nil)
	return err
}

// missingSecret notes that the client has to prove a secret, and has none.
func (a *application) missingSecret(id string) error {
	client, err := a.tx.Client(a.ctx, id)
	if err == nil && client.Require.Has(identity.ProofSecret) && !provable(client, a.tx.Now()).Has(identity.ProofSecret) {
		a.plan.MustMake = append(a.plan.MustMake, api.MustMake{Kind: "client_secret", Name: id, Command: "identity client secret create " + identity.Argument(id)})
	}
	return err
}
