package admin

import (
	"cmp"
	"context"
	"slices"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// The rules that keep anybody from climbing. They hold for every way to a
// permission, roles included:
//
//   - nobody grants a permission of this service that they do not hold;
//   - nobody changes a principal that holds one that they lack;
//   - the service is never left without an administrator.

// mayGrant refuses a caller who would hand out what they do not hold.
func mayGrant(caller identity.Caller, permissions ...[]string) error {
	if p, found := lacking(caller, permissions...); found {
		return identity.Errorf(identity.InsufficientPermission, "Nobody can grant a permission of this service that they do not hold: %s.", p).
			Because(identity.Refuse(identity.RefusedPermission, "the caller would grant what they do not hold").Of(caller.ID).With("needed", p))
	}
	return nil
}

// mayGive is mayGrant for permissions and roles, asked in advance: what is decided is
// decided in the transaction.
func (s *Service) mayGive(ctx context.Context, caller identity.Caller, permissions, roles []string) error {
	if err := mayGrant(caller, permissions); err != nil {
		return err
	}
	held, err := s.db.PermissionsOf(ctx, roles)
	if identity.KindOf(err) == identity.InvalidRequest {
		return nil // no such role: said together with what else is wrong
	}
	return cmp.Or(err, mayGrant(caller, held))
}

// checkHolding refuses a principal who would hold more than a token can carry.
func checkHolding(ctx context.Context, tx *store.DB, id string) error {
	held, err := tx.HeldBy(ctx, id)
	if err == nil && held > identity.MaxHeld {
		err = identity.InvalidField("roles", "give, with the permissions, more than the %d characters that a token can carry", identity.MaxHeld)
	}
	return err
}

// checkHolders is checkHolding for all who hold a role.
func checkHolders(ctx context.Context, tx *store.DB, role string) error {
	held, err := tx.HeldWithRoleAtMost(ctx, role)
	if err == nil && held > identity.MaxHeld {
		err = identity.Errorf(identity.Conflict, "Somebody who holds the role would hold more than the %d characters of permissions that a token can carry.", identity.MaxHeld)
	}
	return err
}

// mayChange refuses a caller who would change a principal, or a role, that holds
// what they lack.
func mayChange(caller identity.Caller, held ...[]string) error {
	if p, found := lacking(caller, held...); found {
		return identity.Errorf(identity.InsufficientPermission, "Nobody can change who holds a permission of this service that they lack: %s.", p).
			Because(identity.Refuse(identity.RefusedPermission, "the caller would change who holds what they lack").Of(caller.ID).With("needed", p))
	}
	return nil
}

// stillMay refuses a caller who has been disabled, or has lost a permission of this
// service, since they were known: a request may have waited long for a slot to hash
// in, and nobody may use that time. The database is in the hands of a local caller
// anyway.
func stillMay(ctx context.Context, tx *store.DB, caller identity.Caller) error {
	if caller.Local {
		return nil
	}
	now, err := holding(ctx, tx, caller.ID)
	if err != nil {
		return err
	}
	if p, found := lacking(identity.Caller{Permissions: now}, caller.Permissions); found {
		return identity.Errorf(identity.InsufficientPermission, "This needs the permission %s.", p).
			Because(identity.Refuse(identity.RefusedPermission, "the caller has just lost the permission").Of(caller.ID).With("needed", p))
	}
	return nil
}

// holding is all that the user or client with the id holds now; InvalidToken where
// there is none that is enabled.
func holding(ctx context.Context, tx *store.DB, id string) ([]string, error) {
	user, err := tx.User(ctx, id)
	if err == nil && user.Enabled && !user.OneTime {
		return slices.Concat(user.Permissions, user.Roles.Permissions), nil
	}
	if err != nil && identity.KindOf(err) != identity.NotFound {
		return nil, err
	}
	client, err := tx.Client(ctx, id)
	if err == nil && client.Enabled {
		return slices.Concat(client.Permissions, client.Roles.Permissions), nil
	}
	if err != nil && identity.KindOf(err) != identity.NotFound {
		return nil, err
	}
	return nil, identity.Errorf(identity.InvalidToken, "The token is not valid.").
		Because(identity.Refuse(identity.RefusedBearerSubject, "the subject of the token has just gone or been disabled").Of(id))
}

// lacking returns the first permission of this service that the caller does not hold,
// as far as it may be repeated: one that there is none of is whatever somebody sent.
func lacking(caller identity.Caller, lists ...[]string) (permission string, found bool) {
	for _, list := range lists {
		for _, p := range list {
			if identity.OwnPermission(p) && !caller.Can(p) {
				if identity.CheckPermissions([]string{p}) != nil {
					p = "an unknown one"
				}
				return p, true
			}
		}
	}
	return "", false
}

// MayChangeUser says in advance whether the caller may change the user at all, so that
// who may not learns no more of what is wrong, and nothing is hashed for them. It
// decides nothing: the change asks again, in its transaction. Errors: NotFound,
// InsufficientPermission.
func (s *Service) MayChangeUser(ctx context.Context, caller identity.Caller, id string) error {
	user, err := s.db.User(ctx, id)
	if err != nil {
		return err
	}
	return mayChange(caller, user.Permissions, user.Roles.Permissions)
}

// MayChangeClient is MayChangeUser for a client.
func (s *Service) MayChangeClient(ctx context.Context, caller identity.Caller, id string) error {
	client, err := s.db.Client(ctx, id)
	if err != nil {
		return err
	}
	return mayChange(caller, client.Permissions, client.Roles.Permissions)
}

// MayChangeRole is MayChangeUser for a role.
func (s *Service) MayChangeRole(ctx context.Context, caller identity.Caller, id string) error {
	role, err := s.db.Role(ctx, id)
	if err != nil {
		return err
	}
	return mayChangeRole(ctx, s.db, caller, role)
}

// mayChangeRole: whoever changes a role changes all who hold it.
func mayChangeRole(ctx context.Context, db *store.DB, caller identity.Caller, role identity.Role) error {
	held, err := db.HeldWithRole(ctx, role.ID)
	if err != nil {
		return err
	}
	return mayChange(caller, role.Permissions, held)
}

// MayChangeAudience is MayChangeUser for what is registered of an audience.
func (s *Service) MayChangeAudience(ctx context.Context, caller identity.Caller, id string) error {
	audience, err := s.db.AudiencePolicy(ctx, id)
	if err != nil {
		return err
	}
	return guardOwnAudience(ctx, s.db, caller, identity.AudiencePolicy{Audience: audience.Audience})
}

// keepAdministrator refuses to lose the last one. The user or the role is about to
// stop giving identity:admin; either may be empty.
func keepAdministrator(ctx context.Context, tx *store.DB, user, role string) error {
	another, err := tx.AnotherAdministrator(ctx, user, role)
	if err == nil && !another {
		err = identity.Errorf(identity.Conflict, "This would leave the service without an administrator.")
	}
	return err
}

// administers reports whether the lists hold identity:admin.
func administers(lists ...[]string) bool {
	return slices.Contains(slices.Concat(lists...), identity.PermissionAdmin)
}
