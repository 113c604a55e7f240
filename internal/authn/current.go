package authn

import (
	"context"
	"errors"
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
		return current(client.Enabled && !before(issued, client.TokensFrom), clientPrincipal(client.Client, a.db.Now()))
	}
	user, err := a.users.Get(ctx, id)
	if err != nil && identity.KindOf(err) != identity.NotFound {
		return identity.Principal{}, err
	}
	return current(user.Enabled && !user.OneTime && !before(issued, user.TokensFrom), userPrincipal(user, a.db.Now()))
}

// before reports whether a token was issued in an earlier second: it knows no more.
func before(issued, from time.Time) bool { return issued.Before(from.Truncate(time.Second)) }

func current(enabled bool, p identity.Principal) (identity.Principal, error) {
	if !enabled {
		return identity.Principal{}, identity.Errorf(identity.InvalidToken, "The token is not valid.").
			Because(errors.New("its subject is gone or disabled, or its proofs have changed since"))
	}
	return p, nil
}

// heldBy is all that a principal holds, directly and by roles.
func heldBy(permissions []string, roles identity.Roles) []string {
	return identity.SortedSet(slices.Concat(permissions, roles.Permissions))
}
