package oauth

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/token"
)

// decide says what a principal gets who has proven itself and asks for an
// audience, of which policy says what is registered. Its error is InvalidAudience.
func decide(p identity.Principal, audience, issuer string, policy identity.AudiencePolicy) (token.Grant, error) {
	if !mayHave(p, audience, issuer) {
		return token.Grant{}, identity.Errorf(identity.InvalidAudience, "This principal may not have a token for this audience.").
			Because(identity.Refuse(identity.RefusedAudience, "the principal may not have a token for this audience").
				Of(p.ID).With("asked", audience).With("allowed", few(p.Audiences)))
	}
	return token.Grant{
		Principal: p, Audience: audience, Permissions: carried(p, policy),
		// What verifies the token says more of what it can than what asks for it.
		Lifetime: lifetime(p, policy), Algorithm: jose.Algorithm(cmp.Or(policy.Algorithm, p.TokenAlgorithm)),
	}, nil
}

// few is a list of audiences as a fact has it: the first ones.
func few(audiences []string) []string {
	const most = 20
	if len(audiences) <= most {
		return audiences
	}
	return append(slices.Clone(audiences[:most]), fmt.Sprintf("and %d more", len(audiences)-most))
}

// mayHave reports whether the audience is on the principal's list. Whoever holds
// a permission of this service may come to this service with it.
func mayHave(p identity.Principal, audience, issuer string) bool {
	return slices.Contains(p.Audiences, identity.AnyAudience) || slices.Contains(p.Audiences, audience) ||
		audience == issuer && slices.ContainsFunc(p.Permissions, identity.OwnPermission)
}

// carried is what a token carries of the principal's permissions: where the audience
// registers its own, only those.
func carried(p identity.Principal, policy identity.AudiencePolicy) []string {
	if policy.Permissions == nil {
		return p.Permissions
	}
	return slices.DeleteFunc(slices.Clone(p.Permissions), func(permission string) bool {
		return !slices.Contains(policy.Permissions, permission)
	})
}

// lifetime is the shorter of what the principal and the audience say; zero if
// neither says anything.
func lifetime(p identity.Principal, policy identity.AudiencePolicy) time.Duration {
	switch {
	case p.TokenLifetime == 0:
		return policy.Expiration
	case policy.Expiration == 0:
		return p.TokenLifetime
	}
	return min(p.TokenLifetime, policy.Expiration)
}
