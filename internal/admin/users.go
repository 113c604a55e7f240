package admin

import (
	"context"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// NewUser is what a user is made of. Audiences nil is any.
type NewUser struct {
	Username    string
	Password    identity.Secret
	Permissions []string
	Audiences   *[]string
}

// CreateUser makes an enabled user. It needs identity:users:write. Errors:
// InvalidRequest naming every bad member, InsufficientPermission for a permission
// the caller lacks, Conflict when a name of the same canonical form is taken.
func (s *Service) CreateUser(ctx context.Context, caller identity.Caller, n NewUser) (identity.User, error) {
	if err := caller.Require(identity.PermissionUsersWrite); err != nil {
		return identity.User{}, err
	}
	if err := mayGrant(caller, n.Permissions); err != nil {
		return identity.User{}, err
	}
	user, err := s.NewUser(ctx, n)
	if err != nil {
		return identity.User{}, err
	}
	return user, s.change(ctx, func(tx *store.DB) error { return tx.CreateUser(ctx, user) })
}

// NewUser checks and hashes, outside of any transaction, and stores nothing: it is
// for whoever stores the user together with other things.
func (s *Service) NewUser(ctx context.Context, n NewUser) (identity.User, error) {
	username, nameErr := identity.CanonicalUsername(n.Username)
	audiences := audiencesOrAny(n.Audiences)
	if err := collect(nameErr, authn.CheckNewPassword(username, n.Password),
		identity.CheckPermissions(n.Permissions), identity.CheckAudiences(audiences)); err != nil {
		return identity.User{}, err
	}
	hash, err := s.pool.Hash(ctx, []byte(identity.NormalPassword(n.Password).Reveal()))
	if err != nil {
		return identity.User{}, authn.HashingError(err)
	}
	now := s.db.Now()
	return identity.User{
		ID: identity.NewID(now), Username: username, PasswordHash: hash, Enabled: true,
		Permissions: identity.SortedSet(n.Permissions), Audiences: audiences, CreatedAt: now, UpdatedAt: now,
	}, nil
}

// Users returns up to limit users with ids after the given one. It needs
// identity:users:read.
func (s *Service) Users(ctx context.Context, caller identity.Caller, after string, limit int) ([]identity.User, error) {
	if err := caller.Require(identity.PermissionUsersRead); err != nil {
		return nil, err
	}
	return s.db.Users(ctx, after, limit)
}
