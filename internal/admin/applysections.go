package admin

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

// configured applies the configuration: what is absent stays.
func (a *application) configured() error {
	c := a.declaration.Configuration
	if c == nil {
		return nil
	}
	found, err := a.tx.Configuration(a.ctx)
	if err != nil {
		return err
	}
	update := ConfigurationUpdate{
		Issuer: c.JWTIssuer, Expiration: inSeconds(c.JWTExpiration), RefreshGrace: inSeconds(c.RefreshGrace),
		SessionMaxAge: inSeconds(c.SessionMaxAge), KeyRotationInterval: inSeconds(c.KeyRotationInterval),
	}
	if c.JWTMaxRefreshes != nil {
		update.MaxRefreshes = new(int(min(max(*c.JWTMaxRefreshes, -1), identity.MaxMaxRefreshes+1)))
	}
	next := update.over(found)
	before, after := differing(membersOf(declaredConfiguration(found)), membersOf(declaredConfiguration(next)))
	if len(before) == 0 {
		return nil
	}
	if next.Issuer == found.Issuer {
		update.Issuer = nil
	}
	if _, err := a.UpdateConfiguration(a.ctx, a.caller, update, nil); err != nil {
		return a.fault(err, "", "configuration")
	}
	return a.changed("update", "configuration", "", before, after)
}

// inSeconds reads a length of time, of at most what a Duration can hold.
func inSeconds(n *int64) *time.Duration {
	if n == nil {
		return nil
	}
	const most = int64(1<<63-1) / int64(time.Second)
	return new(time.Duration(min(max(*n, -1), most)) * time.Second)
}

func (a *application) roles() error {
	found := map[string]identity.Role{}
	if a.declaration.Roles != nil {
		all := func(r identity.Role) error { found[r.Name] = r; return nil }
		err := pages(func(after string, limit int) ([]identity.Role, error) { return a.tx.Roles(a.ctx, after, limit) }, func(r identity.Role) string { return r.Name }, all)
		if err != nil {
			return err
		}
	}
	return apply(a, declared[api.DeclaredRole]{
		kind: "role", section: "roles", wanted: a.declaration.Roles, name: func(r api.DeclaredRole) string { return r.Name },
		settle: func(r api.DeclaredRole) (api.DeclaredRole, error) {
			r.Permissions = settledList(r.Permissions)
			return r, nil
		},
		find: func(name string) (api.DeclaredRole, error) {
			r, there := found[name]
			if !there {
				return api.DeclaredRole{}, identity.Errorf(identity.NotFound, "There is no such role.")
			}
			return declaredRole(r), nil
		},
		create: func(r api.DeclaredRole) error {
			_, err := a.CreateRole(a.ctx, a.caller, r.Name, r.Permissions)
			return err
		},
		update: func(r api.DeclaredRole, _ map[string]json.RawMessage) error {
			permissions := orNone(r.Permissions)
			_, err := a.UpdateRole(a.ctx, a.caller, found[r.Name].ID, RolePatch{Permissions: &permissions}, nil)
			return err
		},
	})
}

func (a *application) audiences() error {
	var found identity.AudiencePolicy
	return apply(a, declared[api.DeclaredAudience]{
		kind: "audience", section: "audiences", wanted: a.declaration.Audiences, name: func(d api.DeclaredAudience) string { return d.Audience },
		settle: func(d api.DeclaredAudience) (api.DeclaredAudience, error) {
			if d.Permissions != nil {
				d.Permissions = new(identity.SortedSet(*d.Permissions))
			}
			return d, checkSeconds("token_expiration", d.TokenExpiration)
		},
		find: func(name string) (api.DeclaredAudience, error) {
			var err error
			if found, err = a.tx.AudienceNamed(a.ctx, name); err == nil && found.ID == "" {
				err = identity.Errorf(identity.NotFound, "There is no such audience.")
			}
			return declaredAudience(found), err
		},
		create: func(d api.DeclaredAudience) error {
			_, err := a.CreateAudience(a.ctx, a.caller, NewAudience{
				Audience: d.Audience, Name: d.Name, Permissions: deref(d.Permissions), Expiration: time.Duration(d.TokenExpiration) * time.Second, Algorithm: d.Algorithm,
				IntrospectionClient: d.IntrospectionClient,
			})
			return err
		},
		update: func(d api.DeclaredAudience, _ map[string]json.RawMessage) error {
			_, err := a.UpdateAudience(a.ctx, a.caller, found.ID, AudiencePatch{
				Name: &d.Name, Permissions: &d.Permissions, Expiration: inSeconds(&d.TokenExpiration), Algorithm: &d.Algorithm,
				IntrospectionClient: &d.IntrospectionClient,
			}, nil)
			return err
		},
	})
}

func (a *application) users() error {
	var found identity.User
	return apply(a, declared[api.DeclaredUser]{
		kind: "user", section: "users", wanted: a.declaration.Users, name: func(u api.DeclaredUser) string { return u.Username },
		settle: func(u api.DeclaredUser) (_ api.DeclaredUser, err error) {
			if u.Username, err = identity.CanonicalUsername(u.Username); err != nil {
				return u, err
			}
			u.Enabled, u.Permissions, u.Roles, u.Audiences = settledFlag(u.Enabled), settledList(u.Permissions), settledList(u.Roles), settledAudiences(u.Audiences)
			u.Metadata, err = settledMetadata(u.Metadata)
			return u, err
		},
		find: func(name string) (_ api.DeclaredUser, err error) {
			found, err = a.tx.UserByName(a.ctx, name)
			return declaredUser(found), err
		},
		create: func(u api.DeclaredUser) error {
			_, err := a.CreateUser(a.ctx, a.caller, NewUser{
				Username: u.Username, Nobodys: a.nobodys, Disabled: u.Enabled != nil, Permissions: u.Permissions, Roles: u.Roles, Audiences: u.Audiences, Metadata: u.Metadata,
			})
			return err
		},
		update: func(u api.DeclaredUser, _ map[string]json.RawMessage) error {
			permissions, roles, audiences := orNone(u.Permissions), orNone(u.Roles), audiencesOrAny(u.Audiences)
			patch, err := patchTo(found.Metadata, u.Metadata)
			if err != nil {
				return err
			}
			_, err = a.UpdateUser(a.ctx, a.caller, found.ID, UserPatch{
				Enabled: new(u.Enabled == nil), Permissions: &permissions, Roles: &roles, Audiences: &audiences, Metadata: patch,
			}, nil)
			return err
		},
		after: func(u api.DeclaredUser, created bool) error {
			if created {
				a.plan.MustMake = append(a.plan.MustMake, api.MustMake{Kind: "password", Name: u.Username, Command: "identity user update --generate-password --one-time " + identity.Argument(u.Username)})
			}
			return nil
		},
	})
}

// The form in which entries are compared and exported: lists sorted, and nothing that is the
// default.

func settledList(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return identity.SortedSet(slices.Clone(list))
}

// settledFlag is absent for true.
func settledFlag(enabled *bool) *bool {
	if enabled == nil || *enabled {
		return nil
	}
	return new(bool)
}

// settledAudiences is absent for any.
func settledAudiences(list *[]string) *[]string {
	if list == nil || slices.Equal(*list, []string{identity.AnyAudience}) {
		return nil
	}
	return new(identity.SortedSet(slices.Clone(*list)))
}

func settledMetadata(text json.RawMessage) (json.RawMessage, error) {
	if len(text) > 0 && text[0] != '{' {
		return nil, identity.InvalidField("metadata", "must be an object")
	}
	merged, err := identity.Metadata("").Merge(text)
	if err != nil || merged == "{}" {
		return nil, err
	}
	return json.RawMessage(merged), nil
}

// patchTo is the merge patch (RFC 7396) that makes one object another.
func patchTo(from identity.Metadata, to json.RawMessage) ([]byte, error) {
	var before, after map[string]any
	if text, err := from.MarshalJSON(); err != nil || json.Unmarshal(text, &before) != nil {
		return nil, identity.Errorf(identity.Conflict, "The stored metadata are damaged.")
	}
	if len(to) == 0 {
		to = json.RawMessage("{}")
	}
	if err := json.Unmarshal(to, &after); err != nil {
		return nil, identity.InvalidField("metadata", "must be an object")
	}
	// What stays away is removed, and objects are replaced by being removed first: a patch
	// would merge them.
	patch := membersOf(to)
	removeFrom(before, after, patch)
	return json.Marshal(patch)
}

// removeFrom adds to the patch what removes the members of before that after has not.
func removeFrom(before, after map[string]any, patch map[string]json.RawMessage) {
	for name, was := range before {
		is, stays := after[name]
		if !stays {
			patch[name] = json.RawMessage("null")
			continue
		}
		wasObject, _ := was.(map[string]any)
		isObject, both := is.(map[string]any)
		if wasObject != nil && both {
			inner := membersOf(patch[name])
			removeFrom(wasObject, isObject, inner)
			if text, err := json.Marshal(inner); err == nil {
				patch[name] = text
			}
		}
	}
}

func checkSeconds(member string, n int64) error {
	if n < 0 || n > int64(identity.MaxExpiration/time.Second) {
		return identity.InvalidField(member, "must be %d to %d seconds, or absent", int(identity.MinExpiration.Seconds()), int(identity.MaxExpiration.Seconds()))
	}
	return nil
}
