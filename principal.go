package identity

import "time"

// Principal is a user or client that has just proven who it is.
type Principal struct {
	ID string
	// User reports whether a person is behind it; otherwise a machine is.
	User bool
	// Permissions are all that it holds, by roles too.
	Permissions []string
	Audiences   []string
	// TokenLifetime, unless zero, is that of its tokens.
	TokenLifetime time.Duration
	// TokenAlgorithm, unless empty, is that of its tokens where their audience says
	// nothing of it.
	TokenAlgorithm string
	// Version and TokensFrom are those of the user as the proof found them.
	Version    int64
	TokensFrom time.Time
	// RevokedAt is when all tokens were last revoked that it had; zero if they never were.
	RevokedAt time.Time
	// MustChangePassword reports whether the password is marked as one-time: then
	// it gives no token.
	MustChangePassword bool
	// AuthTime is when the proof was given.
	AuthTime time.Time
	// AMR lists how a user proved themselves (RFC 8176): "pwd".
	AMR []string
	// SecretID and KeyID are those of the credentials that a machine proved itself with.
	SecretID, KeyID string
}

// Caller is on whose behalf an administrative operation runs.
type Caller struct {
	// ID is the subject of the bearer token, or the name of a local actor such
	// as "system:cli".
	ID          string
	Permissions []string
	// Local reports whether the caller has the database in hand, and is nobody
	// whose state could be looked up in it.
	Local bool
}

// Can reports whether the caller holds the permission, directly or as
// administrator.
func (c Caller) Can(permission string) bool {
	for _, p := range c.Permissions {
		if p == permission || p == PermissionAdmin && OwnPermission(permission) {
			return true
		}
	}
	return false
}

// Require returns InsufficientPermission unless the caller holds the
// permission.
func (c Caller) Require(permission string) error {
	if c.Can(permission) {
		return nil
	}
	return Errorf(InsufficientPermission, "This needs the permission %s.", permission).
		Because(Refuse(RefusedPermission, "the caller lacks the permission").Of(c.ID).With("needed", permission).With("held", c.own()))
}

// own lists the permissions of this service that the caller holds.
func (c Caller) own() []string {
	own := []string{}
	for _, p := range c.Permissions {
		if OwnPermission(p) {
			own = append(own, p)
		}
	}
	return own
}

// LocalAdministrator is whoever has the database and its encryption key in
// hand: the command line, and the service at its first start.
func LocalAdministrator(name string) Caller {
	return Caller{ID: "system:" + name, Permissions: []string{PermissionAdmin}, Local: true}
}
