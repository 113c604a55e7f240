package admin_test

import (
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
)

// The operations of TestNobodyClimbs.

// given is all that comes with permissions and roles.
func (w *world) given(permissions, roles []string) []string {
	all := slices.Clone(permissions)
	for _, role := range roles {
		all = append(all, w.model.roles[role]...)
	}
	return all
}

func (w *world) createUser(rt *rapid.T) {
	permissions, roles, enabled := w.drawPermissions(rt), w.drawRoles(rt), rapid.Bool().Draw(rt, "enabled")
	w.try(rt, w.drawCaller(rt), operation{
		needs: identity.PermissionUsersWrite, event: "user.created", grants: w.given(permissions, roles),
		apply: func(m model, id string) { m.holders[id] = holder{true, enabled, permissions, roles} },
		run: func(c identity.Caller) (string, error) {
			u, err := w.admin.CreateUser(rt.Context(), c, admin.NewUser{
				Username: w.name("u"), Password: identity.NewSecret(canary), Permissions: permissions, Roles: w.names(roles), Disabled: !enabled,
			})
			return u.ID, err
		},
	})
}

// changes are drawn changes of a holder; nil stays.
type changes struct {
	permissions, roles *[]string
	enabled            *bool
}

func (w *world) drawChanges(rt *rapid.T) (c changes) {
	if rapid.Bool().Draw(rt, "changes permissions") {
		c.permissions = ptr(w.drawPermissions(rt))
	}
	if rapid.Bool().Draw(rt, "changes roles") {
		c.roles = ptr(w.drawRoles(rt))
	}
	if rapid.Bool().Draw(rt, "changes state") {
		c.enabled = ptr(rapid.Bool().Draw(rt, "enabled"))
	}
	return c
}

func (c changes) over(h holder) holder {
	if c.permissions != nil {
		h.permissions = *c.permissions
	}
	if c.roles != nil {
		h.roles = *c.roles
	}
	if c.enabled != nil {
		h.enabled = *c.enabled
	}
	return h
}

// roleNames is nil where the roles stay.
func (w *world) roleNames(c changes) *[]string {
	if c.roles == nil {
		return nil
	}
	return ptr(w.names(*c.roles))
}

func (w *world) updateUser(rt *rapid.T) {
	w.updateUserBy(rt, w.drawCaller(rt))
}

func (w *world) updateUserBy(rt *rapid.T, caller identity.Caller) {
	id := w.drawHolder(rt, "user", isUser)
	c := w.drawChanges(rt)
	patch := admin.UserPatch{Permissions: c.permissions, Enabled: c.enabled}
	if rapid.Bool().Draw(rt, "changes password") {
		patch.Password = ptr(identity.NewSecret(canary + "2"))
	}
	next := c.over(w.model.holders[id])
	w.try(rt, caller, operation{
		needs: identity.PermissionUsersWrite, event: "user.updated", targets: []string{id}, grants: w.given(next.permissions, next.roles),
		apply: func(m model, _ string) { m.holders[id] = next },
		run: func(caller identity.Caller) (string, error) {
			patch.Roles = w.roleNames(c)
			_, err := w.admin.UpdateUser(rt.Context(), caller, id, patch, nil)
			return id, err
		},
	})
}

func (w *world) deleteUser(rt *rapid.T) {
	id := w.drawHolder(rt, "user", isUser)
	w.try(rt, w.drawCaller(rt), operation{
		needs: identity.PermissionUsersWrite, event: "user.deleted", targets: []string{id},
		apply: func(m model, _ string) { delete(m.holders, id) },
		run:   func(c identity.Caller) (string, error) { return id, w.admin.DeleteUser(rt.Context(), c, id, nil) },
	})
}

func (w *world) createClient(rt *rapid.T) {
	permissions, roles, enabled := w.drawPermissions(rt), w.drawRoles(rt), rapid.Bool().Draw(rt, "enabled")
	w.try(rt, w.drawCaller(rt), operation{
		needs: identity.PermissionClientsWrite, event: "client.created", grants: w.given(permissions, roles),
		apply: func(m model, id string) { m.holders[id] = holder{false, enabled, permissions, roles} },
		run: func(c identity.Caller) (string, error) {
			client, _, err := w.admin.CreateClient(rt.Context(), c, admin.NewClient{
				ID: w.name("c"), Name: "c", Permissions: permissions, Roles: w.names(roles), Disabled: !enabled,
			})
			return client.ID, err
		},
	})
}

func (w *world) updateClient(rt *rapid.T) {
	id := w.drawHolder(rt, "client", isClient)
	c := w.drawChanges(rt)
	next := c.over(w.model.holders[id])
	w.try(rt, w.drawCaller(rt), operation{
		needs: identity.PermissionClientsWrite, event: "client.updated", targets: []string{id}, grants: w.given(next.permissions, next.roles),
		apply: func(m model, _ string) { m.holders[id] = next },
		run: func(caller identity.Caller) (string, error) {
			_, err := w.admin.UpdateClient(rt.Context(), caller, id, admin.ClientPatch{Permissions: c.permissions, Enabled: c.enabled, Roles: w.roleNames(c)}, nil)
			return id, err
		},
	})
}

func (w *world) deleteClient(rt *rapid.T) {
	id := w.drawHolder(rt, "client", isClient)
	w.try(rt, w.drawCaller(rt), operation{
		needs: identity.PermissionClientsWrite, event: "client.deleted", targets: []string{id},
		apply: func(m model, _ string) { delete(m.holders, id) },
		run:   func(c identity.Caller) (string, error) { return id, w.admin.DeleteClient(rt.Context(), c, id, nil) },
	})
}

func (w *world) addSecret(rt *rapid.T) {
	id := w.drawHolder(rt, "client", isClient)
	w.try(rt, w.drawCaller(rt), operation{
		needs: identity.PermissionClientsWrite, event: "client.secret.created", targets: []string{id},
		apply: func(model, string) {},
		run: func(c identity.Caller) (string, error) {
			// A secret that expires at once, so that there are never too many.
			_, _, err := w.admin.AddClientSecret(rt.Context(), c, id, admin.NewSecret{
				Secret: ptr(identity.NewSecret(canary)), ExpiresAt: w.Clock.Now().Add(1_000_000),
			}, nil)
			return id, err
		},
	})
}

func (w *world) createRole(rt *rapid.T) {
	permissions := w.drawPermissions(rt)
	w.try(rt, w.drawCaller(rt), operation{
		needs: identity.PermissionRolesWrite, event: "role.created", grants: permissions,
		apply: func(m model, id string) { m.roles[id] = permissions },
		run: func(c identity.Caller) (string, error) {
			r, err := w.admin.CreateRole(rt.Context(), c, w.name("r"), permissions)
			return r.ID, err
		},
	})
}

// drawRole returns a role and all who hold it.
func (w *world) drawRole(rt *rapid.T) (role string, held []string) {
	role = rapid.SampledFrom(slices.Sorted(maps.Keys(w.model.roles))).Draw(rt, "role")
	for id, h := range w.model.holders {
		if slices.Contains(h.roles, role) {
			held = append(held, id)
		}
	}
	return role, held
}

func (w *world) updateRole(rt *rapid.T) {
	role, held := w.drawRole(rt)
	patch, next := admin.RolePatch{}, w.model.roles[role]
	if rapid.Bool().Draw(rt, "changes name") {
		patch.Name = ptr(w.name("r"))
	}
	if rapid.Bool().Draw(rt, "changes permissions") {
		next = w.drawPermissions(rt)
		patch.Permissions = &next
	}
	w.try(rt, w.drawCaller(rt), operation{
		needs: identity.PermissionRolesWrite, event: "role.updated", targets: held, grants: slices.Concat(w.model.roles[role], next),
		apply: func(m model, _ string) { m.roles[role] = next },
		run: func(c identity.Caller) (string, error) {
			_, err := w.admin.UpdateRole(rt.Context(), c, role, patch, nil)
			return role, err
		},
	})
}

func (w *world) deleteRole(rt *rapid.T) {
	role, held := w.drawRole(rt)
	w.try(rt, w.drawCaller(rt), operation{
		needs: identity.PermissionRolesWrite, event: "role.deleted", targets: held, grants: w.model.roles[role],
		apply: func(m model, _ string) {
			delete(m.roles, role)
			for id, h := range m.holders {
				h.roles = slices.DeleteFunc(slices.Clone(h.roles), func(r string) bool { return r == role })
				m.holders[id] = h
			}
		},
		run: func(c identity.Caller) (string, error) { return role, w.admin.DeleteRole(rt.Context(), c, role, nil) },
	})
}

// ownPassword needs no permission but the proof, which was given before.
func (w *world) ownPassword(rt *rapid.T) {
	id := w.drawHolder(rt, "user", func(h holder) bool { return h.user && h.enabled })
	w.try(rt, identity.Caller{ID: id, Permissions: []string{identity.PermissionAdmin}}, operation{
		needs: identity.PermissionUsersWrite, event: "user.password.changed",
		apply: func(model, string) {},
		run: func(identity.Caller) (string, error) {
			user, err := w.admin.User(rt.Context(), root, id)
			w.check(err)
			return id, w.admin.ChangeOwnPassword(rt.Context(), identity.Principal{ID: id, User: true, Version: user.Version}, identity.NewSecret(canary+"3"))
		},
	})
}

// withOldToken comes with what a caller held once: if any of it is gone, or the caller
// is, nothing is done.
func (w *world) withOldToken(rt *rapid.T) {
	caller := rapid.SampledFrom(w.tokens).Draw(rt, "old token")
	if h, there := w.model.holders[caller.ID]; there && h.enabled && covers(w.model.all(caller.ID), caller.Permissions) {
		w.updateUserBy(rt, caller)
		return
	}
	before := w.Tables()
	_, err := w.admin.CreateUser(rt.Context(), caller, admin.NewUser{
		Username: w.name("u"), Password: identity.NewSecret(canary), Permissions: caller.Permissions,
	})
	if kind := identity.KindOf(err); kind != identity.InsufficientPermission && kind != identity.InvalidToken {
		rt.Fatalf("%v made a user with what they lost: %v", caller, err)
	}
	if !maps.Equal(before, w.Tables()) {
		rt.Fatalf("%v was refused and stored something", caller)
	}
}
