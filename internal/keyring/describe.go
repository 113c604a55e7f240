package keyring

import (
	"context"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Described is a signing key with what is known of its use.
type Described struct {
	identity.SigningKey
	// Default reports whether it signs now whatever nobody asks another algorithm for, or
	// is to.
	Default bool
	// Fault is why it is quarantined; nil if it is not.
	Fault error
}

// Describe lists the keys that have not expired, in the order in which they sign; those
// of which that is not decided come last. It reads the database.
func (r *Ring) Describe(ctx context.Context, db *store.DB) ([]Described, error) {
	stored, err := db.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	now := db.Now()
	set := keySet{}
	for _, s := range stored {
		set.keys = append(set.keys, r.loadKey(s, now))
	}
	active := set.active(now, "")
	last, _ := latest(stored)
	list := make([]Described, len(set.keys))
	for i, k := range set.keys {
		list[i] = Described{k.SigningKey, k == active || k.KID == last.KID, k.fault}
	}
	return list, nil
}
