package web

import (
	"net/http"
	"strings"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

// oauthErrorOf is the one place where a kind becomes an error of RFC 6749 section 5.2, or
// of a specification that adds to its list.
func oauthErrorOf(kind identity.Kind) (status int, code string) {
	switch kind {
	case identity.InvalidCredentials:
		return http.StatusUnauthorized, "invalid_client"
	case identity.InvalidAudience:
		return http.StatusBadRequest, "invalid_target" // RFC 8707 section 2
	case identity.InvalidScope, identity.UnauthorizedClient, identity.UnsupportedGrantType, identity.UnsupportedTokenType:
		return http.StatusBadRequest, kind.String()
	case identity.InvalidRequest, identity.InvalidJSON, identity.UnsupportedMediaType:
		return http.StatusBadRequest, "invalid_request"
	case identity.PayloadTooLarge:
		status, _ = statusOf(kind)
		return status, "invalid_request"
	case identity.RateLimited, identity.Overloaded, identity.Unavailable:
		// RFC 6749 section 4.1.2.1 has the word for it; section 5.2 has none.
		status, _ = statusOf(kind)
		return status, "temporarily_unavailable"
	default:
		return http.StatusInternalServerError, "server_error"
	}
}

// writeOAuth answers as RFC 6749 section 5.2 says.
func (f *failure) writeOAuth(w http.ResponseWriter) {
	NoStoreOAuth(w)
	status, code := oauthErrorOf(f.kind)
	if status == http.StatusUnauthorized {
		// Whichever way the client tried: it is the one scheme that it could use.
		w.Header().Set("WWW-Authenticate", `Basic realm="identity", charset="UTF-8"`)
	}
	_ = writeJSON(w, status, "application/json", api.OAuthError{Error: code, Description: described(f.told())}) // it can always be encoded
}

// described is a text in the characters that an error_description may have (RFC 6749
// section 5.2).
func described(text string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '"' || c == '\\':
			return '\''
		case c < ' ' || c > '~':
			return '?'
		}
		return c
	}, text)
}

// NoStoreOAuth keeps a response with a token out of every cache (RFC 6749 section 5.1).
func NoStoreOAuth(w http.ResponseWriter) {
	NoStore(w)
	w.Header().Set("Pragma", "no-cache")
}
