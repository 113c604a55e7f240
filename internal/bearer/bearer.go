// Package bearer finds out what an access token is worth now. A token is not the last
// word: whoever has it may have been disabled since, or lost a permission, its session may
// have ended, and it may have been revoked. Verifiers elsewhere learn that from lists and
// late; here it is asked for each time, in one place, for whoever comes with a token and for
// whoever asks about one.
package bearer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/token"
)

// Checker checks access tokens.
type Checker struct {
	issuer        *token.Issuer
	sessions      *token.Sessions
	revocations   *token.Revocations
	authenticator *authn.Authenticator
}

// New makes a Checker. Nothing may be nil.
func New(issuer *token.Issuer, sessions *token.Sessions, revocations *token.Revocations, authenticator *authn.Authenticator) (*Checker, error) {
	if issuer == nil || sessions == nil || revocations == nil || authenticator == nil {
		return nil, errors.New("checking tokens needs an issuer, sessions, revocations and an authenticator")
	}
	return &Checker{issuer, sessions, revocations, authenticator}, nil
}

// Here returns what a token says that was issued for this service itself, with those of its
// permissions that its subject still holds. Its error is InvalidToken for any other token,
// and for one that does not count any more.
func (c *Checker) Here(ctx context.Context, bearer identity.Secret) (token.Claims, error) {
	claims, err := c.issuer.Verify(ctx, bearer)
	if err != nil {
		return token.Claims{}, err
	}
	return c.still(ctx, claims)
}

// Anywhere is Here for a token for whichever audience.
func (c *Checker) Anywhere(ctx context.Context, bearer identity.Secret) (token.Claims, error) {
	claims, err := c.issuer.VerifyAny(ctx, bearer)
	if err != nil {
		return token.Claims{}, err
	}
	return c.still(ctx, claims)
}

// Limited begins an attempt of a caller to come with a token, and returns how to end it: what
// an address gets wrong is limited. Its error is RateLimited.
func (c *Checker) Limited(ctx context.Context) (end func(error), err error) {
	return c.authenticator.Bearing(ctx)
}

// still returns the claims as far as they are still true.
func (c *Checker) still(ctx context.Context, claims token.Claims) (token.Claims, error) {
	now, err := c.authenticator.Current(ctx, claims.Subject, claims.GrantType == token.GrantUser, time.Unix(claims.IssuedAt, 0))
	if err != nil {
		return token.Claims{}, err
	}
	if err := c.sessions.Live(ctx, claims); err != nil {
		return token.Claims{}, err
	}
	if err := c.revocations.Check(ctx, claims); err != nil {
		return token.Claims{}, err
	}
	claims.Permissions = slices.DeleteFunc(claims.Permissions, func(p string) bool { return !slices.Contains(now.Permissions, p) })
	return claims, nil
}
