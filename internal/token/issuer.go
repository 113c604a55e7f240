package token

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime/trace"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
)

// Issuer issues and verifies access tokens.
type Issuer struct {
	ring          *keyring.Ring
	revocations   *Revocations
	configuration func(context.Context) (identity.Configuration, error)
	now           func() time.Time
}

// Config is what an Issuer needs; nothing may be missing.
type Config struct {
	Ring          *keyring.Ring
	Revocations   *Revocations
	Configuration func(context.Context) (identity.Configuration, error)
	Now           func() time.Time
}

// New makes an Issuer.
func New(cfg Config) (*Issuer, error) {
	if cfg.Ring == nil || cfg.Revocations == nil || cfg.Configuration == nil || cfg.Now == nil {
		return nil, errors.New("the token issuer needs a key ring, the revocations, the configuration and a clock")
	}
	return &Issuer{ring: cfg.Ring, revocations: cfg.Revocations, configuration: cfg.Configuration, now: cfg.Now}, nil
}

// Grant says who gets a token, for which audience, and what is in it.
type Grant struct {
	Principal identity.Principal
	Audience  Audience
	// Permissions is what the token carries, and Scoped whether it says so in the way of the
	// standard too.
	Permissions []string
	Scoped      bool
	// Lifetime, unless zero, is that of the token instead of the configured.
	Lifetime time.Duration
	// Algorithm, unless empty, signs it instead of the default key's.
	Algorithm jose.Algorithm
	// SessionID, unless empty, is the session that it belongs to, and Until, unless zero,
	// the time, in whole seconds, that it does not outlive.
	SessionID string
	Until     time.Time
}

// Access is an issued access token.
type Access struct {
	Token    string // compact JWS
	ID       string // its jti
	Audience Audience
	Lifetime time.Duration
	// Scope lists what it carries, separated by spaces.
	Scope string
}

// Issue signs a token for the grant. It needs no query. Its error is
// Unavailable when there is no key that can sign.
func (i *Issuer) Issue(ctx context.Context, g Grant) (Access, error) {
	defer trace.StartRegion(ctx, "token.Issue").End()
	cfg, err := i.configuration(ctx)
	if err != nil {
		return Access{}, err
	}
	from, err := i.revocations.countsFrom(ctx, g.Principal)
	if err != nil {
		return Access{}, err
	}
	now := i.now()
	issued := now
	if ahead := from.Sub(now); ahead > 0 && ahead <= clockSkew*time.Second { // more is a clock that has stepped back
		issued = from
	}
	if !g.Until.IsZero() && !now.Before(g.Until) {
		return Access{}, refused(identity.Refuse(identity.RefusedSessionOver, "the session has just expired").Of(g.Principal.ID).With("session", g.SessionID).At("expired_at", g.Until))
	}
	lifetime := cfg.Expiration
	if g.Lifetime != 0 {
		lifetime = g.Lifetime
	}
	expires := now.Add(lifetime).Truncate(time.Second)
	if !g.Until.IsZero() && g.Until.Before(expires) {
		expires = g.Until
	}
	claims := Claims{
		Issuer: cfg.Issuer, Subject: g.Principal.ID, Audience: g.Audience,
		IssuedAt: issued.Unix(), Expires: expires.Unix(), ID: rand.Text(), SessionID: g.SessionID,
		ClientID: g.Principal.ID, GrantType: GrantClient,
		Permissions: identity.SortedSet(g.Permissions),
	}
	if g.Principal.User {
		claims.ClientID, claims.GrantType = identity.UserClientID, GrantUser
		claims.AuthTime, claims.AMR = g.Principal.AuthTime.Unix(), g.Principal.AMR
	}
	scope := strings.Join(claims.Permissions, " ")
	if g.Scoped {
		claims.Scope = scope
	}
	payload, err := claims.encode()
	if err != nil {
		return Access{}, fmt.Errorf("encoding the claims of a token: %w", err)
	}
	signed, err := i.sign(ctx, g.Algorithm, payload)
	lifetime = time.Duration(claims.Expires-now.Unix()) * time.Second
	return Access{Token: signed, ID: claims.ID, Audience: g.Audience, Lifetime: lifetime, Scope: scope}, err
}

func (i *Issuer) sign(ctx context.Context, algorithm jose.Algorithm, payload []byte) (string, error) {
	defer trace.StartRegion(ctx, "keyring.Sign").End()
	return i.ring.Sign(ctx, algorithm, payload)
}

// Verify returns the claims of a token that was issued for this service itself.
// Its error is InvalidToken for anything else; the reason is for the log.
func (i *Issuer) Verify(ctx context.Context, token identity.Secret) (Claims, error) {
	defer trace.StartRegion(ctx, "token.Verify").End()
	cfg, err := i.configuration(ctx)
	if err != nil {
		return Claims{}, err
	}
	return i.verified(ctx, token, func(c Claims) *identity.Reason { return c.checkFor(cfg.Issuer, cfg.Issuer, i.now().Unix()) })
}

// VerifyAny is Verify for a token for whichever audience.
func (i *Issuer) VerifyAny(ctx context.Context, token identity.Secret) (Claims, error) {
	defer trace.StartRegion(ctx, "token.Verify").End()
	cfg, err := i.configuration(ctx)
	if err != nil {
		return Claims{}, err
	}
	return i.verified(ctx, token, func(c Claims) *identity.Reason { return c.check(cfg.Issuer, i.now().Unix()) })
}

// verified returns the claims of a token of ours that the check has nothing against.
func (i *Issuer) verified(ctx context.Context, token identity.Secret, check func(Claims) *identity.Reason) (Claims, error) {
	claims, err := Read(ctx, i.ring, token.Reveal())
	if err == nil {
		if reason := check(claims); reason != nil {
			return claims, notValid(reason.Of(claims.Subject))
		}
		return claims, nil
	}
	if reason := identity.ReasonOf(err); reason != nil && identity.KindOf(err) == identity.Internal {
		err = notValid(reason)
	}
	return claims, err
}

// notValid is the one answer to every token that is not good. Its reason is for the log and
// the audit only.
func notValid(reason *identity.Reason) error {
	return identity.Errorf(identity.InvalidToken, "The token is not valid.").Because(reason)
}

// Read returns the claims of an access token that a published key of the ring has signed,
// for whichever audience it is and however long it has expired. It returns a Reason for
// any other, or why there is no knowing.
func Read(ctx context.Context, ring *keyring.Ring, token string) (Claims, error) {
	m, err := jose.Parse(token, jose.SigningAlgorithms())
	if err != nil {
		return Claims{}, identity.Refuse(identity.RefusedBearerForm, "it cannot be read: "+err.Error())
	}
	// RFC 9068 section 4: the type keeps other tokens of ours from passing.
	if m.Type() != "at+jwt" && m.Type() != "application/at+jwt" {
		return Claims{}, identity.Refuse(identity.RefusedBearerType, "its typ is not at+jwt")
	}
	key, err := ring.Verifier(ctx, m.KID())
	if err != nil {
		return Claims{}, err
	}
	payload, err := m.Verify(key)
	if err != nil {
		return Claims{}, identity.Refuse(identity.RefusedBearerSignature, "it is not signed by our key: "+err.Error()).With("kid", key.KID())
	}
	var claims Claims
	if err := jose.DecodeStrict(payload, &claims); err != nil {
		return Claims{}, identity.Refuse(identity.RefusedBearerClaims, "its claims cannot be read: "+err.Error())
	}
	claims.KeyID = key.KID()
	return claims, nil
}
