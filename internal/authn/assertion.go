package authn

import (
	"encoding/json"
	"errors"
	"math"
	"time"
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

// check refuses claims that do not make this client prove itself to this issuer,
// now and once.
func (c assertionClaims) check(clientID, issuer string, now time.Time) error {
	switch {
	// RFC 7523 section 3, items 1 and 2 B.
	case c.Issuer == nil || *c.Issuer != clientID || c.Subject == nil || *c.Subject != clientID:
		return errors.New("iss and sub must both be the client_id")
	// Item 3, as narrowed since: the issuer and nobody else, so that an
	// assertion made for another server is of no use here.
	case !onlyAudience(c.Audience, issuer):
		return errors.New("aud must be exactly the issuer")
	// Item 4.
	case c.Expires == nil:
		return errors.New("exp is missing")
	case !now.Before(c.Expires.time().Add(clockSkew)):
		return errors.New("exp is past")
	case c.Expires.time().After(now.Add(assertionLifetime + clockSkew)):
		return errors.New("exp is too far ahead")
	// Items 5 and 6.
	case c.NotBefore != nil && c.NotBefore.time().After(now.Add(clockSkew)):
		return errors.New("nbf is in the future")
	case c.IssuedAt != nil && c.IssuedAt.time().After(now.Add(clockSkew)):
		return errors.New("iat is in the future")
	// Item 7, where we require it.
	case c.ID == "" || len([]rune(c.ID)) > 256:
		return errors.New("jti must have 1 to 256 characters")
	}
	return nil
}

// onlyAudience reports whether aud is the issuer: one string, or an array of just
// it.
func onlyAudience(aud json.RawMessage, issuer string) bool {
	var one string
	if json.Unmarshal(aud, &one) == nil && len(aud) > 0 && aud[0] == '"' {
		return one == issuer
	}
	var list []*string
	return json.Unmarshal(aud, &list) == nil && len(list) == 1 && list[0] != nil && *list[0] == issuer
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
