package store

import (
	"context"
	"slices"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// SealedSecret is a secret of the service itself, as stored.
type SealedSecret struct {
	Name string
	// Version counts the values that it has had.
	Version   int
	Value     identity.Sealed
	CreatedAt time.Time
}

// SealedSecret returns the secret of a name; NotFound if there is none.
func (db *DB) SealedSecret(ctx context.Context, name string) (SealedSecret, error) {
	return one(db.sealedSecrets(ctx, ` WHERE name = ?`, name))("secret")
}

func (db *DB) sealedSecrets(ctx context.Context, choice string, args ...any) ([]SealedSecret, error) {
	return rows(ctx, db, "secrets", `SELECT name, version, wrapper_id, data_key, ciphertext, created_at FROM sealed_secrets`+choice, args,
		func(scan func(...any) error) (s SealedSecret, err error) {
			var wrapperID, dataKey string
			var ciphertext []byte
			var created int64
			err = scan(&s.Name, &s.Version, &wrapperID, &dataKey, &ciphertext, &created)
			s.Value, _ = identity.NewSealed(wrapperID, dataKey, ciphertext) // damage is found when it is opened
			s.CreatedAt = fromMillis(created)
			return s, err
		})
}

// StoreSecret stores a secret in the place of the one before, of a lower version, if there
// is one. It needs Change.
func (db *DB) StoreSecret(ctx context.Context, s SealedSecret) error {
	n, err := db.exec(ctx, "replacing a secret", `UPDATE sealed_secrets SET version = ?, wrapper_id = ?, data_key = ?, ciphertext = ?, created_at = ? WHERE name = ? AND version < ?`,
		s.Version, s.Value.WrapperID(), s.Value.DataKey(), s.Value.Ciphertext(), millis(s.CreatedAt), s.Name, s.Version)
	if err == nil && n == 0 {
		_, err = db.exec(ctx, "storing a secret", `INSERT INTO sealed_secrets (name, version, wrapper_id, data_key, ciphertext, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
			s.Name, s.Version, s.Value.WrapperID(), s.Value.DataKey(), s.Value.Ciphertext(), millis(s.CreatedAt))
	}
	if err != nil {
		return err
	}
	return db.touched(ctx, KindSecret, s.Name)
}

// The places of sealed values: their tables.
const (
	InSigningKeys = "signing_keys"
	InSecrets     = "sealed_secrets"
)

// SealedValue is something that is sealed, wherever it stands.
type SealedValue struct {
	// Table is one of the In constants, Row the primary key in it, and Version that of
	// the value.
	Table, Row string
	Version    int
	Value      identity.Sealed
}

// SealedValues returns all that is sealed and still of use, in a fixed order. It also
// answers in a schema of an earlier version, or none.
func (db *DB) SealedValues(ctx context.Context) ([]SealedValue, error) {
	var values []SealedValue
	made, err := db.hasTable(ctx, InSigningKeys)
	if err != nil || !made {
		return nil, err
	}
	// Only columns of the first schema: this runs before migrations.
	values, err = rows(ctx, db, "signing keys", `SELECT kid, private_wrapper_id, private_data_key, private_ciphertext FROM signing_keys
		WHERE private_wrapper_id <> '' AND (retires_at = 0 OR retires_at > ?) ORDER BY kid`, []any{millis(db.now())},
		func(scan func(...any) error) (v SealedValue, err error) {
			var wrapperID, dataKey string
			var ciphertext []byte
			err = scan(&v.Row, &wrapperID, &dataKey, &ciphertext)
			v.Table, v.Version = InSigningKeys, 1
			v.Value, _ = identity.NewSealed(wrapperID, dataKey, ciphertext) // damage is found when it is opened
			return v, err
		})
	if err != nil {
		return nil, err
	}
	if made, err := db.hasTable(ctx, InSecrets); err != nil || !made {
		return values, err
	}
	secrets, err := db.sealedSecrets(ctx, ` ORDER BY name`)
	for _, s := range secrets {
		values = append(values, SealedValue{InSecrets, s.Name, s.Version, s.Value})
	}
	return slices.Clip(values), err
}

// Rewrap stores a sealed value under another encryption key, and reports whether it was
// still the one that was read. What is encrypted stays. It needs Change.
func (db *DB) Rewrap(ctx context.Context, read SealedValue, next identity.Sealed) (bool, error) {
	if db.revision == 0 {
		return false, errOutsideChange
	}
	update := `UPDATE signing_keys SET private_wrapper_id = ?, private_data_key = ? WHERE kid = ? AND private_data_key = ?`
	if read.Table == InSecrets {
		update = `UPDATE sealed_secrets SET wrapper_id = ?, data_key = ? WHERE name = ? AND data_key = ?`
	}
	n, err := db.exec(ctx, "rewrapping", update, next.WrapperID(), next.DataKey(), read.Row, read.Value.DataKey())
	return n == 1, err
}
