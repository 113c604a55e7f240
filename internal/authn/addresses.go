package authn

import (
	"context"
	"errors"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/ratelimit"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// The policies by which attempts are refused, as metrics and the log name them.
const (
	PolicyAddress = "address"
	PolicyName    = "name"
)

// Failures allows a source so many failed attempts in a minute, all of them at once; 0 is
// any number.
func Failures(perMinute int) ratelimit.Policy {
	if perMinute == 0 {
		return ratelimit.Policy{}
	}
	return ratelimit.Policy{Burst: perMinute, Interval: time.Minute / time.Duration(perMinute)}
}

// addresses limits what one address may get wrong. Tokens are apart from other proofs:
// nobody guesses one, so an office full of programs whose tokens have ended must not keep
// people from logging in again.
type addresses struct {
	proofs, tokens *ratelimit.Limiter
}

// attempt begins an attempt of the caller's address to prove something, and returns how to
// end it. Its error is RateLimited.
func (a *Authenticator) attempt(ctx context.Context, l *ratelimit.Limiter, announce bool) (end func(error), err error) {
	source := web.Source(ctx)
	say := func(s ratelimit.State) {
		if announce && !l.Off() {
			web.RateLimit(ctx, "failures", l.Policy(), s)
		}
	}
	hold, state, ok := l.Take(ctx, source)
	if !ok {
		say(state)
		return nil, a.tooMany(PolicyAddress, state.RetryAfter, identity.Refuse(identity.RefusedThrottleAddress, "too many attempts of this address have failed").
			With("source", source.String()).With("failures_allowed", l.Policy().Burst).For("within", l.Policy().Window()))
	}
	return func(err error) { say(hold.End(failure(err))) }, nil
}

// failure reports whether what was presented did not hold. What the service could not
// look at was no failure of the caller's, and neither was a wait for a name; but who does
// not wait for the answer has had the work done.
func failure(err error) bool {
	if errors.Is(err, context.Canceled) {
		return true
	}
	switch identity.KindOf(err) {
	case identity.InvalidCredentials, identity.InvalidRefreshToken, identity.InvalidToken:
		return true
	default:
		return false
	}
}

// Refreshing begins an attempt with a refresh token and returns how to end it, with what
// became of it. Its error is RateLimited.
func (a *Authenticator) Refreshing(ctx context.Context) (end func(error), err error) {
	return a.attempt(ctx, a.addresses.tokens, true)
}

// Bearing is Refreshing for a bearer token.
func (a *Authenticator) Bearing(ctx context.Context) (end func(error), err error) {
	return a.attempt(ctx, a.addresses.tokens, false)
}

// unlimited has the response say what the address may still get wrong, for an attempt
// that uses nothing of it.
func (a *Authenticator) unlimited(ctx context.Context) {
	if l := a.addresses.proofs; !l.Off() {
		web.RateLimit(ctx, "failures", l.Policy(), l.Look(web.Source(ctx)))
	}
}

// tooMany is the one answer to every attempt that is too many, after which to wait. Its
// reason is for the log and the audit only.
func (a *Authenticator) tooMany(policy string, wait time.Duration, reason *identity.Reason) error {
	a.limited(policy)
	return &identity.Error{Kind: identity.RateLimited, Err: reason.At("until", a.db.Now().Add(wait)), RetryAfter: wait}
}

// Prune forgets the addresses of which nothing is to be remembered any more.
func (a *Authenticator) Prune() {
	a.addresses.proofs.Prune()
	a.addresses.tokens.Prune()
}
