package web

import (
	"net/http"
	"strings"

	"github.com/seed-60f9e3ad/identity"
)

// BearerToken returns the token of the Authorization header (RFC 6750 section
// 2.1). Without one, err is an InvalidToken, and sent reports whether the
// caller tried: false for no header or another scheme, true for a malformed
// token or a second header. A token in the body or the query is never looked
// at.
func BearerToken(r *http.Request) (token identity.Secret, sent bool, err error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return identity.Secret{}, false, noToken(identity.RefusedBearerMissing, "there is no Authorization header")
	}
	if len(values) > 1 {
		return identity.Secret{}, true, noToken(identity.RefusedBearerForm, "there are several Authorization headers")
	}
	scheme, credentials, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") { // RFC 9110 section 11.1
		return identity.Secret{}, false, noToken(identity.RefusedBearerMissing, "the Authorization header has another scheme than Bearer")
	}
	if !b64token(credentials) {
		return identity.Secret{}, true, noToken(identity.RefusedBearerForm, "the bearer token has characters that no token has, or none")
	}
	return identity.NewSecret(credentials), true, nil
}

func noToken(check identity.Check, why string) error {
	return &identity.Error{Kind: identity.InvalidToken, Err: identity.Refuse(check, why)}
}

// b64token reports whether s has the form of RFC 6750 section 2.1.
func b64token(s string) bool {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
	s = strings.TrimRight(s, "=")
	return s != "" && strings.Trim(s, allowed) == ""
}

// challenge returns the WWW-Authenticate of a failure of the given kind, or "".
func challenge(kind identity.Kind, r *http.Request) string {
	const bearer = `Bearer realm="identity"`
	switch kind {
	case identity.InvalidCredentials, identity.InvalidRefreshToken:
		// RFC 9110 section 15.5.2 demands a challenge. The proof belongs into
		// the JSON body, for which no scheme is registered; Basic would make
		// browsers ask for a password, Bearer would mislead.
		return `Identity realm="identity"`
	case identity.InvalidToken:
		if _, sent, _ := BearerToken(r); sent { // RFC 6750 section 3.1: no error code without a token
			return bearer + `, error="invalid_token"`
		}
		return bearer
	case identity.InsufficientPermission:
		return bearer + `, error="insufficient_scope"`
	default:
		return ""
	}
}
