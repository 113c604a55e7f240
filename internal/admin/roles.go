package admin

import (
	"context"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// RolePatch is what to change of a role; nil stays as it is.
type RolePatch struct {
	Name        *string
	Permissions *[]string
}

// CreateRole makes a role. It needs identity:roles:write and every permission of
// this service that the role gives.
func (s *Service) CreateRole(ctx context.Context, caller identity.Caller, name string, permissions []string) (identity.Role, error) {
	if err := caller.Require(identity.PermissionRolesWrite); err != nil {
		return identity.Role{}, err
	}
	now := s.db.Now()
	role := identity.Role{ID: identity.NewID(now), Name: name, Permissions: identity.SortedSet(permissions), Version: 1, CreatedAt: now, UpdatedAt: now}
	if err := collect(identity.CheckRoleName(name), identity.CheckPermissions(permissions)); err != nil {
		return identity.Role{}, err
	}
	if err := mayGrant(caller, role.Permissions); err != nil {
		return identity.Role{}, err
	}
	return role, s.change(ctx, caller, func(tx *store.DB) error {
		makes(ctx, role.ID)
		if err := tx.CreateRole(ctx, role); err != nil {
			return err
		}
		return audit.Record(ctx, tx, caller, audit.Change{Name: "role.created", Target: role.ID, After: roleState(role)})
	})
}

// Role returns a role. It needs identity:roles:read.
func (s *Service) Role(ctx context.Context, caller identity.Caller, id string) (identity.Role, error) {
	if err := caller.Require(identity.PermissionRolesRead); err != nil {
		return identity.Role{}, err
	}
	return s.db.Role(ctx, id)
}

// Roles returns up to limit roles with names after the given one. It needs
// identity:roles:read.
func (s *Service) Roles(ctx context.Context, caller identity.Caller, after string, limit int) ([]identity.Role, error) {
	if err := caller.Require(identity.PermissionRolesRead); err != nil {
		return nil, err
	}
	return s.db.Roles(ctx, after, limit)
}

// UpdateRole changes a role, and so all who hold it. It needs identity:roles:write,
// every permission of this service that the role gives or is to give, and every one
// that its holders have.
func (s *Service) UpdateRole(ctx context.Context, caller identity.Caller, id string, p RolePatch, match func(identity.Role) error) (identity.Role, error) {
	var updated identity.Role
	change := s.alterRole(ctx, caller, id, match)
	change.decide = func(_ *store.DB, found identity.Role) (identity.Role, error) {
		next := found
		set(&next.Name, p.Name)
		setList(&next.Permissions, p.Permissions)
		if err := collect(identity.CheckRoleName(next.Name), identity.CheckPermissions(next.Permissions)); err != nil {
			return next, err
		}
		return next, mayGrant(caller, next.Permissions)
	}
	change.write = func(tx *store.DB, found, next identity.Role) (audit.Change, error) {
		if administers(found.Permissions) && !administers(next.Permissions) {
			if err := keepAdministrator(ctx, tx, "", id); err != nil {
				return audit.Change{}, err
			}
		}
		if err := tx.UpdateRole(ctx, next); err != nil {
			return audit.Change{}, err
		}
		if err := checkHolders(ctx, tx, id); err != nil {
			return audit.Change{}, err
		}
		var err error
		updated, err = tx.Role(ctx, id)
		return audit.Change{Name: "role.updated", Target: id, Before: roleState(found), After: roleState(next)}, err
	}
	err := alter(ctx, s, caller, change)
	return updated, err
}

// DeleteRole removes a role, also from all who hold it. It needs what UpdateRole
// needs.
func (s *Service) DeleteRole(ctx context.Context, caller identity.Caller, id string, match func(identity.Role) error) error {
	change := s.alterRole(ctx, caller, id, match)
	change.write = func(tx *store.DB, found, _ identity.Role) (audit.Change, error) {
		if administers(found.Permissions) {
			if err := keepAdministrator(ctx, tx, "", id); err != nil {
				return audit.Change{}, err
			}
		}
		return audit.Change{Name: "role.deleted", Target: id, Before: roleState(found)}, tx.DeleteRole(ctx, id)
	}
	return alter(ctx, s, caller, change)
}

func (s *Service) alterRole(ctx context.Context, caller identity.Caller, id string, match func(identity.Role) error) alteration[identity.Role] {
	return alteration[identity.Role]{
		permission: identity.PermissionRolesWrite, match: match,
		find: func(tx *store.DB) (identity.Role, error) { return tx.Role(ctx, id) },
		may:  func(tx *store.DB, found identity.Role) error { return mayChangeRole(ctx, tx, caller, found) },
	}
}

type roleView struct {
	Name        string   `json:"name"`
	Permissions []string `json:"permissions"`
}

func roleState(r identity.Role) roleView { return roleView{r.Name, r.Permissions} }
