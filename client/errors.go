package client

import (
	"context"
	"errors"
	"fmt"
)

// ErrInvalid is what every error says, to errors.Is, that means: this token is not good
// (RFC 6750 section 3.1, invalid_token). The errors below say why.
var ErrInvalid = errors.New("the access token is not valid")

// Why a token is not good.
var (
	ErrMalformed  error = &invalid{"the token is not a compact JWS as it should be"}
	ErrType       error = &invalid{"the token is not of type at+jwt"}
	ErrAlgorithm  error = &invalid{"the token's algorithm is not allowed"}
	ErrUnknownKey error = &invalid{"the issuer does not publish the key that the token names"}
	ErrSignature  error = &invalid{"the token's signature does not verify"}
	ErrClaims     error = &invalid{"the token lacks a claim, or has one of the wrong form"}
	ErrIssuer     error = &invalid{"the token is from another issuer"}
	ErrAudience   error = &invalid{"the token is for another audience"}
	ErrExpired    error = &invalid{"the token has expired"}
	ErrNotYet     error = &invalid{"the token is from the future"}
	ErrRevoked    error = &invalid{"the token was revoked"}
)

// ErrUnavailable says that nothing can be said of the token now: the service's keys are not
// known, or its list of revoked tokens is too old. The token may be good. What wraps it says
// why, in words that are fit for a log.
var ErrUnavailable = errors.New("access tokens cannot be verified now")

// ErrClosed is the error of a Verifier after Close. It is also ErrUnavailable.
var ErrClosed = fmt.Errorf("%w: the verifier is closed", ErrUnavailable)

// invalid is an error that is also ErrInvalid.
type invalid struct{ why string }

func (e *invalid) Error() string { return e.why }

// Is makes it ErrInvalid to errors.Is.
func (e *invalid) Is(target error) bool { return target == ErrInvalid }

// unavailable is ErrUnavailable because of err. Of what that wraps, only the end of the caller's
// own context and of the verifier is handed on: that a list of revoked tokens is bad says
// nothing of the token.
func unavailable(ctx context.Context, what string, err error) error {
	switch ended := ctx.Err(); {
	case ended != nil && errors.Is(err, ended):
		return fmt.Errorf("%w: %s: %w", ErrUnavailable, what, ended)
	case errors.Is(err, ErrClosed):
		return ErrClosed
	}
	return fmt.Errorf("%w: %s: %v", ErrUnavailable, what, err) //nolint:errorlint // see above
}
