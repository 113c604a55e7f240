package store

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	pollInterval = 250 * time.Millisecond
	// trust is how long memory may be used after the start of a successful
	// poll. It bounds how late any node learns of a change.
	trust       = time.Second
	pollTimeout = 1500 * time.Millisecond
	// askInterval is how far apart polls are that anybody can cause, but for the first
	// askBurst.
	askInterval = 100 * time.Millisecond
	askBurst    = 20
)

// Follower keeps what a node holds in memory true. It reads the changes table
// and drops from its Caches what others have touched. What it has not been able
// to check for a second is not used: then the database is asked, and if it is
// away the caller gets Unavailable, never an old answer.
type Follower struct {
	db     *DB
	logger *slog.Logger

	polling sync.Mutex         // one poll at a time
	asking  singleflight.Group // requests that wait share one, and its failure

	mu       sync.RWMutex
	revision int64     // changes up to this one have been applied
	session  int64     // the connection on which that was found out
	polledAt time.Time // start of the last successful poll, zero before the first
	failure  error     // of the last poll, if it failed
	failedAt time.Time // end of that
	askedAt  time.Time // when the last poll for Ask was due
	caches   []dropper
}

// dropper is a Cache of any type.
type dropper interface {
	drop(kind, id string)
	dropAll()
}

// Follow returns a Follower of the database. It works without Run, then polling
// when it is asked.
func (db *DB) Follow(logger *slog.Logger) *Follower {
	return &Follower{db: db, logger: logger}
}

// Run polls four times a second until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for failing := false; ; {
		err := f.Poll(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failing {
			f.logger.WarnContext(ctx, "the database cannot be polled; memory is not trusted until it can", "error", err.Error())
		}
		if err == nil && failing {
			f.logger.InfoContext(ctx, "the database can be polled again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Poll applies what has changed since the last poll.
func (f *Follower) Poll(ctx context.Context) error {
	f.polling.Lock()
	defer f.polling.Unlock()
	return f.poll(ctx)
}

// Changed makes a change that this node has just made hold for its next request. Where
// that cannot be read, memory is not trusted until it can.
func (f *Follower) Changed(ctx context.Context) {
	if f.Poll(ctx) == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.polledAt.IsZero() {
		f.polledAt = f.polledAt.Add(-trust)
	}
}

// Ask polls for whoever has seen something that memory does not explain. Strangers can
// bring that about at will, so in the long run it is done ten times a second at most: those
// who ask meanwhile wait for the next time, and share it.
func (f *Follower) Ask(ctx context.Context) error {
	asked := f.asking.DoChan("ask", func() (any, error) {
		time.Sleep(f.untilNextAsk())
		f.asking.Forget("ask") // whoever asks from now on may have seen what this poll does not
		return nil, f.Poll(context.WithoutCancel(ctx))
	})
	select {
	case result := <-asked:
		return result.Err
	case <-ctx.Done():
		return f.db.failed("waiting for the database", ctx.Err())
	}
}

// untilNextAsk returns how long the next poll for Ask has to wait, and counts it.
func (f *Follower) untilNextAsk() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if earliest := now.Add(-askBurst * askInterval); f.askedAt.Before(earliest) {
		f.askedAt = earliest
	}
	f.askedAt = f.askedAt.Add(askInterval)
	return max(0, f.askedAt.Sub(now))
}

// fresh makes sure that memory may be trusted now.
func (f *Follower) fresh(ctx context.Context) error {
	if trusted, failure := f.standing(); trusted || failure != nil {
		return failure
	}
	polled := f.asking.DoChan("", func() (any, error) {
		f.polling.Lock()
		defer f.polling.Unlock()
		if trusted, failure := f.standing(); trusted || failure != nil { // somebody has polled meanwhile
			return nil, failure
		}
		return nil, f.poll(context.WithoutCancel(ctx))
	})
	select {
	case result := <-polled:
		return result.Err
	case <-ctx.Done():
		return f.db.failed("waiting for the database", ctx.Err())
	}
}

// standing reports whether memory may be trusted, and if not whether that was found out
// just now: then asking again at once would only make more callers wait.
func (f *Follower) standing() (trusted bool, failure error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if !f.polledAt.IsZero() && time.Since(f.polledAt) < trust {
		return true, nil
	}
	if f.failure != nil && time.Since(f.failedAt) < pollInterval {
		return false, f.failure
	}
	return false, nil
}

// poll asks the database and remembers if it could not. A caller who went away says
// nothing about it.
func (f *Follower) poll(ctx context.Context) error {
	err := f.apply(ctx)
	if ctx.Err() != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failure, f.failedAt = err, time.Now()
	return err
}

// apply drops what has changed from memory.
func (f *Follower) apply(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	began := time.Now() // the real clock: trust is about this process, not about the domain
	revision, session, err := f.db.state(ctx)
	if err != nil {
		return err
	}
	f.mu.RLock()
	since, before, same := f.revision, f.polledAt, f.session == session
	f.mu.RUnlock()
	if before.IsZero() || began.Sub(before) > changeRetention || revision < since || !same {
		f.startOver(revision, session, began)
		return nil
	}
	var changes []entry
	if revision > since {
		if changes, err = f.db.changesSince(ctx, since); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revision = revision
	for _, c := range changes {
		for _, cache := range f.caches {
			cache.drop(c.kind, c.id)
		}
		f.revision = max(f.revision, c.revision)
	}
	f.polledAt = began
	return nil
}

// startOver forgets everything, because what changed cannot be known: this is the first
// poll, or the last one was long ago, or the database may be another than before, such as
// a restored one, or a standby that had not got the last changes: there the same numbers
// are others.
func (f *Follower) startOver(revision, session int64, began time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, cache := range f.caches {
		cache.dropAll()
	}
	f.revision, f.session, f.polledAt = revision, session, began
}
