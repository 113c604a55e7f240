package audit

import (
	"context"
	"log/slog"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

// detail is the detail of an event that is not written out yet.
type detail struct {
	api.EventDetail
	reason *identity.Reason // its facts are written out later
}

// Run stores what is recorded, until ctx ends, and then what is left. Until it returns,
// nothing that was recorded before ctx ended is lost, unless it says so in the log.
func (r *Recorder) Run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-r.hurry:
		}
		pause(ctx, flushAfter, r.hurry)
		for ctx.Err() == nil && r.flush(ctx, false) != nil {
			pause(ctx, 2*flushAfter, nil)
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storePatience)
	defer cancel()
	for r.flush(ctx, true) != nil {
		if pause(ctx, flushAfter, nil); ctx.Err() != nil {
			r.logger.ErrorContext(ctx, "events could not be stored in the audit before the end; the log has each of the requests", slog.Int("events", r.Waiting()))
			return
		}
	}
}

// pause waits for a time, or until somebody is in a hurry.
func pause(ctx context.Context, d time.Duration, hurry <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-hurry:
	}
}

// Flush stores all that was recorded before.
func (r *Recorder) Flush(ctx context.Context) error { return r.flush(ctx, true) }

// flush stores what was recorded; merged refusals when their time has come, or all of them.
// What cannot be stored stays.
func (r *Recorder) flush(ctx context.Context, all bool) error {
	r.storing.Lock()
	defer r.storing.Unlock()
	for {
		if r.pending == nil {
			if r.pending = r.take(all); r.pending == nil {
				return nil
			}
		}
		err := r.nameActors(ctx)
		if err == nil {
			err = r.db.AppendEvents(ctx, r.pending)
		}
		// The ids are ours alone: where they are taken, the answer of an earlier attempt
		// was lost, and all of them are stored.
		if err != nil && (!r.tried || identity.KindOf(err) != identity.Conflict) {
			r.tried = true
			if !r.failing {
				r.failing = true
				r.logger.WarnContext(ctx, "events cannot be stored in the audit; they wait, and when too many do, requests wait too", slog.String("error", err.Error()))
			}
			return err
		}
		if r.failing {
			r.failing = false
			r.logger.InfoContext(ctx, "events are stored in the audit again")
		}
		r.pending, r.tried = nil, false
		r.mu.Lock()
		r.taken = 0
		if r.room != nil {
			close(r.room)
			r.room = nil
		}
		more := r.waiting() > 0
		r.mu.Unlock()
		if more && !all {
			signal(r.wake)
		}
		if !more || !all {
			return nil
		}
	}
}

// take takes what waits, as events in the order of their times; nil is nothing.
func (r *Recorder) take(all bool) []identity.Event {
	r.mu.Lock()
	rows, equal, shared := r.rows, r.equal, map[merged]*tally(nil)
	r.rows, r.equal, r.callers = nil, map[Success]*tally{}, map[string]int{}
	if len(r.refused.of) > 0 && (all || time.Since(r.refused.since) >= mergeFor) {
		shared, r.refused.of = r.refused.of, map[merged]*tally{}
	}
	r.taken = len(rows) + len(equal) + len(shared)
	r.mu.Unlock()
	for s, t := range equal {
		rows = append(rows, s.row(t))
	}
	for like, t := range shared {
		rows = append(rows, like.row(t))
	}
	return written(rows)
}
