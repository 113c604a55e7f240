package server

import (
	"context"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

const (
	upkeepInterval = time.Minute
	pruneBatch     = 1024
	leaseTerm      = upkeepInterval + upkeepInterval/2
	// pruneFor bounds how long one kind of things is pruned at a time; what is left then is
	// for the next minute. All kinds together are done before the lease expires.
	pruneFor = 20 * time.Second
)

// upkeep removes what is no longer needed and rotates the signing keys, once a minute
// until ctx ends, on whichever node has the lease. Nothing expires by it: whatever it
// removes has been refused before. A node that is gone is followed by another when its
// lease has expired.
func (s *Server) upkeep(ctx context.Context) {
	holder := identity.NewID(time.Now())
	ticker := time.NewTicker(upkeepInterval)
	defer ticker.Stop()
	defer func() {
		leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = s.in.DB.LeaveLease(leaving, store.LeaseUpkeep, holder) // else it expires
	}()
	for {
		ours, err := s.in.DB.TakeLease(ctx, store.LeaseUpkeep, holder, leaseTerm)
		if err != nil && ctx.Err() == nil {
			s.logger.WarnContext(ctx, "upkeep failed; it is tried again in a minute", "of", "the lease", "error", err.Error())
		}
		if ours {
			s.Upkeep(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Upkeep does once what is to be done from time to time.
func (s *Server) Upkeep(ctx context.Context) {
	for _, job := range []struct {
		of string
		do func(context.Context) error
	}{
		{"rotation of signing keys", s.rotateKeys}, // first: pruning can take long
		{"signing keys", s.in.Ring.Upkeep},
		{"changes", s.in.DB.PruneChanges},
		{"spent assertions", batches(s.in.DB.PruneAssertions)},
		{"revocations", batches(s.in.DB.PruneRevocations)},
		{"idempotency keys", batches(s.in.DB.PruneDone)},
		{"sessions", batches(s.in.DB.PruneSessions)},
		{"throttles", batches(s.in.DB.PruneThrottles)},
		{"throttles beyond the cap", batches(s.capThrottles)},
		{"the audit", batches(s.cutAudit)},
	} {
		if err := job.do(ctx); err != nil && ctx.Err() == nil {
			s.logger.WarnContext(ctx, "upkeep failed; it is tried again in a minute", "of", job.of, "error", err.Error())
		}
	}
}

// mostThrottles is how many names are kept of which attempts are counted: some 50 MB.
const mostThrottles = 100_000

func (s *Server) capThrottles(ctx context.Context, limit int) (int64, error) {
	return s.in.DB.LimitThrottles(ctx, mostThrottles, limit)
}

// rotation is on whose behalf keys are rotated.
var rotation = identity.LocalAdministrator("rotation")

func (s *Server) rotateKeys(ctx context.Context) error {
	done, err := s.in.Admin.RotateKeys(ctx, rotation)
	for _, r := range done {
		s.logger.InfoContext(ctx, "a signing key takes over", "kid", r.Next.KID, "algorithm", r.Next.Algorithm, "activates_at", r.Next.ActivatesAt, "former", r.Former.KID)
	}
	return err
}

// usesInterval is how late last_login_at and last_used_at may be.
const usesInterval = 5 * time.Second

// storeUses stores who logged in and what was used, a few seconds' worth at once,
// until ctx ends, and then what is left. It also keeps small what is remembered of
// addresses.
func (s *Server) storeUses(ctx context.Context) {
	ticker := time.NewTicker(usesInterval)
	defer ticker.Stop()
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case <-ticker.C:
		}
		s.authn.Prune()
		if err := s.authn.StoreUses(context.WithoutCancel(ctx)); err != nil {
			s.logger.WarnContext(ctx, "the times of last use could not be stored", "error", err.Error())
		}
	}
}

// batches prunes until nothing is left to prune, or for pruneFor, in batches, so that no
// transaction holds up the others.
func batches(prune func(ctx context.Context, limit int) (int64, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		for began := time.Now(); time.Since(began) < pruneFor; {
			n, err := prune(ctx, pruneBatch)
			if err != nil || n < pruneBatch {
				return err
			}
		}
		return nil
	}
}
