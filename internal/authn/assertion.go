package authn

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

const (
	// clockSkew is how far a client's clock may be off.
	clockSkew = time.Minute
	// assertionLifetime is how far ahead an assertion may expire.
	assertionLifetime = 5 * time.Minute
)

// assertionClaims is the payload of a client assertion (RFC 7523 section 3).
type assertionClaims struct {
	Issuer    *string         `json:"iss"`
	Subject   *string         `json:"sub"`
	Audience  json.RawMessage `json:"aud"`
	Expires   *numericDate    `json:"exp"`
	NotBefore *numericDate    `json:"nbf"`
	IssuedAt  *numericDate    `json:"iat"`
	ID        string          `json:"jti"`
}

// check returns why claims do not make this client prove itself to one of these, now and
// once, or nil. What they say is the client's own word: its key has signed it.
func (c assertionClaims) check(clientID string, to []string, now time.Time) *identity.Reason {
	switch {
	// RFC 7523 section 3, items 1 and 2 B.
	case c.Issuer == nil || *c.Issuer != clientID:
		return otherThan(identity.RefusedAssertionIssuer, "iss and sub must both be the client_id: iss is not", clientID, c.Issuer)
	case c.Subject == nil || *c.Subject != clientID:
		return otherThan(identity.RefusedAssertionSubject, "iss and sub must both be the client_id: sub is not", clientID, c.Subject)
	// Item 3, as narrowed since: the issuer and nobody else, so that an
	// assertion made for another server is of no use here.
	case !onlyAudience(c.Audience, to):
		return identity.Refuse(identity.RefusedAssertionAudience, "aud must be exactly the issuer of this service").
			With("expected", strings.Join(to, " or ")).With("actual", shownAudience(c.Audience))
	// Item 4.
	case c.Expires == nil:
		return identity.Refuse(identity.RefusedAssertionClaims, "exp is missing")
	case !now.Before(c.Expires.time().Add(clockSkew)):
		return c.clock(identity.RefusedAssertionExpired, "exp is past", now, c.Expires.time()).
			For("expired_since", now.Sub(c.Expires.time()))
	case c.Expires.time().After(now.Add(assertionLifetime + clockSkew)):
		return c.clock(identity.RefusedAssertionLifetime, "exp is too far ahead", now, c.Expires.time()).
			For("ahead", c.Expires.time().Sub(now)).For("at_most", assertionLifetime)
	// Items 5 and 6.
	case c.NotBefore != nil && c.NotBefore.time().After(now.Add(clockSkew)):
		return c.clock(identity.RefusedAssertionEarly, "nbf is in the future: the client's clock is ahead", now, c.NotBefore.time()).
			For("ahead", c.NotBefore.time().Sub(now))
	case c.IssuedAt != nil && c.IssuedAt.time().After(now.Add(clockSkew)):
		return c.clock(identity.RefusedAssertionIssued, "iat is in the future: the client's clock is ahead", now, c.IssuedAt.time()).
			For("ahead", c.IssuedAt.time().Sub(now))
	// Item 7, where we require it.
	case c.ID == "" || len([]rune(c.ID)) > 256:
		return identity.Refuse(identity.RefusedAssertionID, "jti must have 1 to 256 characters").With("characters", len([]rune(c.ID)))
	}
	return nil
}

// clock is a reason about a time of the claims.
func (c assertionClaims) clock(check identity.Check, text string, now, said time.Time) *identity.Reason {
	reason := identity.Refuse(check, text).At("said", said).At("now", now).For("leeway", clockSkew)
	if c.IssuedAt != nil {
		reason = reason.At("iat", c.IssuedAt.time())
	}
	return reason
}

// otherThan is a reason about a claim that should be the client_id. What it is instead is
// not repeated: nothing says that it may be read.
func otherThan(check identity.Check, text, expected string, said *string) *identity.Reason {
	return identity.Refuse(check, text).With("expected", expected).With("sent", said != nil)
}

// shownAudience is an aud as a person may read it.
func shownAudience(aud json.RawMessage) string {
	var one string
	var list []string
	switch {
	case len(aud) == 0:
		return "none"
	case json.Unmarshal(aud, &one) == nil:
		return identity.Shown(one)
	case json.Unmarshal(aud, &list) == nil:
		return identity.Shown("[" + strings.Join(list, ", ") + "]")
	default:
		return "neither a string nor a list of strings"
	}
}

// onlyAudience reports whether aud is one of these alone: one string, or an array of just
// it.
func onlyAudience(aud json.RawMessage, to []string) bool {
	var one string
	if json.Unmarshal(aud, &one) == nil && len(aud) > 0 && aud[0] == '"' {
		return slices.Contains(to, one)
	}
	var list []*string
	return json.Unmarshal(aud, &list) == nil && len(list) == 1 && list[0] != nil && slices.Contains(to, *list[0])
}

// numericDate is a NumericDate (RFC 7519 section 2): seconds since 1970, perhaps
// with a fraction.
type numericDate float64

func (d numericDate) time() time.Time {
	// Far beyond any date that passes, and still within what time can hold.
	const bound = 1 << 40
	seconds := math.Max(-bound, math.Min(bound, float64(d)))
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9))
}
