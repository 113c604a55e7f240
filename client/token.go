package client

import (
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// Token is an access token that was verified (RFC 9068 section 2.2). It does not change, and
// may be shared. It does not hold the token's text, and may be logged.
type Token struct {
	issuer, subject, id, clientID, sessionID, grantType string

	audience, methods, permissions      []string
	issuedAt, expires, notBefore, authT int64

	kid         string
	key         *jose.PublicKey
	revocableBy []revocable // the values by which it can be revoked
	payload     []byte
}

// Subject is who the token speaks for: the id of a user, or the client_id of a machine.
func (t *Token) Subject() string { return t.subject }

// ClientID is the machine that got the token, or "identity" where a user has logged in.
func (t *Token) ClientID() string { return t.clientID }

// IsUser reports whether the token is a user's, and not a machine's.
func (t *Token) IsUser() bool { return t.grantType == "user-credentials" }

// ID is the token's own, unique (jti).
func (t *Token) ID() string { return t.id }

// Issuer is the issuer, which is the verifier's.
func (t *Token) Issuer() string { return t.issuer }

// Audience is for whom the token is: the verifier's audience, and perhaps others.
func (t *Token) Audience() []string { return slices.Clone(t.audience) }

// SessionID is the session of the user, or empty.
func (t *Token) SessionID() string { return t.sessionID }

// IssuedAt is when the token was issued, in whole seconds.
func (t *Token) IssuedAt() time.Time { return time.Unix(t.issuedAt, 0) }

// ExpiresAt is from when on the token is not good, in whole seconds.
func (t *Token) ExpiresAt() time.Time { return time.Unix(t.expires, 0) }

// AuthTime is when the user has logged in; zero for a machine.
func (t *Token) AuthTime() time.Time {
	if t.authT == 0 {
		return time.Time{}
	}
	return time.Unix(t.authT, 0)
}

// AuthMethods are how the user has logged in (amr, RFC 8176); none for a machine.
func (t *Token) AuthMethods() []string { return slices.Clone(t.methods) }

// Permissions are what the token allows at its audience, sorted.
func (t *Token) Permissions() []string { return slices.Clone(t.permissions) }

// Has reports whether the token allows all of these. It is true for none.
func (t *Token) Has(permissions ...string) bool {
	for _, p := range permissions {
		if !slices.Contains(t.permissions, p) {
			return false
		}
	}
	return true
}

// KeyID is the key that has signed the token.
func (t *Token) KeyID() string { return t.kid }

// Decode reads the claims into the pointer v, a struct with json tags or a map.
func (t *Token) Decode(v any) error { return jose.DecodeStrict(t.payload, v) }

// LogValue is who the token speaks for and how it can be found again, without its text.
func (t *Token) LogValue() slog.Value {
	return slog.GroupValue(slog.String("sub", t.subject), slog.String("client_id", t.clientID),
		slog.String("jti", t.id), slog.Time("exp", t.ExpiresAt()))
}

// readClaims takes the claims from a payload whose signature has been verified. Those that
// RFC 9068 section 2.2 requires must be there, and none may be null or of another type.
func readClaims(payload []byte, kid string, key *jose.PublicKey) (*Token, error) {
	var set claims
	if err := jose.DecodeStrict(payload, &set); err != nil {
		return nil, ErrClaims
	}
	t := &Token{kid: kid, key: key, payload: payload}
	good := required(set, "iss", &t.issuer) && required(set, "sub", &t.subject) && required(set, "client_id", &t.clientID) &&
		required(set, "jti", &t.id) && optional(set, "sid", &t.sessionID) && optional(set, "gty", &t.grantType) &&
		optional(set, "permissions", &t.permissions) && optional(set, "amr", &t.methods) &&
		set.audience(&t.audience) &&
		set.date("exp", &t.expires, true) && set.date("iat", &t.issuedAt, true) &&
		set.date("nbf", &t.notBefore, false) && set.date("auth_time", &t.authT, false)
	if !good || t.expires == 0 {
		return nil, ErrClaims
	}
	t.revocableBy = []revocable{
		{identity.RevokedToken, identity.RevocationHash(t.id)},
		{identity.RevokedSession, identity.RevocationHash(t.sessionID)}, // no list has the hash of ""
		{identity.RevokedPrincipal, identity.RevocationHash(t.subject)},
		{identity.RevokedKey, identity.RevocationHash(kid)},
	}
	return t, nil
}

// claims are the members of a payload.
type claims map[string]jsontext.Value

// optional reads a claim that may be absent, and reports whether that is all that can be
// wrong with it. null is of no type.
func optional[T any](set claims, name string, into *T) bool {
	raw, there := set[name]
	return !there || raw.Kind() != 'n' && json.Unmarshal(raw, into) == nil
}

// required reads a claim that must be there, with something in it.
func required(set claims, name string, into *string) bool {
	return optional(set, name, into) && *into != ""
}

// audience reads "aud": a string, or an array of them (RFC 7519 section 4.1.3).
func (set claims) audience(into *[]string) bool {
	if set["aud"].Kind() == '[' {
		return optional(set, "aud", into)
	}
	*into = []string{""}
	return required(set, "aud", &(*into)[0])
}

// date reads a NumericDate (RFC 7519 section 2), which may have a fraction, as the second
// that it is in.
func (set claims) date(name string, into *int64, must bool) bool {
	const last = 1 << 40 // what is later is no time, but an overflow in waiting
	if _, there := set[name]; !there {
		return !must
	}
	var seconds float64
	if !optional(set, name, &seconds) || seconds < 0 || seconds > last {
		return false
	}
	*into = int64(math.Floor(seconds))
	return true
}

// isMediaType reports whether a typ is this one, with or without what RFC 7515 section
// 4.1.9 lets be left out.
func isMediaType(typ, want string) bool {
	const prefix = "application/"
	if len(typ) > len(prefix) && strings.EqualFold(typ[:len(prefix)], prefix) {
		typ = typ[len(prefix):]
	}
	return strings.EqualFold(typ, want)
}
