package authn

import (
	"context"
	"runtime/trace"
	"slices"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// Current returns what the user or client with the id is and may now, whatever a
// token says that was issued before: from memory while that can be trusted. Its
// error is InvalidToken for one that is gone or disabled, or has been since the token was
// issued, or whose proofs have been changed or taken away since.
func (a *Authenticator) Current(ctx context.Context, id string, isUser bool, issued time.Time) (identity.Principal, error) {
	defer trace.StartRegion(ctx, "authn.Current").End()
	if !isUser {
		client, _, err := a.clientNow(ctx, id)
		if err != nil {
			return identity.Principal{}, err
		}
		return current(id, client.ID != "", client.Enabled, issued, client.RevokedAt(), clientPrincipal(client.Client, a.db.Now()))
	}
	user, err := a.users.Get(ctx, id)
	if err != nil && identity.KindOf(err) != identity.NotFound {
		return identity.Principal{}, err
	}
	return current(id, user.ID != "", user.Enabled && !user.OneTime, issued, user.RevokedAt(), userPrincipal(user, a.db.Now()))
}

func current(id string, there, enabled bool, issued, revoked time.Time, p identity.Principal) (identity.Principal, error) {
	var reason *identity.Reason
	switch {
	case !there:
		reason = identity.Refuse(identity.RefusedBearerSubject, "the subject of the token was deleted")
	case !enabled:
		reason = identity.Refuse(identity.RefusedBearerSubject, "the subject of the token is disabled, or must change its password")
	case !revoked.IsZero() && issued.Before(identity.IssuedBy(revoked)):
		reason = identity.Refuse(identity.RefusedBearerRevoked, "the token is from before its subject was disabled, or lost a credential").
			At("issued_at", issued).At("tokens_count_from", identity.IssuedBy(revoked))
	default:
		return p, nil
	}
	return identity.Principal{}, identity.Errorf(identity.InvalidToken, "The token is not valid.").Because(reason.Of(id))
}

// heldBy is all that a principal holds, directly and by roles.
func heldBy(permissions []string, roles identity.Roles) []string {
	return identity.SortedSet(slices.Concat(permissions, roles.Permissions))
}
