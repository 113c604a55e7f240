package admin

import (
	"context"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Events returns a page of the audit, newest first. It needs identity:audit:read.
func (s *Service) Events(ctx context.Context, caller identity.Caller, f store.EventFilter) ([]identity.Event, error) {
	if err := caller.Require(identity.PermissionAuditRead); err != nil {
		return nil, err
	}
	return s.db.Events(ctx, f)
}
