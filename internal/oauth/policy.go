package oauth

import (
	"fmt"
	"slices"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/token"
)

// decide says what a principal gets who has proven itself and asks for an
// audience; empty asks for this service itself, whose audience is the issuer.
// Its error is InvalidAudience.
func decide(p identity.Principal, asked, issuer string) (token.Grant, error) {
	if asked == "" {
		asked = issuer
	}
	if !mayHave(p, asked, issuer) {
		return token.Grant{}, identity.Errorf(identity.InvalidAudience, "This principal may not have a token for this audience.").
			Because(fmt.Errorf("principal %s may have %q", p.ID, p.Audiences))
	}
	return token.Grant{Principal: p, Audience: asked}, nil
}

// mayHave reports whether the audience is on the principal's list. Whoever holds
// a permission of this service may come to this service with it.
func mayHave(p identity.Principal, audience, issuer string) bool {
	return slices.Contains(p.Audiences, identity.AnyAudience) || slices.Contains(p.Audiences, audience) ||
		audience == issuer && slices.ContainsFunc(p.Permissions, identity.OwnPermission)
}
