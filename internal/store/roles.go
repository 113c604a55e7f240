package store

import (
	"context"
	"slices"

	"github.com/seed-60f9e3ad/identity"
)

const roleColumns = `id, name, permissions, version, created_at, updated_at`

// CreateRole stores a new role. Conflict when the name is taken. It needs Change.
func (db *DB) CreateRole(ctx context.Context, r identity.Role) error {
	if db.revision == 0 {
		return errOutsideChange
	}
	_, err := db.exec(ctx, "storing a role", `INSERT INTO roles (`+roleColumns+`, privileged, administers) VALUES (?, ?, ?, 1, ?, ?, ?, ?)`,
		r.ID, r.Name, listText(r.Permissions), millis(r.CreatedAt), millis(r.UpdatedAt), flag(privileged(r.Permissions)), flag(administers(r.Permissions)))
	return err
}

// UpdateRole replaces what is stored of the role and raises its version. It needs
// Change.
func (db *DB) UpdateRole(ctx context.Context, r identity.Role) error {
	former, err := db.Role(ctx, r.ID)
	if err != nil {
		return err
	}
	if former.Name != r.Name {
		if err := db.holdersChanged(ctx, r.ID); err != nil {
			return err
		}
	}
	_, err = db.exec(ctx, "storing a role", `UPDATE roles SET name = ?, permissions = ?, privileged = ?, administers = ?,
		version = version + 1, updated_at = ? WHERE id = ?`,
		r.Name, listText(r.Permissions), flag(privileged(r.Permissions)), flag(administers(r.Permissions)), millis(db.now()), r.ID)
	if err != nil {
		return err
	}
	return db.touched(ctx, KindRole, r.ID)
}

// DeleteRole removes the role, also from everybody who holds it. It needs Change.
func (db *DB) DeleteRole(ctx context.Context, id string) error {
	if err := db.holdersChanged(ctx, id); err != nil {
		return err
	}
	if _, err := db.exec(ctx, "taking a role away", `DELETE FROM principal_roles WHERE role_id = ?`, id); err != nil {
		return err
	}
	n, err := db.exec(ctx, "deleting a role", `DELETE FROM roles WHERE id = ?`, id)
	if err == nil && n == 0 {
		err = noSuch("role")
	}
	if err != nil {
		return err
	}
	return db.touched(ctx, KindRole, id)
}

// holdersChanged raises the versions of all who hold the role: its name is part of
// what they show.
func (db *DB) holdersChanged(ctx context.Context, roleID string) error {
	for _, statement := range []string{
		`UPDATE users SET version = version + 1 WHERE id IN (SELECT principal_id FROM principal_roles WHERE role_id = ?)`,
		`UPDATE clients SET version = version + 1 WHERE id IN (SELECT principal_id FROM principal_roles WHERE role_id = ?)`,
	} {
		if _, err := db.exec(ctx, "storing who holds a role", statement, roleID); err != nil {
			return err
		}
	}
	return nil
}

// Role returns the role with the id; NotFound if there is none.
func (db *DB) Role(ctx context.Context, id string) (identity.Role, error) {
	return one(rows(ctx, db, "roles", `SELECT `+roleColumns+` FROM roles WHERE id = ?`, []any{id}, scanRole))("role")
}

// Roles returns up to limit roles with names after the given one, in their order.
func (db *DB) Roles(ctx context.Context, after string, limit int) ([]identity.Role, error) {
	return rows(ctx, db, "roles", `SELECT `+roleColumns+` FROM roles WHERE name > ? ORDER BY name LIMIT ?`, []any{after, limit}, scanRole)
}

// HeldWithRole returns the permissions of this service itself that holders of the
// role have, by whatever way.
func (db *DB) HeldWithRole(ctx context.Context, roleID string) ([]string, error) {
	lists, err := rows(ctx, db, "holders of a role", `
		SELECT u.permissions FROM users u WHERE u.privileged = 1 AND EXISTS (SELECT 1 FROM principal_roles p WHERE p.principal_id = u.id AND p.role_id = ?)
		UNION SELECT c.permissions FROM clients c WHERE c.privileged = 1 AND EXISTS (SELECT 1 FROM principal_roles p WHERE p.principal_id = c.id AND p.role_id = ?)
		UNION SELECT r.permissions FROM roles r WHERE r.privileged = 1 AND EXISTS (
			SELECT 1 FROM principal_roles p JOIN principal_roles q ON q.principal_id = p.principal_id WHERE p.role_id = ? AND q.role_id = r.id)`,
		[]any{roleID, roleID, roleID}, func(scan func(...any) error) (list []string, err error) {
			var text string
			if err := scan(&text); err != nil {
				return nil, err
			}
			return fromListText(text)
		})
	return slices.DeleteFunc(identity.SortedSet(slices.Concat(lists...)), func(p string) bool { return !identity.OwnPermission(p) }), err
}

// HeldBy returns how many characters of permissions a principal holds, directly and by
// roles, as lists; 0 for one without roles.
func (db *DB) HeldBy(ctx context.Context, principalID string) (int, error) {
	return db.mostHeld(ctx, `h.principal_id = ?`, principalID)
}

// HeldWithRoleAtMost is HeldBy for whoever holds most among those who hold the role.
func (db *DB) HeldWithRoleAtMost(ctx context.Context, roleID string) (int, error) {
	return db.mostHeld(ctx, `h.role_id = ?`, roleID)
}

func (db *DB) mostHeld(ctx context.Context, where, arg string) (most int, err error) {
	for _, table := range []string{"users", "clients"} {
		var n int
		err := db.row(ctx, "permissions held", `SELECT COALESCE(MAX(x.n), 0) FROM (
			SELECT LENGTH(t.permissions) + SUM(LENGTH(r.permissions)) AS n
			FROM (SELECT DISTINCT h.principal_id FROM principal_roles h WHERE `+where+`) h JOIN `+table+` t ON t.id = h.principal_id
			JOIN principal_roles p ON p.principal_id = t.id JOIN roles r ON r.id = p.role_id GROUP BY t.id, t.permissions) x`, []any{arg}, &n)
		if err != nil {
			return 0, err
		}
		most = max(most, n)
	}
	return most, nil
}

func scanRole(scan func(...any) error) (identity.Role, error) {
	var r identity.Role
	var permissions string
	var created, updated int64
	if err := scan(&r.ID, &r.Name, &permissions, &r.Version, &created, &updated); err != nil {
		return r, err
	}
	r.CreatedAt, r.UpdatedAt = fromMillis(created), fromMillis(updated)
	var err error
	r.Permissions, err = fromListText(permissions)
	return r, err
}

// setRoles makes the principal hold exactly the roles of these names.
func (db *DB) setRoles(ctx context.Context, principalID string, names []string) error {
	if _, err := db.exec(ctx, "taking roles away", `DELETE FROM principal_roles WHERE principal_id = ?`, principalID); err != nil {
		return err
	}
	for _, name := range identity.SortedSet(names) {
		n, err := db.exec(ctx, "giving a role", `INSERT INTO principal_roles (principal_id, role_id) SELECT ?, id FROM roles WHERE name = ?`, principalID, name)
		if err != nil {
			return err
		}
		if n == 0 {
			return identity.InvalidField("roles", "each must be the name of a role")
		}
	}
	return nil
}

// PermissionsOf returns the permissions that come with roles of these names.
func (db *DB) PermissionsOf(ctx context.Context, names []string) ([]string, error) {
	var all []string
	for _, name := range names {
		list, err := rows(ctx, db, "roles", `SELECT `+roleColumns+` FROM roles WHERE name = ?`, []any{name}, scanRole)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, identity.InvalidField("roles", "each must be the name of a role")
		}
		all = append(all, list[0].Permissions...)
	}
	return identity.SortedSet(all), nil
}
