package oauth

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/token"
)

// asked is what a principal asks for beside a token: for whom it is to be, and to which
// permissions it is to be limited; nothing is no limit.
type asked struct {
	audiences []string
	scope     []string
	// standard reports whether it came as RFC 6749 has it.
	standard bool
}

// target is an audience with what is registered of it.
type target struct {
	audience string
	policy   identity.AudiencePolicy
}

// decide says what a principal gets who has proven itself and asks for a token for these
// targets, of which there is one at least. Its error is InvalidAudience or InvalidScope.
func decide(p identity.Principal, a asked, issuer string, targets []target) (token.Grant, error) {
	granted := token.Grant{Principal: p, Permissions: p.Permissions, Lifetime: p.TokenLifetime, Scoped: a.standard}
	for i, t := range targets {
		if !mayHave(p, t.audience, issuer) {
			return token.Grant{}, identity.Errorf(identity.InvalidAudience, "This principal may not have a token for this audience.").
				Because(identity.Refuse(identity.RefusedAudience, "the principal may not have a token for this audience").
					Of(p.ID).With("asked", t.audience).With("allowed", few(p.Audiences)))
		}
		if why := apart(t, targets[:i], issuer); why != "" {
			return token.Grant{}, identity.Errorf(identity.InvalidAudience, "These audiences cannot share a token: %s. Ask for one after the other.", why).
				Because(identity.Refuse(identity.RefusedAudiences, why).Of(p.ID).With("asked", few(a.audiences)))
		}
		granted.Audience = append(granted.Audience, t.audience)
		granted.Permissions = carried(granted.Permissions, t.policy)
		granted.Lifetime = shorter(granted.Lifetime, t.policy.Expiration)
	}
	// What verifies the token says more of what it can than what asks for it.
	granted.Algorithm = jose.Algorithm(cmp.Or(targets[0].policy.Algorithm, p.TokenAlgorithm))
	var err error
	granted.Permissions, err = limited(granted, a.scope)
	return granted, err
}

// apart says why an audience cannot be in one token with those before it; empty if it can.
func apart(t target, before []target, issuer string) string {
	for _, b := range before {
		switch {
		case t.audience == issuer || b.audience == issuer:
			// Whoever gets the token could come here with it.
			return "a token for this service is for nobody else"
		case t.policy.Algorithm != b.policy.Algorithm:
			return "they are registered with different algorithms"
		}
	}
	return ""
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

// usual is the audience of whoever names none: this service; but for one who is for a
// single audience, and comes by the standard, that one (RFC 9068 section 3).
func usual(p identity.Principal, a asked, issuer string) string {
	if a.standard && len(p.Audiences) == 1 && p.Audiences[0] != identity.AnyAudience {
		return p.Audiences[0]
	}
	return issuer
}

// carried is what a token carries of the permissions: where the audience registers its
// own, only those.
func carried(permissions []string, policy identity.AudiencePolicy) []string {
	if policy.Permissions == nil {
		return permissions
	}
	return slices.DeleteFunc(slices.Clone(permissions), func(permission string) bool {
		return !slices.Contains(policy.Permissions, permission)
	})
}

// limited is what a token carries of what is granted, for whoever has asked for a scope: all
// of that, or nothing at all (RFC 6749 section 3.3).
func limited(g token.Grant, scope []string) ([]string, error) {
	if len(scope) == 0 {
		return g.Permissions, nil
	}
	for _, permission := range scope {
		if !slices.Contains(g.Permissions, permission) {
			return nil, identity.Errorf(identity.InvalidScope, "The scope has a permission that this principal does not hold for this audience.").
				Because(identity.Refuse(identity.RefusedScope, "the scope has a permission that the principal does not hold for the audience").
					Of(g.Principal.ID).With("lacking", identity.Shown(permission)).With("held", strings.Join(g.Permissions, " ")))
		}
	}
	return scope, nil
}

// shorter is the shorter one of two lifetimes, of which zero says nothing.
func shorter(a, b time.Duration) time.Duration {
	switch {
	case a == 0:
		return b
	case b == 0:
		return a
	}
	return min(a, b)
}
