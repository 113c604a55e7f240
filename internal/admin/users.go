package admin

import (
	"context"
	"fmt"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// NewUser is what a user is made of: a password, or a hash brought in from another
// system. Audiences nil is any.
type NewUser struct {
	Username     string
	Password     identity.Secret
	PasswordHash identity.Secret // instead of Password
	Nobodys      string          // instead of both: a hash of this service, of a password that nobody knows
	OneTime      bool
	Disabled     bool
	Permissions  []string
	Roles        []string
	Audiences    *[]string
	Metadata     []byte // a JSON object, or empty
}

// UserPatch is what to change of a user; nil stays as it is. Lists are replaced
// whole, Metadata is merged (RFC 7396).
type UserPatch struct {
	Username                      *string
	Password                      *identity.Secret
	OneTime, Enabled              *bool
	Permissions, Roles, Audiences *[]string
	Metadata                      []byte
}

// CreateUser makes a user. It needs identity:users:write. Errors: InvalidRequest
// naming every bad member, InsufficientPermission for a permission the caller
// lacks, Conflict when a name of the same canonical form is taken.
func (s *Service) CreateUser(ctx context.Context, caller identity.Caller, n NewUser) (identity.User, error) {
	if err := caller.Require(identity.PermissionUsersWrite); err != nil {
		return identity.User{}, err
	}
	if err := s.mayGive(ctx, caller, n.Permissions, n.Roles); err != nil {
		return identity.User{}, err
	}
	user, err := s.NewUser(ctx, n)
	if err != nil {
		return identity.User{}, err
	}
	err = s.change(ctx, caller, func(tx *store.DB) error {
		if user.Roles.Permissions, err = tx.PermissionsOf(ctx, user.Roles.Names); err != nil {
			return err
		}
		if err := mayGrant(caller, user.Roles.Permissions); err != nil {
			return err
		}
		makes(ctx, user.ID)
		if err := tx.CreateUser(ctx, user); err != nil {
			return err
		}
		if err := checkHolding(ctx, tx, user.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, caller, audit.Change{Name: "user.created", Target: user.ID, After: userState(user)})
	})
	return user, err
}

// NewUser checks and hashes, outside of any transaction, and stores nothing: it is
// for whoever stores the user together with other things.
func (s *Service) NewUser(ctx context.Context, n NewUser) (identity.User, error) {
	now := s.db.Now()
	user := identity.User{
		ID: identity.NewID(now), Enabled: !n.Disabled, OneTime: n.OneTime,
		Permissions: identity.SortedSet(n.Permissions), Roles: identity.Roles{Names: identity.SortedSet(n.Roles)},
		Audiences: audiencesOrAny(n.Audiences), Version: 1, CreatedAt: now, UpdatedAt: now, TokensFrom: now,
	}
	var nameErr, passwordErr, metadataErr error
	user.Username, nameErr = identity.CanonicalUsername(n.Username)
	switch {
	case n.Nobodys != "":
		user.PasswordHash = n.Nobodys
	case !n.PasswordHash.Empty():
		user.HashImported = true
		user.PasswordHash, passwordErr = s.importedHash(n.PasswordHash)
	default:
		passwordErr = authn.CheckNewPassword(user.Username, n.Password)
	}
	user.Metadata, metadataErr = user.Metadata.Merge(n.Metadata)
	err := collect(nameErr, passwordErr, identity.CheckPermissions(n.Permissions), identity.CheckRoles(user.Roles.Names),
		identity.CheckAudiences(user.Audiences), metadataErr)
	if err == nil && user.PasswordHash == "" {
		user.PasswordHash, err = s.hashPassword(ctx, argon2.Administration, "password", n.Password)
	}
	return user, err
}

// importedHash refuses a hash that could never be verified, or not with the memory
// that hashing has here.
func (s *Service) importedHash(hash identity.Secret) (stored string, err error) {
	stored, memory, err := authn.ImportedHash(hash)
	if err != nil {
		return "", err
	}
	if s.pool.Fits(memory) != nil {
		return "", identity.InvalidField("password_hash", "cannot be used: verifying it takes %d KiB, more than HASH_MEMORY allows", memory)
	}
	return stored, nil
}

// hashPassword hashes a new password, outside of any transaction. It is InvalidRequest,
// naming the member, if the password is known from a breach.
func (s *Service) hashPassword(ctx context.Context, class argon2.Class, member string, password identity.Secret) (string, error) {
	if s.breached != nil && s.breached(ctx, password) {
		return "", collect(identity.InvalidField(member, "is known from a breach of some service"))
	}
	return s.hash(ctx, class, identity.NormalPassword(password))
}

func (s *Service) hash(ctx context.Context, class argon2.Class, secret identity.Secret) (string, error) {
	hash, err := s.pool.Hash(ctx, argon2.Party{Class: class, Source: web.Source(ctx)}, []byte(secret.Reveal()))
	return hash, authn.HashingError(err)
}

// User returns a user. It needs identity:users:read.
func (s *Service) User(ctx context.Context, caller identity.Caller, id string) (identity.User, error) {
	if err := caller.Require(identity.PermissionUsersRead); err != nil {
		return identity.User{}, err
	}
	return s.db.User(ctx, id)
}

// Users returns a page of users in the order of their names. It needs
// identity:users:read.
func (s *Service) Users(ctx context.Context, caller identity.Caller, f store.UserFilter) ([]identity.User, error) {
	if err := caller.Require(identity.PermissionUsersRead); err != nil {
		return nil, err
	}
	return s.db.Users(ctx, f)
}

// UpdateUser changes a user, all of it or nothing. It needs identity:users:write and
// every permission of this service that the user has or is to have. match, if not
// nil, is asked inside the transaction whether the user found there is the one to
// change. Errors beside those of CreateUser: NotFound, Conflict for the last
// administrator.
func (s *Service) UpdateUser(ctx context.Context, caller identity.Caller, id string, p UserPatch, match func(identity.User) error) (identity.User, error) {
	if err := caller.Require(identity.PermissionUsersWrite); err != nil {
		return identity.User{}, err
	}
	if err := s.mayGive(ctx, caller, deref(p.Permissions), deref(p.Roles)); err != nil {
		return identity.User{}, err
	}
	hash, err := s.newHash(ctx, p)
	if err != nil {
		return identity.User{}, err
	}
	var updated identity.User
	change := s.alterUser(ctx, caller, id, match)
	change.decide = func(tx *store.DB, found identity.User) (identity.User, error) {
		next, err := p.over(found)
		if err != nil {
			return next, err
		}
		if hash != "" {
			next.PasswordHash, next.HashImported = hash, false
		}
		if hash != "" || found.Enabled && !next.Enabled {
			if err := endUser(ctx, tx, &next); err != nil {
				return next, err
			}
		}
		if next.Roles.Permissions, err = tx.PermissionsOf(ctx, next.Roles.Names); err != nil {
			return next, err
		}
		return next, mayGrant(caller, next.Permissions, next.Roles.Permissions)
	}
	change.write = func(tx *store.DB, found, next identity.User) (audit.Change, error) {
		if stopsAdministering(found, next) {
			if err := keepAdministrator(ctx, tx, id, ""); err != nil {
				return audit.Change{}, err
			}
		}
		if err := tx.UpdateUser(ctx, next); err != nil {
			return audit.Change{}, err
		}
		if err := checkHolding(ctx, tx, id); err != nil {
			return audit.Change{}, err
		}
		after := userState(next)
		after.Password = p.Password
		var err error
		updated, err = tx.User(ctx, id)
		return audit.Change{Name: "user.updated", Target: id, Before: userState(found), After: after}, err
	}
	err = alter(ctx, s, caller, change)
	return updated, err
}

// newHash hashes the new password outside of the transaction; empty if there is
// none. What depends on the user is checked in over.
func (s *Service) newHash(ctx context.Context, p UserPatch) (string, error) {
	if p.Password == nil {
		return "", nil
	}
	if err := authn.CheckNewPassword("", *p.Password); err != nil {
		return "", err
	}
	return s.hashPassword(ctx, argon2.Administration, "password", *p.Password)
}

func (s *Service) alterUser(ctx context.Context, caller identity.Caller, id string, match func(identity.User) error) alteration[identity.User] {
	return alteration[identity.User]{
		permission: identity.PermissionUsersWrite, match: match,
		find: func(tx *store.DB) (identity.User, error) { return tx.User(ctx, id) },
		may: func(_ *store.DB, found identity.User) error {
			return mayChange(caller, found.Permissions, found.Roles.Permissions)
		},
	}
}

// over returns the user with the patch on top, checked.
func (p UserPatch) over(u identity.User) (identity.User, error) {
	var nameErr, passwordErr, metadataErr error
	if p.Username != nil {
		u.Username, nameErr = identity.CanonicalUsername(*p.Username)
	}
	if p.Password != nil {
		passwordErr = authn.CheckNewPassword(u.Username, *p.Password)
	}
	set(&u.OneTime, p.OneTime)
	set(&u.Enabled, p.Enabled)
	setList(&u.Permissions, p.Permissions)
	setList(&u.Roles.Names, p.Roles)
	setList(&u.Audiences, p.Audiences)
	if p.Metadata != nil {
		u.Metadata, metadataErr = u.Metadata.Merge(p.Metadata)
	}
	return u, collect(nameErr, passwordErr, identity.CheckPermissions(u.Permissions), identity.CheckRoles(u.Roles.Names),
		identity.CheckAudiences(u.Audiences), metadataErr)
}

func setList(to *[]string, list *[]string) {
	if list != nil {
		*to = identity.SortedSet(*list)
	}
}

// stopsAdministering reports whether the user could administer and no longer can.
func stopsAdministering(before, after identity.User) bool {
	could := before.Enabled && administers(before.Permissions, before.Roles.Permissions)
	can := after.Enabled && administers(after.Permissions, after.Roles.Permissions)
	return could && !can
}

// DeleteUser removes a user; the id is never given again. It needs what UpdateUser
// needs.
func (s *Service) DeleteUser(ctx context.Context, caller identity.Caller, id string, match func(identity.User) error) error {
	change := s.alterUser(ctx, caller, id, match)
	change.write = func(tx *store.DB, found, _ identity.User) (audit.Change, error) {
		if stopsAdministering(found, identity.User{}) {
			if err := keepAdministrator(ctx, tx, id, ""); err != nil {
				return audit.Change{}, err
			}
		}
		return audit.Change{Name: "user.deleted", Target: id, Before: userState(found)}, tx.DeleteUser(ctx, id)
	}
	return alter(ctx, s, caller, change)
}

// ChangeOwnPassword sets the password of a user who has just proven the former one,
// and takes the mark of a one-time password away. The error is InvalidCredentials if
// the user was changed since the proof: it may no longer hold. It is InvalidRequest,
// naming new_password, if that is known from a breach: this is asked only for somebody
// who is known.
func (s *Service) ChangeOwnPassword(ctx context.Context, proven identity.Principal, password identity.Secret) error {
	hash, err := s.hashPassword(ctx, argon2.People, "new_password", password)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(tx *store.DB) error {
		found, err := tx.User(ctx, proven.ID)
		if identity.KindOf(err) == identity.NotFound || err == nil && found.Version != proven.Version {
			return identity.Errorf(identity.InvalidCredentials, "The credentials are not valid.").
				Because(fmt.Errorf("user %s was changed since the proof", proven.ID))
		}
		if err != nil {
			return err
		}
		next := found
		next.PasswordHash, next.HashImported, next.OneTime = hash, false, false
		if err := endUser(ctx, tx, &next); err != nil {
			return err
		}
		if err := tx.UpdateUser(ctx, next); err != nil {
			return err
		}
		after := userState(next)
		after.Password = &password
		return audit.Record(ctx, tx, identity.Caller{ID: proven.ID}, audit.Change{Name: "user.password.changed", Target: proven.ID, Before: userState(found), After: after})
	})
}

// userView is a user as the audit shows it.
type userView struct {
	Username    string            `json:"username"`
	Enabled     bool              `json:"enabled"`
	OneTime     bool              `json:"one_time"`
	Permissions []string          `json:"permissions"`
	Roles       []string          `json:"roles"`
	Audiences   []string          `json:"audiences"`
	Metadata    identity.Metadata `json:"metadata"`
	// Password is there, redacted, where it was set.
	Password *identity.Secret `json:"password,omitempty"`
}

func userState(u identity.User) userView {
	return userView{
		Username: u.Username, Enabled: u.Enabled, OneTime: u.OneTime, Permissions: u.Permissions, Roles: u.Roles.Names,
		Audiences: u.Audiences, Metadata: u.Metadata,
	}
}
