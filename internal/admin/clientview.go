package admin

import "github.com/seed-60f9e3ad/identity"

// clientView is a client as the audit shows it.
type clientView struct {
	Name            string            `json:"name"`
	Enabled         bool              `json:"enabled"`
	Require         []string          `json:"require"`
	StaticSignature bool              `json:"static_signature"`
	Permissions     []string          `json:"permissions"`
	Roles           []string          `json:"roles"`
	Audiences       []string          `json:"audiences"`
	TokenExpiration int64             `json:"token_expiration"`
	TokenAlgorithm  string            `json:"token_algorithm"`
	AuthMethod      string            `json:"token_endpoint_auth_method"`
	AssertionAlg    string            `json:"token_endpoint_auth_signing_alg"`
	AssertionFor    string            `json:"assertion_audience"`
	JWKSURI         string            `json:"jwks_uri"`
	Metadata        identity.Metadata `json:"metadata"`
	Secrets         []string          `json:"secrets"` // ids
	Keys            []string          `json:"keys"`    // key ids
}

func clientState(c identity.Client) clientView {
	view := clientView{
		Name: c.Name, Enabled: c.Enabled, Require: c.Require.Names(), StaticSignature: c.StaticSignature, Permissions: c.Permissions,
		Roles: c.Roles.Names, Audiences: c.Audiences, TokenExpiration: int64(c.TokenExpiration.Seconds()), TokenAlgorithm: c.TokenAlgorithm, Metadata: c.Metadata,
		AuthMethod: string(c.AuthMethod), AssertionAlg: c.AssertionAlgorithm, AssertionFor: string(c.AssertionAudience), JWKSURI: c.JWKSURI,
		Secrets: []string{}, Keys: []string{},
	}
	for _, s := range c.Secrets {
		view.Secrets = append(view.Secrets, s.ID)
	}
	for _, k := range c.Keys {
		view.Keys = append(view.Keys, k.KID)
	}
	return view
}
