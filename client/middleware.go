package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// tokenKey is where a request's context has its token.
type tokenKey struct{}

// TokenOf returns the token of a request that came through Require, and nil for any other.
func TokenOf(ctx context.Context) *Token {
	t, _ := ctx.Value(tokenKey{}).(*Token)
	return t
}

// Require is middleware that lets through requests with a good token that has all the
// permissions. Others are answered after RFC 6750 section 3, with a problem document (RFC
// 9457) as the body: 400 for a malformed Authorization header, 401 without a good token, 403
// for one that lacks a permission, 503 while nothing can be verified.
func (v *Verifier) Require(permissions ...string) func(http.Handler) http.Handler {
	permissions = slices.Clone(permissions)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t, refused := v.admit(r, permissions)
			if refused != nil {
				refused.write(w)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, t)))
		})
	}
}

// refusal is an answer to a request that is not let through.
type refusal struct {
	status       int
	code, detail string
	challenge    string
}

// problem is the body of a refusal (RFC 9457), as an Identity Service has it.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
}

const (
	challenge  = `Bearer realm="api"`
	retryAfter = "15" // seconds, in which a service that is back has been asked again
)

func (v *Verifier) admit(r *http.Request, permissions []string) (*Token, *refusal) {
	bearer, err := BearerToken(r)
	switch {
	case errors.Is(err, ErrNoToken): // RFC 6750 section 3.1: no error code, as there is no error
		return nil, &refusal{http.StatusUnauthorized, "invalid_token", "A bearer token is required.", challenge}
	case err != nil:
		return nil, &refusal{http.StatusBadRequest, "invalid_request", sentence(err), describe("invalid_request", err)}
	}
	t, err := v.Verify(r.Context(), bearer)
	switch {
	case errors.Is(err, ErrInvalid):
		v.logger.DebugContext(r.Context(), "a token was refused", "reason", err.Error())
		return nil, &refusal{http.StatusUnauthorized, "invalid_token", sentence(err), describe("invalid_token", err)}
	case err != nil:
		if r.Context().Err() == nil { // else nobody is there any more
			v.logger.WarnContext(r.Context(), "a token could not be verified", "error", err.Error())
		}
		return nil, &refusal{http.StatusServiceUnavailable, "unavailable", sentence(ErrUnavailable), ""}
	case !t.Has(permissions...):
		scope := `, scope="` + strings.Join(permissions, " ") + `"`
		return nil, &refusal{http.StatusForbidden, "insufficient_permission", "The token lacks a permission.", challenge + `, error="insufficient_scope"` + scope}
	}
	return t, nil
}

// describe is a challenge that says what was wrong. The texts of our errors repeat nothing
// of the request.
func describe(code string, err error) string {
	return challenge + `, error="` + code + `", error_description="` + err.Error() + `"`
}

// sentence is the text of an error for a person.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func (f *refusal) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if f.challenge != "" {
		h.Set("WWW-Authenticate", f.challenge)
	}
	if f.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", retryAfter)
	}
	body, err := json.Marshal(problem{"about:blank", http.StatusText(f.status), f.status, f.detail, f.code})
	w.WriteHeader(f.status)
	if err == nil {
		_, _ = w.Write(body) // that the caller has gone is no error of ours
	}
}

// The errors of BearerToken.
var (
	// ErrNoToken says that the caller did not try.
	ErrNoToken = errors.New("there is no bearer token")
	// ErrHeader says that the caller tried in a way that is none.
	ErrHeader = errors.New("there must be one Authorization header, with one bearer token in it")
)

// BearerToken returns the token of the Authorization header (RFC 6750 section 2.1). Tokens in
// a form or in the query are never looked at.
func BearerToken(r *http.Request) (string, error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", ErrNoToken
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimLeft(token, " ")
	switch {
	case len(values) > 1:
		return "", ErrHeader
	case !strings.EqualFold(scheme, "Bearer"): // RFC 9110 section 11.1
		return "", ErrNoToken
	case token == "" || strings.ContainsAny(token, " \t,"):
		return "", ErrHeader
	}
	return token, nil
}
