package store

import (
	"context"
	"errors"

	"github.com/seed-60f9e3ad/identity"
)

const userColumns = `id, username, password_hash, hash_imported, one_time, enabled, permissions, audiences, metadata, version, created_at, updated_at, last_login_at, tokens_from`

// CreateUser stores a new user with the roles of the given names. Conflict when the
// id or the username is taken, InvalidRequest when there is no such role. It needs
// Change.
func (db *DB) CreateUser(ctx context.Context, u identity.User) error {
	if err := db.takePrincipalID(ctx, u.ID, "user"); err != nil {
		return err
	}
	_, err := db.exec(ctx, "storing a user", `INSERT INTO users (`+userColumns+`, privileged, administers)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, 0, ?, ?, ?)`,
		u.ID, u.Username, u.PasswordHash, flag(u.HashImported), flag(u.OneTime), flag(u.Enabled), listText(u.Permissions), listText(u.Audiences), metadataText(u.Metadata),
		millis(u.CreatedAt), millis(u.UpdatedAt), millis(u.TokensFrom), flag(privileged(u.Permissions)), flag(administers(u.Permissions)))
	if err != nil {
		return err
	}
	if err := db.setRoles(ctx, u.ID, u.Roles.Names); err != nil {
		return err
	}
	return db.touched(ctx, KindUser, u.ID)
}

// UpdateUser replaces what is stored of the user, but for the times of logins, and
// raises its version. It needs Change.
func (db *DB) UpdateUser(ctx context.Context, u identity.User) error {
	former, err := db.User(ctx, u.ID)
	if err != nil {
		return err
	}
	_, err = db.exec(ctx, "storing a user", `UPDATE users SET username = ?, password_hash = ?, hash_imported = ?, one_time = ?, enabled = ?, permissions = ?, audiences = ?,
		metadata = ?, version = version + 1, updated_at = ?, tokens_from = ?, privileged = ?, administers = ? WHERE id = ?`,
		u.Username, u.PasswordHash, flag(u.HashImported), flag(u.OneTime), flag(u.Enabled), listText(u.Permissions), listText(u.Audiences), metadataText(u.Metadata),
		millis(db.now()), millis(u.TokensFrom), flag(privileged(u.Permissions)), flag(administers(u.Permissions)), u.ID)
	if err != nil {
		return err
	}
	if !u.TokensFrom.Equal(former.TokensFrom) {
		if err := db.RevokeIssued(ctx, identity.RevokedPrincipal, u.ID); err != nil {
			return err
		}
	}
	if err := db.setRoles(ctx, u.ID, u.Roles.Names); err != nil {
		return err
	}
	return db.touched(ctx, KindUser, u.ID)
}

// DeleteUser removes the user. The id stays taken for ever. It needs Change.
func (db *DB) DeleteUser(ctx context.Context, id string) error {
	if err := db.setRoles(ctx, id, nil); err != nil {
		return err
	}
	if _, err := db.exec(ctx, "deleting the sessions of a user", `DELETE FROM sessions WHERE user_id = ?`, id); err != nil {
		return err
	}
	n, err := db.exec(ctx, "deleting a user", `DELETE FROM users WHERE id = ?`, id)
	if err == nil && n == 0 {
		err = noSuch("user")
	}
	if err != nil {
		return err
	}
	if err := db.RevokeIssued(ctx, identity.RevokedPrincipal, id); err != nil {
		return err
	}
	return db.touched(ctx, KindUser, id)
}

// takePrincipalID takes an id in the one namespace of users and clients.
func (db *DB) takePrincipalID(ctx context.Context, id, kind string) error {
	_, err := db.exec(ctx, "taking an id", `INSERT INTO principals (id, kind, created_at) VALUES (?, ?, ?)`, id, kind, millis(db.now()))
	return err
}

// UserByName returns the user with the canonical username; NotFound if there is
// none.
func (db *DB) UserByName(ctx context.Context, username string) (identity.User, error) {
	return db.oneUser(ctx, `username = ?`, username)
}

// User returns the user with the id; NotFound if there is none.
func (db *DB) User(ctx context.Context, id string) (identity.User, error) {
	return db.oneUser(ctx, `id = ?`, id)
}

func (db *DB) oneUser(ctx context.Context, where, arg string) (identity.User, error) {
	return one(db.users(ctx, `WHERE `+where, arg))("user")
}

func (db *DB) users(ctx context.Context, choice string, args ...any) ([]identity.User, error) {
	return principals(ctx, db, "users", userColumns, choice, "username", args, scanUser,
		func(u *identity.User) (string, *identity.Roles) { return u.ID, &u.Roles })
}

// UserFilter chooses users. After is the username behind which the page begins.
type UserFilter struct {
	Prefix  string // of the canonical username
	Enabled *bool
	After   string
	Limit   int
}

// Users returns a page of users in the order of their names.
func (db *DB) Users(ctx context.Context, f UserFilter) ([]identity.User, error) {
	choice, args := f.choice()
	return db.users(ctx, choice, args...)
}

func (f UserFilter) choice() (where string, args []any) {
	where, args = `WHERE username > ?`, []any{f.After}
	if f.Prefix != "" {
		// Names are in the order of their bytes, in which no character comes after
		// the last one of Unicode.
		where, args = where+` AND username >= ? AND username < ?`, append(args, f.Prefix, f.Prefix+"\U0010ffff")
	}
	if f.Enabled != nil {
		where, args = where+` AND enabled = ?`, append(args, flag(*f.Enabled))
	}
	return where + ` ORDER BY username LIMIT ?`, append(args, f.Limit)
}

func scanUser(scan func(...any) error) (identity.User, error) {
	var u identity.User
	var permissions, audiences, metadata string
	var created, updated, login, changed int64
	if err := scan(&u.ID, &u.Username, &u.PasswordHash, &u.HashImported, &u.OneTime, &u.Enabled, &permissions, &audiences, &metadata, &u.Version, &created, &updated, &login, &changed); err != nil {
		return u, err
	}
	u.CreatedAt, u.UpdatedAt, u.LastLoginAt, u.TokensFrom = fromMillis(created), fromMillis(updated), fromMillis(login), fromMillis(changed)
	u.Metadata = identity.Metadata(metadata)
	var perr, aerr error
	u.Permissions, perr = fromListText(permissions)
	u.Audiences, aerr = fromListText(audiences)
	return u, errors.Join(perr, aerr)
}

// HasAdministrator reports whether an enabled user holds identity:admin.
func (db *DB) HasAdministrator(ctx context.Context) (bool, error) {
	return db.AnotherAdministrator(ctx, "", "")
}

// RehashPassword replaces the hash of a password that was just proven, unless
// the password has been changed since.
func (db *DB) RehashPassword(ctx context.Context, userID, former, hash string) error {
	_, err := db.exec(ctx, "rehashing a password", `UPDATE users SET password_hash = ?, hash_imported = 0 WHERE id = ? AND password_hash = ?`, hash, userID, former)
	return err
}

// AnotherAdministrator reports whether somebody else than the given user can
// administer: an enabled user who holds identity:admin, directly or by a role other
// than the given one. Either may be empty. Inside Change the answer holds until the
// end of it.
func (db *DB) AnotherAdministrator(ctx context.Context, exceptUser, exceptRole string) (bool, error) {
	const direct = `SELECT 1 FROM users WHERE administers = 1 AND enabled = 1 AND id <> ?`
	const byRole = `SELECT 1 FROM roles r JOIN principal_roles p ON p.role_id = r.id JOIN users u ON u.id = p.principal_id
		WHERE r.administers = 1 AND r.id <> ? AND u.enabled = 1 AND u.id <> ?`
	var n int
	err := db.row(ctx, "administrators", `SELECT CASE WHEN EXISTS (`+direct+`) OR EXISTS (`+byRole+`) THEN 1 ELSE 0 END`,
		[]any{exceptUser, exceptRole, exceptUser}, &n)
	return n > 0, err
}
