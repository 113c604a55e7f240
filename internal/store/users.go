package store

import (
	"context"
	"errors"

	"github.com/seed-60f9e3ad/identity"
)

const userColumns = `id, username, password_hash, enabled, permissions, audiences, created_at, updated_at`

// CreateUser stores a new user. Conflict when the id or the username is taken.
// It needs Change.
func (db *DB) CreateUser(ctx context.Context, u identity.User) error {
	if err := db.takePrincipalID(ctx, u.ID, "user"); err != nil {
		return err
	}
	_, err := db.exec(ctx, "storing a user", `INSERT INTO users (`+userColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		u.ID, u.Username, u.PasswordHash, u.Enabled, listText(u.Permissions), listText(u.Audiences), millis(u.CreatedAt), millis(u.UpdatedAt))
	if err != nil {
		return err
	}
	return db.touched(ctx, KindUser, u.ID)
}

// takePrincipalID takes an id in the one namespace of users and clients.
func (db *DB) takePrincipalID(ctx context.Context, id, kind string) error {
	_, err := db.exec(ctx, "taking an id", `INSERT INTO principals (id, kind, created_at) VALUES (?, ?, ?)`, id, kind, millis(db.now()))
	return err
}

// UserByName returns the user with the canonical username; NotFound if there is
// none.
func (db *DB) UserByName(ctx context.Context, username string) (identity.User, error) {
	list, err := rows(ctx, db, "users", `SELECT `+userColumns+` FROM users WHERE username = ?`, []any{username}, scanUser)
	if err == nil && len(list) == 0 {
		err = identity.Errorf(identity.NotFound, "There is no such user.")
	}
	if err != nil {
		return identity.User{}, err
	}
	return list[0], nil
}

// Users returns up to limit users with ids after the given one, in id order.
func (db *DB) Users(ctx context.Context, after string, limit int) ([]identity.User, error) {
	return rows(ctx, db, "users", `SELECT `+userColumns+` FROM users WHERE id > ? ORDER BY id LIMIT ?`, []any{after, limit}, scanUser)
}

func scanUser(scan func(...any) error) (identity.User, error) {
	var u identity.User
	var permissions, audiences string
	var created, updated int64
	if err := scan(&u.ID, &u.Username, &u.PasswordHash, &u.Enabled, &permissions, &audiences, &created, &updated); err != nil {
		return u, err
	}
	u.CreatedAt, u.UpdatedAt = fromMillis(created), fromMillis(updated)
	var perr, aerr error
	u.Permissions, perr = fromListText(permissions)
	u.Audiences, aerr = fromListText(audiences)
	return u, errors.Join(perr, aerr)
}

// HasAdministrator reports whether an enabled user holds identity:admin.
func (db *DB) HasAdministrator(ctx context.Context) (bool, error) {
	var n int
	err := db.row(ctx, "administrators", `SELECT COUNT(*) FROM users WHERE enabled = 1 AND permissions LIKE ?`,
		[]any{`%"` + identity.PermissionAdmin + `"%`}, &n)
	return n > 0, err
}

// RehashPassword replaces the hash of a password that was just proven, unless
// the password has been changed since.
func (db *DB) RehashPassword(ctx context.Context, userID, former, hash string) error {
	_, err := db.exec(ctx, "rehashing a password", `UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?`, hash, userID, former)
	return err
}
