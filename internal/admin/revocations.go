package admin

import (
	"context"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// NewRevocation says which tokens are to count no more. Before is for RevokedAll only: zero is
// now.
type NewRevocation struct {
	Kind   identity.RevocationKind
	Value  string
	Before time.Time
}

// Revoke revokes access tokens that have not expired: here at once, elsewhere by the list that
// verifiers keep. It needs identity:tokens:write; for those of a session or a principal also
// every permission of this service that the subject holds, and for those of a key, or all,
// identity:admin. Errors: InvalidRequest, NotFound for a session, principal or key that there
// is not, Conflict for a key that signs.
func (s *Service) Revoke(ctx context.Context, caller identity.Caller, n NewRevocation) (identity.Revocation, error) {
	if err := caller.Require(identity.PermissionTokensWrite); err != nil {
		return identity.Revocation{}, err
	}
	if err := s.checkRevocation(n); err != nil {
		return identity.Revocation{}, err
	}
	var made identity.Revocation
	err := s.change(ctx, caller, func(tx *store.DB) error {
		if err := s.revoke(ctx, tx, caller, n); err != nil {
			return err
		}
		var err error
		made, err = tx.Revocation(ctx, n.Kind, n.Value)
		return err
	})
	return made, err
}

func (s *Service) checkRevocation(n NewRevocation) error {
	all := n.Kind == identity.RevokedAll
	switch {
	case all && n.Value != "":
		return identity.InvalidField("value", "must be absent where all tokens are revoked")
	case !all && (n.Value == "" || len(n.Value) > 255):
		return identity.InvalidField("value", "must have 1 to 255 characters")
	case !all && !n.Before.IsZero():
		return identity.InvalidField("before", "is for kind all only: the others revoke what was issued until now")
	case n.Before.After(s.db.Now()):
		return identity.InvalidField("before", "must not be in the future")
	}
	return nil
}

func (s *Service) revoke(ctx context.Context, tx *store.DB, caller identity.Caller, n NewRevocation) error {
	end := &search{Service: s, ctx: ctx, caller: caller}
	switch n.Kind {
	case identity.RevokedToken:
		if err := tx.RevokeIssued(ctx, n.Kind, n.Value); err != nil {
			return err
		}
		return audit.Record(ctx, tx, caller, audit.Change{Name: "token.revoked", Target: n.Value})
	case identity.RevokedSession:
		return end.revokeSession(tx, n.Value)
	case identity.RevokedPrincipal:
		return end.revokePrincipal(tx, n.Value)
	case identity.RevokedKey:
		if err := mayChangeKeys(caller); err != nil {
			return err
		}
		gone, err := s.ring.Delete(ctx, tx, n.Value)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, caller, audit.Change{Name: "key.deleted", Target: n.Value, Before: keyState(gone)})
	case identity.RevokedAll:
		return s.revokeAll(ctx, tx, caller, n.Before)
	}
	return identity.InvalidField("kind", "must be jti, sid, sub, kid or all")
}

// revokeSession ends a session, and revokes its tokens also where it has ended before, as by a
// logout.
func (s *search) revokeSession(tx *store.DB, id string) error {
	standing, err := tx.Standing(s.ctx, id)
	if err != nil {
		return err
	}
	if err := mayChange(s.caller, standing.User.Permissions, standing.User.Roles.Permissions); err != nil {
		return err
	}
	if err := s.endSession(id)(tx); err != nil {
		return err
	}
	if err := tx.RevokeIssued(s.ctx, identity.RevokedSession, id); err != nil {
		return err
	}
	return audit.Record(s.ctx, tx, s.caller, audit.Change{Name: "session.tokens.revoked", Target: id})
}

// revokePrincipal takes from a user or client all that it got, and leaves what it proves itself
// with.
func (s *search) revokePrincipal(tx *store.DB, id string) error {
	user, err := tx.User(s.ctx, id)
	if err == nil {
		if err := mayChange(s.caller, user.Permissions, user.Roles.Permissions); err != nil {
			return err
		}
		return s.endTokensOfUser(id)(tx)
	}
	if identity.KindOf(err) != identity.NotFound {
		return err
	}
	client, err := tx.Client(s.ctx, id)
	if err != nil {
		return err
	}
	if err := mayChange(s.caller, client.Permissions, client.Roles.Permissions); err != nil {
		return err
	}
	return s.endTokensOfClient(id)(tx)
}

func (s *Service) revokeAll(ctx context.Context, tx *store.DB, caller identity.Caller, before time.Time) error {
	if err := caller.Require(identity.PermissionAdmin); err != nil {
		return err
	}
	r, err := tx.NewRevocation(ctx, identity.RevokedAll, "")
	if err != nil {
		return err
	}
	if !before.IsZero() {
		r.Before = before.Truncate(time.Second)
	}
	if err := tx.Revoke(ctx, r); err != nil {
		return err
	}
	type view struct {
		Before time.Time `json:"before"`
	}
	return audit.Record(ctx, tx, caller, audit.Change{Name: "tokens.revoked", After: view{r.Before.UTC()}})
}

// Revocations returns a page of the revocations that may still concern a token, the newest
// first; before is the id behind which it begins, or empty. It needs identity:tokens:read.
func (s *Service) Revocations(ctx context.Context, caller identity.Caller, before string, limit int) ([]identity.Revocation, error) {
	if err := caller.Require(identity.PermissionTokensRead); err != nil {
		return nil, err
	}
	return s.db.RevocationPage(ctx, before, limit)
}
