package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// side is one half of a pair: it makes n requests, each with another name, and whoever
// they need in the database.
type side func(ctx context.Context, n int) ([]request, error)

// inOneChange is how many are stored in one transaction: a few hundred milliseconds of it.
const inOneChange = 250

// each calls one n times and stores what it returns.
func (s *subject) each(ctx context.Context, n int, one func() (request, func(*store.DB) error, error)) ([]request, error) {
	requests := []request(nil)
	for len(requests) < n {
		err := s.in.DB.Change(ctx, func(tx *store.DB) error {
			for range min(inOneChange, n-len(requests)) {
				r, keep, err := one()
				if err == nil && keep != nil {
					err = keep(tx)
				}
				if err != nil {
					return err
				}
				requests = append(requests, r)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return requests, s.in.Follower.Poll(ctx)
}

// unknownUsers and users log in with a wrong password.
func (s *subject) unknownUsers(ctx context.Context, n int) ([]request, error) {
	return s.each(ctx, n, func() (request, func(*store.DB) error, error) {
		r, err := login(name("person"))
		return r, nil, err
	})
}

func (s *subject) users(enabled bool) side {
	return func(ctx context.Context, n int) ([]request, error) {
		return s.each(ctx, n, func() (request, func(*store.DB) error, error) {
			now := s.in.DB.Now()
			u := identity.User{
				ID: identity.NewID(now), Username: name("person"), PasswordHash: s.hash, Enabled: enabled,
				Audiences: []string{identity.AnyAudience}, CreatedAt: now, UpdatedAt: now, TokensFrom: now,
			}
			r, err := login(u.Username)
			return r, func(tx *store.DB) error { return tx.CreateUser(ctx, u) }, err
		})
	}
}

// proofs is what a machine presents besides its client_id, for one secret id.
type proofs func(clientID string) (presented map[string]string, secretID string, err error)

// unknownClients and clients present proofs that do not hold. change makes the client
// what the pair is about; without it, it requires a secret.
func (s *subject) unknownClients(p proofs) side {
	return func(ctx context.Context, n int) ([]request, error) {
		return s.each(ctx, n, func() (request, func(*store.DB) error, error) {
			r, _, err := present(name("machine"), p)
			return r, nil, err
		})
	}
}

func (s *subject) clients(p proofs, change func(*identity.Client)) side {
	return func(ctx context.Context, n int) ([]request, error) {
		return s.each(ctx, n, func() (request, func(*store.DB) error, error) {
			now, id := s.in.DB.Now(), name("machine")
			r, secretID, err := present(id, p)
			c := identity.Client{
				ID: id, Name: id, Enabled: true, Require: identity.ProofSecret, Audiences: []string{identity.AnyAudience}, CreatedAt: now, UpdatedAt: now,
				Secrets: []identity.ClientSecret{{ID: secretID, Hash: s.hash, CreatedAt: now}},
			}
			if secretID == "" {
				c.Secrets[0].ID, c.Secrets[0].Chosen = identity.NewSecretID(), true
			}
			if change != nil {
				change(&c)
			}
			return r, func(tx *store.DB) error { return tx.CreateClient(ctx, c) }, err
		})
	}
}

// known has memory know the clients of a side before they are measured: each has sent a
// signature that is none, which costs no hash.
func (s *subject) known(of side) side {
	return func(ctx context.Context, n int) ([]request, error) {
		requests, err := of(ctx, n)
		for _, r := range requests {
			if err != nil {
				break
			}
			var members map[string]string
			if err = json.Unmarshal(r.body, &members); err != nil {
				break
			}
			delete(members, "client_secret")
			members["signature"] = "AAAA"
			if r, err = post("/auth/token", members); err == nil {
				_, err = s.ask(ctx, r)
			}
		}
		return requests, err
	}
}

func disabled(c *identity.Client) { c.Enabled = false }

// signing has the client require a signature by the key, and nothing else.
func (s *subject) signing(c *identity.Client) {
	c.Require = identity.ProofSignature
	c.Secrets = nil
	c.Keys = []identity.ClientKey{{ID: identity.NewID(c.CreatedAt), KID: s.key.Public().KID(), JWK: s.key.Public().JWK(), CreatedAt: c.CreatedAt}}
}

// wrongSecret is one that a client might have chosen, nothing none at all.
func wrongSecret(string) (map[string]string, string, error) {
	return map[string]string{"client_secret": "a secret that nobody has chosen"}, "", nil
}

func nothing(string) (map[string]string, string, error) { return map[string]string{}, "", nil }

// wrongGenerated is a generated secret with the id of one that the client has.
func wrongGenerated(string) (map[string]string, string, error) {
	id, secret := identity.NewClientSecret()
	return map[string]string{"client_secret": secret.Reveal()}, id, nil
}

// mistyped is wrongGenerated with a character changed, so that its check fails.
func mistyped(clientID string) (map[string]string, string, error) {
	presented, id, err := wrongGenerated(clientID)
	s := presented["client_secret"]
	c := "a"
	if strings.HasSuffix(s, c) {
		c = "b"
	}
	presented["client_secret"] = s[:len(s)-1] + c
	return presented, id, err
}

// wrongSignature is a good assertion but for the key.
func (s *subject) wrongSignature(clientID string) (map[string]string, string, error) {
	signer, err := jose.NewSigner(s.stranger, jose.ES256, "JWT")
	if err != nil {
		return nil, "", err
	}
	now := s.in.DB.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": clientID, "sub": clientID, "aud": issuer, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(4 * time.Minute).Unix(),
	})
	if err != nil {
		return nil, "", err
	}
	signature, err := signer.Sign(claims)
	return map[string]string{"signature": signature}, "", err
}

func login(username string) (request, error) {
	return post("/auth/login", map[string]string{"username": username, "password": "a password that nobody has"})
}

func present(clientID string, p proofs) (request, string, error) {
	members, secretID, err := p(clientID)
	if err != nil {
		return request{}, "", err
	}
	members["client_id"], members["audience"] = clientID, "a"
	r, err := post("/auth/token", members)
	return r, secretID, err
}

func post(path string, members map[string]string) (request, error) {
	body, err := json.Marshal(members)
	return request{path, body}, err
}

// name makes names of one length that lie nowhere near each other.
func name(kind string) string { return kind + "-" + strings.ToLower(rand.Text()) }
