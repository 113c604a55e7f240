package admin

import (
	"crypto/rand"
	"slices"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/token"
)

// What ends what has leaked. Each reads anew, in the transaction, what is there, and leaves
// alone what has ended meanwhile. None of them is refused for what it leaves: a client
// without a secret, or an administrator without a password, is better than one whose secret
// somebody else has.

// endSecret deletes a secret of a client, be it the last one.
func (s *search) endSecret(clientID, secretID string) func(*store.DB) error {
	return func(tx *store.DB) error {
		client, err := tx.Client(s.ctx, clientID)
		if err != nil {
			return gone(err)
		}
		at := slices.IndexFunc(client.Secrets, func(r identity.ClientSecret) bool { return r.ID == secretID })
		if at < 0 {
			return nil
		}
		if err := tx.RevokeClientTokens(s.ctx, clientID); err != nil {
			return err
		}
		if err := tx.DeleteClientSecret(s.ctx, clientID, secretID); err != nil {
			return err
		}
		return audit.Record(s.ctx, tx, s.caller, secretChange("client.secret.deleted", clientID, &client.Secrets[at], nil))
	}
}

// endClientKey deletes a key from each client that has it.
func (s *search) endClientKey(clients []string, kid string) func(*store.DB) error {
	return func(tx *store.DB) error {
		for _, id := range clients {
			client, err := tx.Client(s.ctx, id)
			if identity.KindOf(err) == identity.NotFound {
				continue
			}
			if err != nil {
				return err
			}
			at := slices.IndexFunc(client.Keys, func(k identity.ClientKey) bool { return k.KID == kid })
			if at < 0 {
				continue
			}
			if err := tx.RevokeClientTokens(s.ctx, id); err != nil {
				return err
			}
			if err := tx.DeleteClientKey(s.ctx, id, client.Keys[at].ID); err != nil {
				return err
			}
			if err := audit.Record(s.ctx, tx, s.caller, keyChange("client.key.deleted", id, &client.Keys[at], nil)); err != nil {
				return err
			}
		}
		return nil
	}
}

// endPassword puts one that nobody knows in the place of a password that still is the
// user's, outside of the transaction as long as that takes to hash.
func (s *search) endPassword(known identity.User) (func(*store.DB) error, error) {
	if !s.revoke {
		return func(*store.DB) error { return nil }, nil
	}
	hash, err := s.hash(s.ctx, argon2.Administration, identity.NewSecret(rand.Text()))
	return func(tx *store.DB) error {
		user, err := tx.User(s.ctx, known.ID)
		if err != nil {
			return gone(err)
		}
		if user.PasswordHash != known.PasswordHash {
			return nil // it was just changed
		}
		next := user
		next.PasswordHash = hash
		if err := endUser(s.ctx, tx, &next); err != nil {
			return err
		}
		if err := tx.UpdateUser(s.ctx, next); err != nil {
			return err
		}
		return audit.Record(s.ctx, tx, s.caller, audit.Change{Name: "user.password.ended", Target: user.ID})
	}, err
}

// endTokensOfUser ends all that a user got, and leaves the password.
func (s *search) endTokensOfUser(id string) func(*store.DB) error {
	return func(tx *store.DB) error {
		user, err := tx.User(s.ctx, id)
		if err != nil {
			return gone(err)
		}
		if err := endUser(s.ctx, tx, &user); err != nil {
			return err
		}
		if err := tx.UpdateUser(s.ctx, user); err != nil {
			return err
		}
		return audit.Record(s.ctx, tx, s.caller, audit.Change{Name: "user.tokens.ended", Target: id})
	}
}

// endTokensOfClient ends all tokens of a client, and leaves what it proves itself with.
func (s *search) endTokensOfClient(id string) func(*store.DB) error {
	return func(tx *store.DB) error {
		if _, err := tx.Client(s.ctx, id); err != nil {
			return gone(err)
		}
		if err := tx.RevokeClientTokens(s.ctx, id); err != nil {
			return err
		}
		return audit.Record(s.ctx, tx, s.caller, audit.Change{Name: "client.tokens.ended", Target: id})
	}
}

// endToken revokes one token, and nothing else that its subject got, and then what else there
// is to end; nil is nothing.
func (s *search) endToken(c token.Claims, also func(*store.DB) error) func(*store.DB) error {
	return func(tx *store.DB) error {
		_, err := tx.Revocation(s.ctx, identity.RevokedToken, c.ID)
		if identity.KindOf(err) == identity.NotFound {
			err = s.revokeToken(tx, c)
		}
		if err != nil || also == nil {
			return err
		}
		return also(tx)
	}
}

func (s *search) revokeToken(tx *store.DB, c token.Claims) error {
	made, err := tx.NewRevocation(s.ctx, identity.RevokedToken, c.ID)
	if err != nil {
		return err
	}
	made.ExpiresAt = time.Unix(c.Expires, 0).Add(store.KeyMargin)
	// It may say that it was issued a second from now: see token.Revocations.
	if issued := time.Unix(c.IssuedAt, 0); !issued.Before(made.Before) {
		made.Before = issued.Add(time.Second)
	}
	if err := tx.Revoke(s.ctx, made); err != nil {
		return err
	}
	return audit.Record(s.ctx, tx, s.caller, audit.Change{Name: "token.revoked", Target: c.ID})
}

// endSession ends a session that is not over.
func (s *search) endSession(id string) func(*store.DB) error {
	return func(tx *store.DB) error {
		session, err := tx.Session(s.ctx, id)
		if err != nil {
			return gone(err)
		}
		if _, err := tx.EndSession(s.ctx, id, identity.EndAdministrator); err != nil {
			return err
		}
		return audit.Record(s.ctx, tx, s.caller, audit.Change{Name: "session.ended", Target: id, Before: sessionState(session)})
	}
}

// takenOver is within which a key takes over that is to do so at once.
const takenOver = 2 * time.Second

// endSigningKey deletes a signing key. One that is in use is superseded first, as soon as
// every node can know: then it is to be asked for again, at l.Again.
func (s *search) endSigningKey(l *leaked, k identity.SigningKey) (func(*store.DB) error, error) {
	if !s.revoke {
		return func(*store.DB) error { return nil }, nil
	}
	spare, err := jose.GeneratePrivateKey(jose.Algorithm(k.Algorithm)) // takes long for RSA: outside of the transaction
	return func(tx *store.DB) error {
		known, err := keyBefore(s.ctx, tx, k.KID)
		if err != nil || known.KID == "" {
			return err
		}
		deleted, err := s.ring.Delete(s.ctx, tx, k.KID)
		if err == nil {
			return audit.Record(s.ctx, tx, s.caller, audit.Change{Name: "key.deleted", Target: k.KID, Before: keyState(deleted)})
		}
		if identity.KindOf(err) != identity.Conflict {
			return err
		}
		if soon := tx.Now().Add(takenOver); !deleted.SupersededAt.IsZero() && !deleted.SupersededAt.After(soon) {
			l.Again = deleted.SupersededAt
			return nil // somebody has just seen to it
		}
		l.Again, err = s.supersede(tx, spare, deleted)
		return err
	}, err
}

// supersede has a new key take over at once, and returns when it does.
func (s *search) supersede(tx *store.DB, spare jose.PrivateKey, k identity.SigningKey) (time.Time, error) {
	made, err := s.ring.Make(s.ctx, tx, spare, jose.Algorithm(k.Algorithm))
	if err != nil {
		return time.Time{}, err
	}
	if err := audit.Record(s.ctx, tx, s.caller, audit.Change{Name: "key.created", Target: made.KID, After: keyState(made)}); err != nil {
		return time.Time{}, err
	}
	next, err := s.ring.Activate(s.ctx, tx, made.KID, keyring.Activation{Now: true, Default: k.Default})
	if err != nil {
		return time.Time{}, err
	}
	return next.ActivatesAt, audit.Record(s.ctx, tx, s.caller, audit.Change{Name: "key.activated", Target: made.KID, After: keyState(next)})
}

// gone is no error for what is not there any more.
func gone(err error) error {
	if identity.KindOf(err) == identity.NotFound {
		return nil
	}
	return err
}
