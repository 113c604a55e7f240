package original

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-60f9e3ad/identity"
)

// Tables is what the original service had stored.
type Tables struct {
	// Clients, Users and Configuration are the names of the tables found, with their
	// schemas.
	Clients, Users, Configuration Table

	clients       []client
	users         []user
	configuration []configuration
}

// Table is the name of a table.
type Table struct{ Schema, Name string }

// String returns the name as a person reads it: what would steer a terminal is written
// out.
func (t Table) String() string {
	name := t.Schema + "." + t.Name
	if quoted := strconv.QuoteToGraphic(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

// Quoted returns the name as SQL has it.
func (t Table) Quoted() string { return quote(t.Schema) + "." + quote(t.Name) }

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

type client struct {
	id                    string
	secretHash, publicKey string // empty for none
	permissions           []string
}

type user struct {
	id, username, passwordHash string
	root                       bool
	permissions                []string
}

type configuration struct {
	publicKey             string
	privateKey            identity.Secret // as it is stored, sealed
	issuer                string
	expiration, refreshes sql.NullInt64
}

// column is one by which a table is known: its name, and the types that will do.
type column struct{ name, types string }

const (
	texts    = "text,varchar,bpchar"
	lists    = "_text,_varchar,_bpchar"
	integers = "int2,int4,int8"
)

var shapes = []struct {
	kind    string
	columns []column
}{
	{"clients", []column{{"id", "uuid"}, {"secret_hash", texts}, {"public_key", texts}, {"permissions", lists}}},
	{"users", []column{{"id", "uuid"}, {"username", texts}, {"password_hash", texts}, {"is_root", "bool"}, {"permissions", lists}}},
	{"configuration", []column{
		{"id", ""}, {"public_key", texts}, {"private_key", "bytea"}, {"jwt_issuer", texts}, {"jwt_expiration", integers}, {"jwt_max_refreshes", integers},
	}},
}

// Read finds the tables in the database and reads them, in one read-only snapshot. An
// empty schema looks in all of them. It is an error that names what was found if a table
// is missing, or if there is more than one that it could be.
func Read(ctx context.Context, db *sql.DB, schema string) (Tables, error) {
	var t Tables
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return t, fmt.Errorf("opening the original database: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // it has only read
	found, err := find(ctx, tx, schema)
	if err != nil {
		return t, err
	}
	t.Clients, t.Users, t.Configuration = found[0], found[1], found[2]
	t.clients, err = read(ctx, tx, t.Clients, `id::text, COALESCE(secret_hash, ''), COALESCE(public_key, ''), COALESCE(pg_catalog.to_json(permissions), '[]')::text`, `id`,
		func(scan func(...any) error) (c client, err error) {
			var list string
			if err = scan(&c.id, &c.secretHash, &c.publicKey, &list); err == nil {
				c.permissions, err = strs(list)
			}
			return c, err
		})
	if err != nil {
		return t, err
	}
	t.users, err = read(ctx, tx, t.Users, `id::text, COALESCE(username, ''), COALESCE(password_hash, ''), COALESCE(is_root, false), COALESCE(pg_catalog.to_json(permissions), '[]')::text`, `username, id`,
		func(scan func(...any) error) (u user, err error) {
			var list string
			if err = scan(&u.id, &u.username, &u.passwordHash, &u.root, &list); err == nil {
				u.permissions, err = strs(list)
			}
			return u, err
		})
	if err != nil {
		return t, err
	}
	t.configuration, err = read(ctx, tx, t.Configuration, `COALESCE(public_key, ''), private_key, COALESCE(jwt_issuer, ''), jwt_expiration, jwt_max_refreshes`, `id`,
		func(scan func(...any) error) (c configuration, err error) {
			var sealed []byte
			err = scan(&c.publicKey, &sealed, &c.issuer, &c.expiration, &c.refreshes)
			c.privateKey = identity.NewSecret(string(sealed))
			return c, err
		})
	return t, err
}

// Standing returns the tables in a schema that look like the original's, whatever they
// are called.
func Standing(ctx context.Context, db *sql.DB, schema string) ([]Table, error) {
	types, err := columnTypes(ctx, db, schema)
	if err != nil {
		return nil, err
	}
	var list []Table
	for _, shape := range shapes {
		list = append(list, candidates(types, shape.columns)...)
	}
	return list, nil
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// columnTypes returns the type of each column of each table, in one schema or in all.
func columnTypes(ctx context.Context, db querier, schema string) (map[Table]map[string]string, error) {
	types := map[Table]map[string]string{}
	rows, err := db.QueryContext(ctx, `SELECT n.nspname, c.relname, a.attname, t.typname
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
		WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
		AND n.nspname NOT LIKE 'pg\_t%' AND ($1 = '' OR n.nspname = $1)`, schema)
	if err != nil {
		return nil, fmt.Errorf("looking for the original tables: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var t Table
		var name, kind string
		if err := rows.Scan(&t.Schema, &t.Name, &name, &kind); err != nil {
			return nil, fmt.Errorf("looking for the original tables: %w", err)
		}
		if types[t] == nil {
			types[t] = map[string]string{}
		}
		types[t][name] = kind
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("looking for the original tables: %w", err)
	}
	return types, nil
}

// find returns the table of each shape.
func find(ctx context.Context, tx *sql.Tx, schema string) ([]Table, error) {
	types, err := columnTypes(ctx, tx, schema)
	if err != nil {
		return nil, err
	}
	found := make([]Table, len(shapes))
	var faults []string
	for i, shape := range shapes {
		list := candidates(types, shape.columns)
		switch len(list) {
		case 0:
			faults = append(faults, fmt.Sprintf("%s: no table has the columns of the original's", shape.kind))
		case 1:
			found[i] = list[0]
		default:
			names := make([]string, len(list))
			for i, t := range list {
				names[i] = t.String()
			}
			faults = append(faults, fmt.Sprintf("%s: it could be any of %s; say which schema with --schema, or move the others out of it", shape.kind, strings.Join(names, ", ")))
		}
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("the original tables were not found, among the %d tables looked at:\n  %s", len(types), strings.Join(faults, "\n  "))
	}
	return found, nil
}

// candidates returns the tables that have the columns, by name.
func candidates(types map[Table]map[string]string, columns []column) []Table {
	var list []Table
	for t, has := range types {
		if matches(has, columns) {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b Table) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
	})
	return list
}

func matches(has map[string]string, wants []column) bool {
	for _, c := range wants {
		kind, ok := has[c.name]
		if !ok || c.types != "" && !slices.Contains(strings.Split(c.types, ","), kind) {
			return false
		}
	}
	return true
}

func read[T any](ctx context.Context, tx *sql.Tx, t Table, columns, order string, scan func(func(...any) error) (T, error)) ([]T, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+columns+` FROM `+t.Quoted()+` ORDER BY `+order) //nolint:gosec // names are quoted
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", t, err)
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		one, err := scan(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", t, err)
		}
		list = append(list, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", t, err)
	}
	return list, nil
}

// strs reads a list; an element that is NULL is an empty text.
func strs(text string) (list []string, err error) {
	err = json.Unmarshal([]byte(text), &list)
	return list, err
}
