package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// ValueType is the type of a column.
type ValueType int

// The types of columns, with the Go type of their values.
const (
	Integer ValueType = iota // int64
	Text                     // string
	Blob                     // []byte
)

// Table is one table of the state, in which every column is NOT NULL.
type Table struct {
	Name    string
	Columns []Column
	// key is how many of the columns, from the first, are the primary key.
	key int
}

// Column is one column of a table.
type Column struct {
	Name string
	Type ValueType
}

// StateTables returns the tables that are the state of an installation, in an order in
// which their rows can be inserted. It leaves out what belongs to one database alone:
// the version of its schema, its revision and its changes, leases, the attempts that are
// counted, what was done under idempotency keys, and the end of the audit's chain, which
// follows from the events.
func StateTables() []Table {
	return []Table{
		table("configuration", 1, "#id issuer #expiration #max_refreshes #refresh_grace #session_max_age #key_rotation_interval #epoch #version #updated_at"),
		table("principals", 1, "id kind #created_at"),
		table("users", 1, "id username password_hash #hash_imported #one_time #enabled permissions audiences metadata #privileged #administers #version #created_at #updated_at #last_login_at #tokens_from"),
		table("clients", 1, "id name #enabled require_proofs #static_signature permissions audiences #token_expiration token_algorithm auth_method assertion_algorithm assertion_audience jwks_uri metadata #privileged #version #created_at #updated_at #tokens_from"),
		table("client_secrets", 1, "id client_id secret_hash #chosen label #created_at #expires_at #last_used_at"),
		table("client_keys", 1, "id client_id kid public_jwk label #created_at #last_used_at"),
		table("roles", 1, "id name permissions #privileged #administers #version #created_at #updated_at"),
		table("principal_roles", 2, "principal_id role_id"),
		table("audiences", 1, "id audience name permissions #token_expiration algorithm introspection_client #version #created_at #updated_at"),
		table("signing_keys", 1, "kid algorithm public_jwk private_wrapper_id private_data_key *private_ciphertext #default_key #created_at #activates_at #superseded_at #retires_at #tokens_until"),
		table("sealed_secrets", 1, "name #version wrapper_id data_key *ciphertext #created_at"),
		table("sessions", 1, "id user_id audience #epoch #tokens_from proofs #counter #maximum #created_at #refreshed_at #expires_at #ended_at ended_by ip user_agent"),
		table("spent_assertions", 1, "*digest #expires_at"),
		table("revocations", 2, "kind *hash id value #before_at #expires_at #created_at client_id"),
		table("audit_events", 1, "#seq id #at event outcome actor target ip request_id detail #number *hash"),
		table("audit_statements", 2, "#number kind statement #made_at"),
	}
}

// table reads columns: "#" marks integers and "*" blobs.
func table(name string, key int, columns string) Table {
	t := Table{Name: name, key: key}
	for column := range strings.FieldsSeq(columns) {
		c := Column{Name: strings.TrimLeft(column, "#*"), Type: Text}
		switch column[0] {
		case '#':
			c.Type = Integer
		case '*':
			c.Type = Blob
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}

// list names the columns, or the first of them.
func (t *Table) list(columns int) string {
	names := make([]string, columns)
	for i := range names {
		names[i] = t.Columns[i].Name
	}
	return strings.Join(names, ", ")
}

// Snapshot runs fn with the database as it is at one moment, however long fn takes and
// whatever is written meanwhile. It holds up no writer, and fn can only read.
func (db *DB) Snapshot(ctx context.Context, fn func(tx *DB) error) error {
	sqlTx, err := db.readers.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return db.failed("beginning to read", err)
	}
	defer sqlTx.Rollback() //nolint:errcheck // nothing was written
	tx := *db
	tx.tx, tx.unhurried = sqlTx, true
	return tx.patiently(ctx, fn)
}

// Fill runs fn in one Change of a database that has no state yet, however long fn takes.
// Unlike Change it runs fn once only, whatever happens. A database that has any state is
// refused with an error that is ErrNotEmpty.
func (db *DB) Fill(ctx context.Context, fn func(tx *DB) error) error {
	unhurried := *db
	unhurried.unhurried = true
	return unhurried.transaction(ctx, func(tx *DB) error {
		return tx.Change(ctx, func(tx *DB) error {
			if err := tx.refuseState(ctx); err != nil {
				return err
			}
			return tx.patiently(ctx, func(tx *DB) error {
				if err := fn(tx); err != nil {
					return err
				}
				// Nodes know nothing else of a database without state.
				return errors.Join(tx.touched(ctx, KindConfiguration, ""), tx.touched(ctx, KindSigningKeys, ""))
			})
		})
	})
}

// patiently runs fn in a transaction that the server does not end for being idle.
func (db *DB) patiently(ctx context.Context, fn func(tx *DB) error) error {
	if db.dialect.patient == "" {
		return fn(db)
	}
	if _, err := db.exec(ctx, "asking for time", db.dialect.patient); err != nil {
		return err
	}
	err := fn(db)
	if db.dialect.impatient != "" {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
		defer cancel()
		_, resetErr := db.exec(ending, "giving up time", db.dialect.impatient)
		if err == nil {
			err = resetErr
		}
	}
	return err
}

// ErrNotEmpty is within the error of Fill for a database that has state already.
var ErrNotEmpty = errors.New("the database is not empty")

// Empty reports whether the database has no state, so that Fill would take it. It writes
// nothing, and needs no schema.
func (db *DB) Empty(ctx context.Context) (bool, error) {
	if has, _, err := db.SchemaVersions(ctx); err != nil || has == 0 {
		return err == nil, err
	}
	err := db.refuseState(ctx)
	if errors.Is(err, ErrNotEmpty) {
		return false, nil
	}
	return err == nil, err
}

func (db *DB) refuseState(ctx context.Context) error {
	for _, t := range StateTables() {
		var n int
		if err := db.row(ctx, t.Name, `SELECT COUNT(*) FROM (SELECT 1 AS x FROM `+t.Name+` LIMIT 1) t`, nil, &n); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%w: its table %s has rows", ErrNotEmpty, t.Name)
		}
	}
	return nil
}

// ReadTable calls each with every row of a table, ordered by the bytes of its primary
// key. The values have the types of the columns; they are valid until each returns, whose
// error ends the reading. It needs Snapshot or another transaction.
func (db *DB) ReadTable(ctx context.Context, t Table, each func(values []any) error) error {
	doing := "reading the table " + t.Name
	db.stats.statements.Add(1)
	result, err := db.readers.query(ctx, db.tx, &db.dialect, `SELECT `+t.list(len(t.Columns))+` FROM `+t.Name+` ORDER BY `+t.list(t.key), nil)
	if err != nil {
		return db.failed(doing, err)
	}
	defer result.Close()
	dest, values := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i, c := range t.Columns {
		switch c.Type {
		case Integer:
			dest[i] = new(int64)
		case Text:
			dest[i] = new(string)
		case Blob:
			dest[i] = new([]byte)
		}
	}
	for result.Next() {
		if err := result.Scan(dest...); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		for i := range dest {
			switch d := dest[i].(type) {
			case *int64:
				values[i] = *d
			case *string:
				values[i] = *d
			case *[]byte:
				values[i] = *d
			}
		}
		if err := each(values); err != nil {
			return err
		}
	}
	return db.failed(doing, result.Err())
}

// InsertRows adds rows to a table. The values of all of them follow each other in args,
// with the types of the columns; databases take up to 32766 values at once. It needs Fill.
func (db *DB) InsertRows(ctx context.Context, t Table, args []any) error {
	if db.revision == 0 {
		return errOutsideChange
	}
	row := "(?" + strings.Repeat(", ?", len(t.Columns)-1) + ")"
	query := `INSERT INTO ` + t.Name + ` (` + t.list(len(t.Columns)) + `) VALUES ` + row + strings.Repeat(", "+row, len(args)/len(t.Columns)-1)
	_, err := db.exec(ctx, "filling the table "+t.Name, query, args...)
	return err
}
