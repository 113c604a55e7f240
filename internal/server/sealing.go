package server

import (
	"context"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

const (
	// sealInterval is how long an event waits to be sealed, as long as sealing is quick.
	sealInterval = 500 * time.Millisecond
	// sealTerm is after how long another node seals in the place of one that is gone.
	sealTerm = 3 * time.Second
	// sealFor bounds one go.
	sealFor = 10 * time.Second
)

// sealAudit seals what has come to the audit, twice a second until ctx ends and then once
// more, on whichever node has the lease; where there is nothing to seal it only looks.
func (s *Server) sealAudit(ctx context.Context) {
	holder := identity.NewID(time.Now())
	ticker := time.NewTicker(sealInterval)
	defer ticker.Stop()
	fault := ""
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case <-ticker.C:
		}
		told := ""
		if err := s.sealOnce(context.WithoutCancel(ctx), holder); err != nil {
			told = err.Error()
		}
		if told != "" && told != fault { // once: it is tried twice a second
			s.logger.ErrorContext(ctx, "the audit is not sealed; events are recorded and wait for it", "reason", told)
		}
		if told == "" && fault != "" {
			s.logger.InfoContext(ctx, "the audit is sealed again")
		}
		fault = told
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = s.in.DB.LeaveLease(leaving, store.LeaseAudit, holder) // else it expires
}

func (s *Server) sealOnce(ctx context.Context, holder string) error {
	ctx, cancel := context.WithTimeout(ctx, sealFor)
	defer cancel()
	waiting, err := s.in.DB.Unsealed(ctx, 1)
	if err != nil || len(waiting) == 0 {
		return err
	}
	ours, err := s.in.DB.TakeLease(ctx, store.LeaseAudit, holder, sealTerm)
	if err != nil || !ours {
		return err
	}
	_, err = s.in.Sealer.Seal(ctx)
	return err
}

// cutAudit cuts what is older than the retention, if there is one.
func (s *Server) cutAudit(ctx context.Context, limit int) (int64, error) {
	if s.auditRetention == 0 {
		return 0, nil
	}
	return s.in.Sealer.Cut(ctx, s.in.DB.Now().Add(-s.auditRetention), limit)
}
