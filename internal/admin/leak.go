package admin

import (
	"context"
	"slices"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Found is what somebody found where it should not be.
type Found struct {
	Secret identity.Secret
	// ClientID is whose chosen secret it may be, Username whose password; empty is nobody's.
	// These two cannot be found by themselves: only by trying it on everybody.
	ClientID, Username string
	// Since is from when on its uses matter; zero is ever.
	Since time.Time
}

// The kinds of what can be found.
const (
	LeakedClientSecret  = "client_secret"
	LeakedPassword      = "password"
	LeakedAccessToken   = "access_token"
	LeakedRefreshToken  = "refresh_token"
	LeakedClientKey     = "client_key"
	LeakedSigningKey    = "signing_key"
	LeakedAuditKey      = "audit_key"
	LeakedEncryptionKey = "encryption_key"
	LeakUnknown         = "unknown" // nothing of this service, as far as can be told
)

// LeakKinds lists them.
func LeakKinds() []string {
	return []string{
		LeakedClientSecret, LeakedPassword, LeakedAccessToken, LeakedRefreshToken, LeakedClientKey, LeakedSigningKey, LeakedAuditKey, LeakedEncryptionKey, LeakUnknown,
	}
}

// Leak says what something is that was found. Nothing of it is secret.
type Leak struct {
	Kind string
	// Good reports whether it still opens anything.
	Good bool
	// ID is that of the secret or of the session, the jti of an access token, or the
	// thumbprint of a key.
	ID     string
	Owners []LeakOwner
	// Says is what was found out, in a sentence.
	Says string
	// CreatedAt, ExpiresAt and LastUsedAt are zero where they are not known, or there is
	// none.
	CreatedAt, ExpiresAt, LastUsedAt time.Time
	// Uses are what the audit has of its use, what was done last first, and UsesFrom is
	// from when on it has anything.
	Uses     []store.Use
	UsesFrom time.Time
	// Ends is what revoking it ends, or has ended; Remains what is left to be done, or
	// goes on.
	Ends, Remains []string
	Revoked       bool
	// Again, unless zero, is when revoking is to be asked for once more.
	Again time.Time
}

// LeakOwner is a user or client.
type LeakOwner struct {
	User     bool
	ID, Name string
}

// leaked is a Leak with the ways to its uses and to its end.
type leaked struct {
	Leak
	uses []store.UseFilter
	// end ends it and all that was made with it, and records what it changed; nil where
	// nothing is to be ended. What has ended already is left alone.
	end func(tx *store.DB) error
}

// mostUses is how many lines of uses are told of each owner.
const mostUses = 50

// Leak says what something is that was found, whose it is and what was done with it; with
// revoke it ends it, and everything made with it, at once. That somebody asked is in the
// audit. It needs identity:admin. Errors: InvalidRequest.
func (s *Service) Leak(ctx context.Context, caller identity.Caller, f Found, revoke bool) (Leak, error) {
	if err := caller.Require(identity.PermissionAdmin); err != nil {
		return Leak{}, err
	}
	l, err := s.recognise(ctx, caller, f, revoke)
	if err != nil {
		return Leak{}, err
	}
	if err := s.tellUses(ctx, l, f.Since); err != nil {
		return Leak{}, err
	}
	l.Owners, l.Ends, l.Remains = orNone(l.Owners), orNone(l.Ends), orNone(l.Remains)
	name := "leak.examined"
	if l.Revoked = revoke && l.end != nil; l.Revoked {
		name = "leak.revoked"
	}
	err = s.change(ctx, caller, func(tx *store.DB) error {
		if l.Revoked {
			if err := l.end(tx); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, caller, audit.Change{Name: name, Target: l.ID, After: leakState(l.Leak)})
	})
	if l.Revoked && l.Again.IsZero() {
		l.Good = false
	}
	return l.Leak, err
}

func orNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// tellUses adds what the audit has of it.
func (s *Service) tellUses(ctx context.Context, l *leaked, since time.Time) error {
	oldest, err := s.db.OldestEvent(ctx)
	if err != nil && identity.KindOf(err) != identity.NotFound {
		return err
	}
	l.UsesFrom, l.Uses = oldest.At, []store.Use{}
	for _, f := range l.uses {
		f.Limit = mostUses
		f.Requests = []string{
			audit.LoginSucceeded, audit.TokenIssued, audit.SessionRefreshed, audit.SessionEnded, audit.RequestRefused, audit.RequestsRefused,
		}
		if f.Since.Before(since) {
			f.Since = since
		}
		uses, err := s.db.Uses(ctx, f)
		if err != nil {
			return err
		}
		l.Uses = append(l.Uses, uses...)
	}
	slices.SortStableFunc(l.Uses, func(a, b store.Use) int { return b.Last.Compare(a.Last) })
	return nil
}

// leakView is a Leak as the audit shows it.
type leakView struct {
	Kind   string   `json:"kind"`
	Good   bool     `json:"good"`
	Owners []string `json:"owners"`
}

func leakState(l Leak) leakView {
	v := leakView{Kind: l.Kind, Good: l.Good, Owners: []string{}}
	for _, o := range l.Owners {
		v.Owners = append(v.Owners, o.ID)
	}
	return v
}
