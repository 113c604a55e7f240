package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// testHygiene: what is unused, expires, is shared or can prove nothing is found, by its
// bounds, in pages that say how many there are, and not of whoever is disabled.
func testHygiene(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	now := h.clock.Now()
	const day = 24 * time.Hour
	h.change(db, func(tx *store.DB) error {
		for i, c := range []struct {
			id              string
			require         identity.Proofs
			secretAge, used time.Duration // 0: no secret, never
			expires         time.Duration // from now; 0 is never
			kid             string
			disabled        bool
		}{
			{id: "fresh", require: identity.ProofSecret, secretAge: day, kid: "one"},
			{id: "idle", require: identity.ProofSecret, secretAge: 200 * day},
			{id: "busy", require: identity.ProofSecret, secretAge: 200 * day, used: day},
			{id: "lately", require: identity.ProofSecret, secretAge: 300 * day, used: 91 * day, kid: "shared"},
			{id: "soon", require: identity.ProofSecret, secretAge: day, expires: 3 * day},
			{id: "expired", require: identity.ProofSecret, secretAge: 200 * day, expires: -day},
			{id: "bare", require: identity.ProofSignature},
			{id: "both", require: identity.ProofSecret | identity.ProofSignature, secretAge: day},
			{id: "signs", require: identity.ProofSignature, kid: "shared"},
			{id: "off", require: identity.ProofSecret, secretAge: 200 * day, kid: "one", disabled: true},
		} {
			client := h.client(c.id)
			client.Require, client.Enabled, client.Secrets, client.Keys = c.require, !c.disabled, nil, nil
			if c.secretAge > 0 {
				secret := identity.ClientSecret{ID: fmt.Sprintf("secret%02d", i), Hash: "hash", CreatedAt: now.Add(-c.secretAge)}
				if c.expires != 0 {
					secret.ExpiresAt = now.Add(c.expires)
				}
				client.Secrets = []identity.ClientSecret{secret}
			}
			if c.kid != "" {
				client.Keys = []identity.ClientKey{{ID: identity.NewID(now), KID: c.kid, JWK: "{}", CreatedAt: now.Add(-day)}}
			}
			if err := tx.CreateClient(ctx, client); err != nil {
				return err
			}
			if c.used > 0 {
				if err := tx.RecordSecretUse(ctx, map[string]time.Time{client.Secrets[0].ID: now.Add(-c.used)}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	want := func(what string, list []string, total int64, err error, all string, most int) {
		t.Helper()
		check(t, err)
		if have := strings.Join(list, " "); have != all || total != int64(most) {
			t.Errorf("%s: %q of %d, want %q of %d", what, have, total, all, most)
		}
	}
	clients := func(list []store.Credential, total int64, err error) ([]string, int64, error) {
		var ids []string
		for _, c := range list {
			ids = append(ids, c.Client)
		}
		return ids, total, err
	}
	list, total, err := clients(db.UnusedSecrets(ctx, now.Add(-90*day), 10))
	want("unused", list, total, err, "idle lately", 2)
	list, total, err = clients(db.UnusedSecrets(ctx, now.Add(-90*day), 1))
	want("unused, cut", list, total, err, "idle", 2)
	list, total, err = clients(db.ExpiringSecrets(ctx, now, now.Add(14*day), 10))
	want("expiring", list, total, err, "soon", 1)
	list, total, err = clients(db.ExpiringSecrets(ctx, time.Time{}, now, 10))
	want("expired", list, total, err, "expired", 1)
	list, total, err = clients(db.UnusedKeys(ctx, now, 10))
	want("unused keys", list, total, err, "fresh lately signs", 3)
	list, total, err = clients(db.UnusedKeys(ctx, now.Add(-90*day), 10))
	want("keys that are new", list, total, err, "", 0)
	list, total, err = db.SharedKeys(ctx, 10)
	want("shared", list, total, err, "shared", 1)
	list, err = db.ClientsWithKey(ctx, "shared")
	want("who shares", list, 2, err, "lately signs", 2)
	list, total, err = db.PowerlessClients(ctx, 10)
	want("powerless", list, total, err, "bare both expired", 3)

	h.change(db, func(tx *store.DB) error {
		for _, name := range []string{"ann", "bob", "cy", "dora"} {
			user := h.user(name)
			user.CreatedAt = now.Add(-100 * day)
			if name == "cy" {
				user.CreatedAt = now.Add(-day)
			}
			user.Enabled = name != "dora"
			if err := tx.CreateUser(ctx, user); err != nil {
				return err
			}
			if name == "bob" {
				if err := tx.RecordLogins(ctx, map[string]time.Time{user.ID: now}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	list, total, err = db.NeverLoggedIn(ctx, now.Add(-90*day), 10)
	want("never there", list, total, err, "ann", 1)
}
