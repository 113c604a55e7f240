package token

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"runtime/trace"
	"sync"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

const (
	// RevocationListType is the typ of the list, and its media type behind "application/".
	RevocationListType = "revocation-list+jwt"
	// RevocationListLife is how long a list can be believed; it is signed anew when half of
	// that has passed.
	RevocationListLife = 10 * time.Minute

	// revokedMost is how many tokens a client can have revoked that have not expired: the list
	// is for everybody.
	revokedMost = 1000
	listHeld    = time.Hour
)

// Revocations knows which access tokens do not count any more though they have not expired,
// and tells verifiers.
type Revocations struct {
	db            *store.DB
	follower      *store.Follower
	ring          *keyring.Ring
	configuration func(context.Context) (identity.Configuration, error)
	held          *store.Cache[*revoked]

	making sync.Mutex
	list   *RevocationList
}

// RevocationList is the signed list as it is sent.
type RevocationList struct {
	Body []byte // a compact JWS
	ETag string // quoted, as in the header

	made made
}

// made is what a list was made of.
type made struct {
	revoked     *revoked
	issuer, kid string
	// issued is the time of issue. All nodes have the same for the same entries: a verifier that
	// is sent to another node does not get a list that seems older than the one it has.
	issued int64
}

// revoked is what is in memory: all revocations, until the next change.
type revoked struct {
	entries []identity.Revocation
	// everything is the time before which all tokens are revoked; zero if they are not.
	everything time.Time
}

// NewRevocations makes Revocations. Nothing may be nil.
func NewRevocations(db *store.DB, follower *store.Follower, ring *keyring.Ring, configuration func(context.Context) (identity.Configuration, error)) (*Revocations, error) {
	if db == nil || follower == nil || ring == nil || configuration == nil {
		return nil, errors.New("revocations need a database, a follower of it, a key ring and the configuration")
	}
	r := &Revocations{db: db, follower: follower, ring: ring, configuration: configuration}
	r.held = store.NewCache(follower, store.KindRevocations, 1, listHeld, func(ctx context.Context, _ string) (*revoked, error) { return load(ctx, db) })
	return r, nil
}

func load(ctx context.Context, db *store.DB) (*revoked, error) {
	entries, err := db.Revocations(ctx)
	of := &revoked{entries: entries}
	for _, entry := range entries {
		if entry.Kind == identity.RevokedAll {
			of.everything = entry.Before
		}
	}
	return of, err
}

// Check returns InvalidToken for a token that was revoked. It asks the database.
func (r *Revocations) Check(ctx context.Context, c Claims) error {
	defer trace.StartRegion(ctx, "store.Revoked").End()
	found, err := r.db.Revoked(ctx, store.RevokedBy{
		Token: c.ID, Session: c.SessionID, Principal: c.Subject, Key: c.KeyID, IssuedAt: time.Unix(c.IssuedAt, 0),
	})
	if identity.KindOf(err) == identity.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return notValid(identity.Refuse(identity.RefusedBearerListed, "the token was revoked").Of(c.Subject).
		With("revoked_by", string(found.Kind)).At("revoked_at", found.CreatedAt).At("issued_at", time.Unix(c.IssuedAt, 0)))
}

// countsFrom is the least time of issue with which a token counts that the principal gets
// now: a revocation takes in the second that it came in.
func (r *Revocations) countsFrom(ctx context.Context, p identity.Principal) (time.Time, error) {
	held, err := r.held.Get(ctx, "")
	if err != nil {
		return time.Time{}, err
	}
	from := held.everything
	if own := identity.IssuedBy(p.RevokedAt); !p.RevokedAt.IsZero() && own.After(from) {
		from = own
	}
	return from, nil
}

// RevokeOwn revokes a token on behalf of the client that it was issued to (RFC 7009). One
// that is of no use anyway is as good as revoked. Errors: UnauthorizedClient for a token of
// somebody else, UnsupportedTokenType for a refresh token, RateLimited for a client that has
// revoked too many.
func (r *Revocations) RevokeOwn(ctx context.Context, client string, token identity.Secret) (revoked bool, err error) {
	if checkRefreshForm(token) == nil {
		return false, identity.Errorf(identity.UnsupportedTokenType, "Refresh tokens belong to sessions of people, and end with POST /auth/logout.")
	}
	claims, err := Read(ctx, r.ring, token.Reveal())
	if err != nil {
		if identity.ReasonOf(err) != nil {
			return false, nil // RFC 7009 section 2.2: an invalid token is no error
		}
		return false, err
	}
	if claims.ClientID != client {
		return false, identity.Errorf(identity.UnauthorizedClient, "The token was issued to another client.").
			Because(identity.Refuse(identity.RefusedTokenOfOther, "the token was issued to another client").Of(client).With("owner", claims.ClientID))
	}
	expires := time.Unix(claims.Expires, 0)
	if !r.db.Now().Before(expires) {
		return false, nil
	}
	defer trace.StartRegion(ctx, "store.Revoke").End()
	defer r.follower.Changed(ctx)
	return true, r.db.Change(ctx, func(tx *store.DB) error { return revokeOwn(ctx, tx, claims, expires) })
}

func revokeOwn(ctx context.Context, tx *store.DB, c Claims, expires time.Time) error {
	n, first, err := tx.RevokedByClient(ctx, c.ClientID)
	if err != nil {
		return err
	}
	if n >= revokedMost {
		return &identity.Error{
			Kind: identity.RateLimited, RetryAfter: max(time.Second, first.Sub(tx.Now())),
			Err: identity.Refuse(identity.RefusedRevocations, "the client has revoked too many tokens that have not expired").Of(c.ClientID).With("revoked", n),
		}
	}
	made, err := tx.NewRevocation(ctx, identity.RevokedToken, c.ID)
	if err != nil {
		return err
	}
	made.ExpiresAt, made.ClientID = expires.Add(store.KeyMargin), c.ClientID
	if issued := time.Unix(c.IssuedAt, 0); !issued.Before(made.Before) {
		made.Before = issued.Add(time.Second)
	}
	if err := tx.Revoke(ctx, made); err != nil {
		return err
	}
	return audit.Record(ctx, tx, identity.Caller{ID: c.ClientID}, audit.Change{Name: "token.revoked", Target: c.ID})
}

// listed is an entry of the list.
type listed struct {
	Kind   identity.RevocationKind `json:"kind"`
	Hash   string                  `json:"hash,omitempty"`
	Before int64                   `json:"before"`
}

// List returns the list as it is now.
func (r *Revocations) List(ctx context.Context) (*RevocationList, error) {
	held, err := r.held.Get(ctx, "")
	if err != nil {
		return nil, err
	}
	cfg, err := r.configuration(ctx)
	if err != nil {
		return nil, err
	}
	key, err := r.ring.Active(ctx)
	if err != nil {
		return nil, err
	}
	now := r.db.Now()
	of := made{held, cfg.Issuer, key.KID, held.issued(now)}
	r.making.Lock()
	defer r.making.Unlock()
	if r.list == nil || r.list.made != of {
		if r.list, err = r.sign(ctx, of, now); err != nil {
			return nil, err
		}
	}
	return r.list, nil
}

// issued is when what there is now was last changed, or the beginning of the half of a
// list's life that we are in if that is later. A change that a wrong clock has put into the
// future would make a list that nobody believes.
func (r *revoked) issued(now time.Time) int64 {
	latest, last := now.Truncate(RevocationListLife/2), now.Add(clockSkew*time.Second)
	for _, one := range r.entries {
		if one.CreatedAt.After(latest) && one.CreatedAt.Before(last) {
			latest = one.CreatedAt
		}
	}
	return latest.Unix()
}

// listed is what the list has of them.
func (r *revoked) listed(now time.Time) []listed {
	list := []listed{}
	for _, one := range r.entries {
		if !one.ExpiresAt.After(now) {
			continue
		}
		entry := listed{Kind: one.Kind, Before: one.Before.Unix()}
		if one.Kind != identity.RevokedAll {
			hash := one.Hash()
			entry.Hash = base64.RawURLEncoding.EncodeToString(hash[:])
		}
		list = append(list, entry)
	}
	return list
}

// sign makes the list. Its ETag is that of what it says: the bytes of a signature are others
// each time, and on each node.
func (r *Revocations) sign(ctx context.Context, of made, now time.Time) (*RevocationList, error) {
	payload, err := json.Marshal(struct {
		Issuer   string   `json:"iss"`
		IssuedAt int64    `json:"iat"`
		Expires  int64    `json:"exp"`
		Entries  []listed `json:"entries"`
	}{of.issuer, of.issued, of.issued + int64(RevocationListLife.Seconds()), of.revoked.listed(now)})
	if err != nil {
		return nil, err
	}
	signed, err := r.ring.SignAs(ctx, RevocationListType, payload)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte(of.kid), payload...))
	return &RevocationList{Body: []byte(signed), ETag: `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, made: of}, nil
}
