package store

import (
	"context"
	"slices"
	"strings"

	"github.com/seed-60f9e3ad/identity"
)

// principals reads users or clients together with the roles that they hold, in one
// query. choice begins with WHERE and chooses among the rows of the table, order is
// the column that they are ordered by. parts gives the id of one and its roles.
func principals[T any](ctx context.Context, db *DB, table, columns, choice, order string, args []any,
	scan func(scan func(...any) error) (T, error), parts func(*T) (id string, roles *identity.Roles),
) ([]T, error) {
	var list []T
	_, err := rows(ctx, db, table, principalsQuery(table, columns, choice, order), args, func(read func(...any) error) (done struct{}, err error) {
		var role, permissions string
		one, err := scan(func(to ...any) error { return read(append(to, &role, &permissions)...) })
		if err != nil {
			return done, err
		}
		id, roles := parts(&one)
		if n := len(list); n > 0 {
			if before, its := parts(&list[n-1]); before == id { // one more role of the same
				return done, hold(its, role, permissions)
			}
		}
		*roles = identity.Roles{Names: []string{}, Permissions: []string{}}
		err = hold(roles, role, permissions)
		list = append(list, one)
		return done, err
	})
	return list, err
}

func principalsQuery(table, columns, choice, order string) string {
	return `SELECT t.` + strings.ReplaceAll(columns, ", ", ", t.") + `, COALESCE(r.name, ''), COALESCE(r.permissions, '[]')
		FROM (SELECT ` + columns + ` FROM ` + table + ` ` + choice + `) t
		LEFT JOIN principal_roles p ON p.principal_id = t.id LEFT JOIN roles r ON r.id = p.role_id ORDER BY t.` + order + `, r.name`
}

// hold adds a role; an empty name is none.
func hold(roles *identity.Roles, name, permissions string) error {
	if name == "" {
		return nil
	}
	list, err := fromListText(permissions)
	roles.Names = append(roles.Names, name)
	roles.Permissions = identity.SortedSet(append(roles.Permissions, list...))
	return err
}

func privileged(permissions []string) bool {
	return slices.ContainsFunc(permissions, identity.OwnPermission)
}

func administers(permissions []string) bool {
	return slices.Contains(permissions, identity.PermissionAdmin)
}

// flag is how a boolean is stored.
func flag(set bool) int {
	if set {
		return 1
	}
	return 0
}

// one takes the only element of a list that was read, or says what is missing.
func one[T any](list []T, err error) func(what string) (T, error) {
	return func(what string) (T, error) {
		var none T
		if err != nil {
			return none, err
		}
		if len(list) == 0 {
			return none, noSuch(what)
		}
		return list[0], nil
	}
}

func noSuch(what string) error {
	return identity.Errorf(identity.NotFound, "There is no such %s.", what)
}

func metadataText(m identity.Metadata) string {
	if m == "" {
		return "{}"
	}
	return string(m)
}
