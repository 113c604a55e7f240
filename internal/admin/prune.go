package admin

import (
	"errors"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// What is not declared is deleted, of the sections that the declaration has: never whoever
// applies it, and by the rules of every deletion.

// prune deletes what is in the pages and not declared. What is deleted is gathered first: no
// page is read of a list that changes.
func prune[T, D any](a *application, kind string, list *[]D, name func(D) string, key func(T) string, read func(after string, limit int) ([]T, error), settled func(T) D, remove func(T) error) error {
	if list == nil {
		return nil
	}
	wanted := map[string]bool{}
	for _, entry := range *list {
		wanted[name(entry)] = true
	}
	var gone []T
	err := pages(read, key, func(item T) error {
		if !wanted[key(item)] {
			gone = append(gone, item)
		}
		if len(gone) > maxChanges {
			return identity.Errorf(identity.Conflict, "More than %d things are not declared: this is no declaration of all there is. Nothing was pruned.", maxChanges)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, item := range gone {
		if err := remove(item); err != nil {
			e, ok := errors.AsType[*identity.Error](err)
			if !ok {
				return err
			}
			located := *e
			located.Message = "Pruning the " + kind + " " + identity.Shown(key(item)) + ": " + e.Message
			return &located
		}
		if err := a.changed("delete", kind, key(item), membersOf(settled(item)), nil); err != nil {
			return err
		}
	}
	return nil
}

var errPrunesCaller = identity.Errorf(identity.Conflict, "This is who applies the declaration: declare it, or apply it as somebody else.")

func (a *application) pruneUsers() error {
	canonical := func(u api.DeclaredUser) string {
		name, err := identity.CanonicalUsername(u.Username)
		if err != nil {
			return u.Username // refused before
		}
		return name
	}
	return prune(a, "user", a.declaration.Users, canonical, func(u identity.User) string { return u.Username },
		func(after string, limit int) ([]identity.User, error) {
			return a.tx.Users(a.ctx, store.UserFilter{After: after, Limit: limit})
		},
		declaredUser, func(u identity.User) error {
			if u.ID == a.caller.ID {
				return errPrunesCaller
			}
			return a.DeleteUser(a.ctx, a.caller, u.ID, nil)
		})
}

func (a *application) pruneClients() error {
	return prune(a, "client", a.declaration.Clients, func(c api.DeclaredClient) string { return c.ClientID }, func(c identity.Client) string { return c.ID },
		func(after string, limit int) ([]identity.Client, error) { return a.tx.Clients(a.ctx, after, limit) },
		declaredClient, func(c identity.Client) error {
			if c.ID == a.caller.ID {
				return errPrunesCaller
			}
			return a.DeleteClient(a.ctx, a.caller, c.ID, nil)
		})
}

func (a *application) pruneAudiences() error {
	return prune(a, "audience", a.declaration.Audiences, func(d api.DeclaredAudience) string { return d.Audience }, func(p identity.AudiencePolicy) string { return p.Audience },
		func(after string, limit int) ([]identity.AudiencePolicy, error) {
			return a.tx.Audiences(a.ctx, after, limit)
		},
		declaredAudience, func(p identity.AudiencePolicy) error { return a.DeleteAudience(a.ctx, a.caller, p.ID, nil) })
}

// pruneRoles refuses to take a role from those who are declared with it.
func (a *application) pruneRoles() error {
	held := map[string]string{}
	if a.declaration.Clients != nil {
		for _, c := range *a.declaration.Clients {
			for _, role := range c.Roles {
				held[role] = "the client " + c.ClientID
			}
		}
	}
	if a.declaration.Users != nil {
		for _, u := range *a.declaration.Users {
			for _, role := range u.Roles {
				held[role] = "the user " + u.Username
			}
		}
	}
	return prune(a, "role", a.declaration.Roles, func(r api.DeclaredRole) string { return r.Name }, func(r identity.Role) string { return r.Name },
		func(after string, limit int) ([]identity.Role, error) { return a.tx.Roles(a.ctx, after, limit) },
		declaredRole, func(r identity.Role) error {
			if by := held[r.Name]; by != "" {
				return identity.Errorf(identity.Conflict, "%s is declared with it.", by)
			}
			return a.DeleteRole(a.ctx, a.caller, r.ID, nil)
		})
}
