package server

import (
	"context"
	"time"
)

const (
	upkeepInterval = time.Minute
	pruneBatch     = 1000
)

// upkeep removes what is no longer needed, once a minute until ctx ends. Nothing
// expires by it: whatever it removes has been refused before.
func (s *Server) upkeep(ctx context.Context) {
	ticker := time.NewTicker(upkeepInterval)
	defer ticker.Stop()
	for {
		for name, job := range map[string]func(context.Context) error{
			"spent assertions": s.pruneAssertions,
			"changes":          s.in.DB.PruneChanges,
			"signing keys":     s.in.Ring.Upkeep,
		} {
			if err := job(ctx); err != nil && ctx.Err() == nil {
				s.logger.WarnContext(ctx, "upkeep failed; it is tried again in a minute", "of", name, "error", err.Error())
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// usesInterval is how late last_login_at and last_used_at may be.
const usesInterval = 5 * time.Second

// storeUses stores who logged in and what was used, a few seconds' worth at once,
// until ctx ends, and then what is left.
func (s *Server) storeUses(ctx context.Context) {
	ticker := time.NewTicker(usesInterval)
	defer ticker.Stop()
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case <-ticker.C:
		}
		if err := s.authn.StoreUses(context.WithoutCancel(ctx)); err != nil {
			s.logger.WarnContext(ctx, "the times of last use could not be stored", "error", err.Error())
		}
	}
}

// pruneAssertions goes in batches, so that no transaction holds up the others.
func (s *Server) pruneAssertions(ctx context.Context) error {
	for {
		n, err := s.in.DB.PruneAssertions(ctx, pruneBatch)
		if err != nil || n < pruneBatch {
			return err
		}
	}
}
