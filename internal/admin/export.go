package admin

import (
	"context"
	"encoding/json"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Declaration writes the installation as a declaration, of which Apply changes nothing: no
// secrets, no passwords. It needs identity:admin. Conflict for one of more than 10,000
// things.
func (s *Service) Declaration(ctx context.Context, caller identity.Caller) (d api.Declaration, err error) {
	if err := caller.Require(identity.PermissionAdmin); err != nil {
		return d, err
	}
	err = s.db.Snapshot(ctx, func(tx *store.DB) error {
		d, err = declaration(ctx, tx)
		return err
	})
	return d, err
}

func declaration(ctx context.Context, tx *store.DB) (api.Declaration, error) {
	cfg, err := tx.Configuration(ctx)
	if err != nil {
		return api.Declaration{}, err
	}
	configuration := declaredConfiguration(cfg)
	d := api.Declaration{
		Version: 1, Configuration: &configuration, Roles: &[]api.DeclaredRole{}, Audiences: &[]api.DeclaredAudience{}, Clients: &[]api.DeclaredClient{}, Users: &[]api.DeclaredUser{},
	}
	left := maxExported
	one := func() error {
		if left--; left < 0 {
			return identity.Errorf(identity.Conflict, "There are more than %d roles, audiences, clients and users: too many for a declaration. \"identity export\" carries an installation of any size.", maxExported)
		}
		return nil
	}
	if err := exported(d.Roles, declaredRole, one, func(r identity.Role) string { return r.Name },
		func(after string, limit int) ([]identity.Role, error) { return tx.Roles(ctx, after, limit) }); err != nil {
		return d, err
	}
	if err := exported(d.Audiences, declaredAudience, one, func(a identity.AudiencePolicy) string { return a.Audience },
		func(after string, limit int) ([]identity.AudiencePolicy, error) {
			return tx.Audiences(ctx, after, limit)
		}); err != nil {
		return d, err
	}
	if err := exported(d.Clients, declaredClient, one, func(c identity.Client) string { return c.ID },
		func(after string, limit int) ([]identity.Client, error) { return tx.Clients(ctx, after, limit) }); err != nil {
		return d, err
	}
	return d, exported(d.Users, declaredUser, one, func(u identity.User) string { return u.Username },
		func(after string, limit int) ([]identity.User, error) {
			return tx.Users(ctx, store.UserFilter{After: after, Limit: limit})
		})
}

func exported[T, D any](list *[]D, declare func(T) D, count func() error, key func(T) string, read func(after string, limit int) ([]T, error)) error {
	return pages(read, key, func(item T) error {
		*list = append(*list, declare(item))
		return count()
	})
}

func declaredConfiguration(c identity.Configuration) api.DeclaredConfiguration {
	seconds := func(d time.Duration) *int64 { return new(int64(d / time.Second)) }
	return api.DeclaredConfiguration{
		JWTIssuer: &c.Issuer, JWTExpiration: seconds(c.Expiration), JWTMaxRefreshes: new(int64(c.MaxRefreshes)), RefreshGrace: seconds(c.RefreshGrace),
		SessionMaxAge: seconds(c.SessionMaxAge), KeyRotationInterval: seconds(c.KeyRotationInterval),
	}
}

func declaredRole(r identity.Role) api.DeclaredRole {
	return api.DeclaredRole{Name: r.Name, Permissions: settledList(r.Permissions)}
}

func declaredAudience(a identity.AudiencePolicy) api.DeclaredAudience {
	d := api.DeclaredAudience{Audience: a.Audience, Name: a.Name, TokenExpiration: int64(a.Expiration / time.Second), Algorithm: a.Algorithm, IntrospectionClient: a.IntrospectionClient}
	if a.Permissions != nil {
		d.Permissions = &a.Permissions
	}
	return d
}

func declaredClient(c identity.Client) api.DeclaredClient {
	d := api.DeclaredClient{
		ClientID: c.ID, Name: c.Name, Enabled: settledFlag(&c.Enabled), Require: c.Require.Names(), StaticSignature: c.StaticSignature,
		Permissions: settledList(c.Permissions), Roles: settledList(c.Roles.Names), Audiences: settledAudiences(&c.Audiences),
		TokenExpiration: int64(c.TokenExpiration / time.Second), TokenAlgorithm: c.TokenAlgorithm, Metadata: declaredMetadata(c.Metadata),
		AuthMethod: string(c.AuthMethod), AssertionAlgorithm: c.AssertionAlgorithm, AssertionAudience: settledAssertionAudience(string(c.AssertionAudience)), JWKSURI: c.JWKSURI,
	}
	for _, k := range c.Keys {
		d.Keys = append(d.Keys, api.DeclaredKey{PublicKey: json.RawMessage(k.JWK), Label: k.Label})
	}
	d.Keys = sortedKeys(d.Keys)
	return d
}

func declaredUser(u identity.User) api.DeclaredUser {
	return api.DeclaredUser{
		Username: u.Username, Enabled: settledFlag(&u.Enabled), Permissions: settledList(u.Permissions), Roles: settledList(u.Roles.Names),
		Audiences: settledAudiences(&u.Audiences), Metadata: declaredMetadata(u.Metadata),
	}
}

func declaredMetadata(m identity.Metadata) json.RawMessage {
	if m == "" || m == "{}" {
		return nil
	}
	return json.RawMessage(m)
}
