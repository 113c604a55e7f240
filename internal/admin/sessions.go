package admin

import (
	"context"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Sessions returns a page of the sessions that are not over, those that began last first.
// It needs identity:sessions:read.
func (s *Service) Sessions(ctx context.Context, caller identity.Caller, f store.SessionFilter) ([]identity.Session, error) {
	if err := caller.Require(identity.PermissionSessionsRead); err != nil {
		return nil, err
	}
	return s.db.Sessions(ctx, f)
}

// EndSession ends a session: its refresh token is good no more, and neither are its
// access tokens here; elsewhere those go on until verifiers read the revocation list, or,
// where they do not, until they expire. It needs
// identity:sessions:write, and every permission of this service that its user holds.
func (s *Service) EndSession(ctx context.Context, caller identity.Caller, id string) error {
	return alter(ctx, s, caller, alteration[identity.Session]{
		permission: identity.PermissionSessionsWrite,
		find:       func(tx *store.DB) (identity.Session, error) { return tx.Session(ctx, id) },
		may: func(tx *store.DB, found identity.Session) error {
			user, err := tx.User(ctx, found.UserID)
			if err != nil {
				return err
			}
			return mayChange(caller, user.Permissions, user.Roles.Permissions)
		},
		write: func(tx *store.DB, found, _ identity.Session) (audit.Change, error) {
			_, err := tx.EndSession(ctx, id, identity.EndAdministrator)
			return audit.Change{Name: "session.ended", Target: id, Before: sessionState(found)}, err
		},
	})
}

// EndSessionsOf ends all sessions of a user. It needs what EndSession needs.
func (s *Service) EndSessionsOf(ctx context.Context, caller identity.Caller, userID string) error {
	change := s.alterUser(ctx, caller, userID, nil)
	change.permission = identity.PermissionSessionsWrite
	change.write = func(tx *store.DB, _, _ identity.User) (audit.Change, error) {
		ended, err := tx.EndSessionsOf(ctx, userID, identity.EndAdministrator)
		return audit.Change{Name: "user.sessions.ended", Target: userID, After: endedView{Sessions: ended}}, err
	}
	return alter(ctx, s, caller, change)
}

// EndAllSessions ends every session at once, whatever their number, by raising the epoch
// and making a new secret of refresh tokens: none that is out is good any more, also none
// that a restored backup would take for unused. It needs identity:admin.
func (s *Service) EndAllSessions(ctx context.Context, caller identity.Caller) error {
	if err := caller.Require(identity.PermissionAdmin); err != nil {
		return err
	}
	return s.change(ctx, caller, func(tx *store.DB) error {
		epoch, err := tx.RaiseEpoch(ctx)
		if err != nil {
			return err
		}
		if err := s.ring.ReplaceRefreshKey(ctx, tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, caller, audit.Change{Name: "sessions.ended", After: epochView{time.UnixMilli(epoch).UTC()}})
	})
}

// MayEndSession says in advance whether the caller may end the session: see MayChangeUser.
func (s *Service) MayEndSession(ctx context.Context, caller identity.Caller, id string) error {
	found, err := s.db.Session(ctx, id)
	if err != nil {
		return err
	}
	return s.MayChangeUser(ctx, caller, found.UserID)
}

// endUser makes everything count no more that was issued to the user before, as far as
// that is known here: tokens and sessions. It runs in tx, and UpdateUser stores the user.
func endUser(ctx context.Context, tx *store.DB, user *identity.User) error {
	user.EndTokens(tx.Now())
	_, err := tx.EndSessionsOf(ctx, user.ID, identity.EndUserChanged)
	return err
}

type sessionView struct {
	UserID    string    `json:"user_id"`
	Audience  string    `json:"audience"`
	CreatedAt time.Time `json:"created_at"`
	Refreshes int       `json:"refreshes"`
}

func sessionState(s identity.Session) sessionView {
	return sessionView{s.UserID, s.Audience, s.CreatedAt, s.Refreshes}
}

type endedView struct {
	Sessions int64 `json:"sessions"`
}

type epochView struct {
	Epoch time.Time `json:"epoch"`
}
