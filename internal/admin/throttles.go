package admin

import (
	"context"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Throttles returns a page of the names on which attempts have to wait, those with the most
// attempts first. It needs identity:throttles:read.
func (s *Service) Throttles(ctx context.Context, caller identity.Caller, f store.ThrottleFilter) ([]identity.Throttle, error) {
	if err := caller.Require(identity.PermissionThrottlesRead); err != nil {
		return nil, err
	}
	return s.db.Throttled(ctx, f)
}

// ClearThrottle forgets the attempts on a name, so that the next one need not wait. It
// needs identity:throttles:write: whoever has that gives guesses away, and nothing else.
func (s *Service) ClearThrottle(ctx context.Context, caller identity.Caller, id string) error {
	return alter(ctx, s, caller, alteration[identity.Throttle]{
		permission: identity.PermissionThrottlesWrite,
		find:       func(tx *store.DB) (identity.Throttle, error) { return tx.Throttle(ctx, id) },
		may:        func(*store.DB, identity.Throttle) error { return nil },
		write: func(tx *store.DB, found, _ identity.Throttle) (audit.Change, error) {
			_, err := tx.ForgetThrottle(ctx, id)
			return audit.Change{Name: "throttle.cleared", Target: id, Before: throttleView{string(found.Kind), found.Source, found.Attempts}}, err
		},
	})
}

// throttleView leaves out the name, which may be anything that somebody has sent.
type throttleView struct {
	Kind     string `json:"kind"`
	Source   string `json:"source,omitempty"`
	Attempts int    `json:"attempts"`
}
