package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-60f9e3ad/identity/internal/seal"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Check reports whether the listed encryption keys are those under which what is stored
// is sealed. A service whose Check fails must not start: it could neither sign nor say
// whether what it has is whole. A single damaged value is no reason; it is quarantined.
func Check(ctx context.Context, db *store.DB, sealer *seal.Sealer) error {
	values, err := db.SealedValues(ctx)
	if err != nil {
		return err
	}
	for _, v := range values {
		if _, err := sealer.Open(v.Value, placeOf(v)); errors.Is(err, seal.ErrUnknownKey) {
			return fmt.Errorf("ENCRYPTION_KEY: %s is sealed under the encryption key %q, which is not listed; start with the key that was used before (several are separated by commas, the first encrypts); "+
				"a key can be left out once \"identity key rewrap\" has put everything under the first one; nothing was changed", titleOf(v), v.Value.WrapperID())
		}
	}
	return nil
}

// Sealed is something that is sealed, as an operator sees it.
type Sealed struct {
	// ID is the kid of a signing key, or the name of a secret; Title says which of them it
	// is.
	ID, Title string
	// EncryptionKey is the id of the key that it is under.
	EncryptionKey string
	// Fault is why it does not open; nil if it does.
	Fault error

	value store.SealedValue
}

// SealedValues opens all that is sealed and says what is under which key, and what does
// not open.
func (r *Ring) SealedValues(ctx context.Context) ([]Sealed, error) {
	values, err := r.db.SealedValues(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]Sealed, len(values))
	for i, v := range values {
		plaintext, err := r.sealer.Open(v.Value, placeOf(v))
		clear(plaintext)
		list[i] = Sealed{ID: v.Row, Title: titleOf(v), EncryptionKey: v.Value.WrapperID(), Fault: err, value: v}
	}
	return list, nil
}

// Rewrap puts a sealed value under the first encryption key, in tx, which is inside
// store.DB.Change, and reports whether that was a change: another process may have been
// faster. What does not open is left as it is, with an error.
func (r *Ring) Rewrap(ctx context.Context, tx *store.DB, s Sealed) (changed bool, err error) {
	if s.Fault != nil {
		return false, fmt.Errorf("%s does not open: %w", s.Title, s.Fault)
	}
	next, differs, err := r.sealer.Rewrap(s.value.Value)
	if err != nil || !differs {
		return false, err
	}
	// What is about to be relied on must open.
	plaintext, err := r.sealer.Open(next, placeOf(s.value))
	if err != nil {
		return false, fmt.Errorf("%s does not open under the first key: %w", s.Title, err)
	}
	clear(plaintext)
	return tx.Rewrap(ctx, s.value, next)
}

// EncryptionKey is the id of the first encryption key, under which everything is to be.
func (r *Ring) EncryptionKey() string { return r.sealer.First() }

// EncryptionKeys are the ids of all that are listed, in no order.
func (r *Ring) EncryptionKeys() []string { return r.sealer.IDs() }

// placeOf is where a sealed value stands: the associated data of its seal.
func placeOf(v store.SealedValue) seal.Place {
	column := "value"
	if v.Table == store.InSigningKeys {
		column = "private"
	}
	return seal.Place{Table: v.Table, Column: column, Row: v.Row, Version: v.Version}
}

// place is where the private half of a signing key stands.
func place(kid string) seal.Place {
	return placeOf(store.SealedValue{Table: store.InSigningKeys, Row: kid, Version: 1})
}

func titleOf(v store.SealedValue) string {
	switch {
	case v.Table == store.InSigningKeys:
		return "signing key " + v.Row
	case v.Row == AuditSecret:
		return "the key of the audit"
	}
	return "the secret of " + v.Row + " tokens"
}
