package original

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// imported is the move as the audit shows it.
type imported struct {
	From    []string `json:"from"`
	Issuer  string   `json:"issuer"`
	KID     string   `json:"kid"`
	Users   int      `json:"users"`
	Clients int      `json:"clients"`
}

// stamp gives everything the one time of the move, by the clock of the target: a clock
// ahead of it would have tokens refused that are issued right after the move.
func (p Plan) stamp(now time.Time) {
	for i := range p.Users {
		u := &p.Users[i]
		u.CreatedAt, u.UpdatedAt, u.TokensFrom = now, now, now
	}
	for i := range p.Clients {
		c := &p.Clients[i]
		c.CreatedAt, c.UpdatedAt, c.TokensFrom = now, now, now
		for j := range c.Secrets {
			c.Secrets[j].CreatedAt = now
		}
		for j := range c.Keys {
			c.Keys[j].ID, c.Keys[j].CreatedAt = identity.NewID(now), now
		}
	}
}

// Store writes the plan into an empty installation whose schema is up to date, all of it
// or nothing, with the event "installation.imported". Conflict when the installation is
// not empty.
func (p Plan) Store(ctx context.Context, db *store.DB, ring *keyring.Ring, caller identity.Caller) error {
	err := db.Fill(ctx, func(tx *store.DB) error {
		p.stamp(tx.Now())
		if err := tx.InsertConfiguration(ctx, p.Configuration); err != nil {
			return err
		}
		if _, err := ring.Adopt(ctx, tx, p.key); err != nil {
			return err
		}
		if err := ring.EnsureSecrets(ctx, tx); err != nil {
			return err
		}
		for _, u := range p.Users {
			if err := tx.CreateUser(ctx, u); err != nil {
				return fmt.Errorf("storing user %s: %w", u.ID, err)
			}
		}
		for _, c := range p.Clients {
			if err := tx.CreateClient(ctx, c); err != nil {
				return fmt.Errorf("storing client %s: %w", c.ID, err)
			}
		}
		return audit.Record(ctx, tx, caller, audit.Change{Name: "installation.imported", After: imported{
			From:   []string{p.from.Users.String(), p.from.Clients.String(), p.from.Configuration.String()},
			Issuer: p.Configuration.Issuer, KID: p.KID, Users: len(p.Users), Clients: len(p.Clients),
		}})
	})
	if errors.Is(err, store.ErrNotEmpty) {
		return identity.Errorf(identity.Conflict, "The installation is not empty: the original is taken over into an empty one only. Nothing was changed.")
	}
	return err
}
