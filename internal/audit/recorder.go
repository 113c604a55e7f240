package audit

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"runtime/trace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

const (
	// flushAfter is how long the first event of a batch waits for others; storing them
	// takes the rest of the 200 ms that an event may be behind.
	flushAfter = 100 * time.Millisecond
	// waitingMost is how many rows wait in memory at most, some 10 MB, before requests have
	// to wait. Each of those that are worked on can add one more.
	waitingMost = 10_000
	// storePatience is how long storing what is left may take at the end.
	storePatience = 4 * time.Second
)

// Recorder records what became of requests that change nothing else: who got a token, and
// who was refused. It keeps that in memory for a moment and stores it with what comes
// meanwhile, so a request pays no statement for it. Its methods are safe for concurrent
// use; Run has to run.
type Recorder struct {
	db     *store.DB
	logger *slog.Logger
	merges atomic.Uint64
	// wake says that there is something to store, hurry that there is much of it.
	wake, hurry chan struct{}

	mu      sync.Mutex
	rows    []row
	equal   map[Success]*tally
	callers map[string]int // how many rows of this batch each caller has
	refused refusals
	taken   int           // rows that are being stored
	room    chan struct{} // closed when there is room again; nil while nobody waits for that

	storing sync.Mutex
	pending []identity.Event // that were taken and not stored yet
	tried   bool             // they may have been stored
	failing bool             // it was said that they cannot be
}

// row is an event that is not written out yet.
type row struct {
	identity.Event
	detail detail
}

// tally is how often the same thing happened.
type tally struct {
	n           int64
	first, last time.Time
	requestID   string // of the first
}

func (t *tally) add(at time.Time) {
	t.n++
	t.last = at
}

// NewRecorder makes a Recorder.
func NewRecorder(db *store.DB, logger *slog.Logger) (*Recorder, error) {
	if db == nil || logger == nil {
		return nil, errors.New("the recorder needs a database and a logger")
	}
	return &Recorder{
		db: db, logger: logger, wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1),
		equal: map[Success]*tally{}, callers: map[string]int{}, refused: refusals{of: map[merged]*tally{}},
	}, nil
}

// Room waits until there is room for what will become of a request: it is full where the
// database is away or slow. Its error is Unavailable, when ctx has ended before.
func (r *Recorder) Room(ctx context.Context) error {
	for {
		free := r.full()
		if free == nil {
			return nil
		}
		signal(r.hurry)
		select {
		case <-free:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return &identity.Error{
				Kind: identity.Unavailable, RetryAfter: time.Second,
				Err: errors.New("what becomes of requests cannot be stored in the audit, and there is no more room for it in memory"),
			}
		}
	}
}

// full returns what is closed when there is room again, or nil if there is.
func (r *Recorder) full() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting() < waitingMost {
		return nil
	}
	if r.room == nil {
		r.room = make(chan struct{})
	}
	return r.room
}

// waiting is how many rows are in memory.
func (r *Recorder) waiting() int { return len(r.rows) + len(r.equal) + r.taken }

// Success is that somebody got what they asked for. Equal ones within one batch become one
// row with a count.
type Success struct {
	// Event is one of the names below.
	Event string
	// Actor is who got it, Target the session that it is about, if any.
	Actor, Target string
	// SecretID and KeyID are what a machine proved itself with.
	SecretID, KeyID string
	Audience        string

	ip netip.Addr
}

// The events of successes.
const (
	LoginSucceeded   = "login.succeeded"
	TokenIssued      = "token.issued"
	SessionRefreshed = "session.refreshed"
	SessionEnded     = "session.ended"
)

// Succeeded records a success of the request that ctx belongs to. It only touches memory,
// where Room was made for it.
func (r *Recorder) Succeeded(ctx context.Context, s Success) {
	defer trace.StartRegion(ctx, "audit.Succeeded").End()
	s.ip = web.RemoteIP(ctx)
	now := r.db.Now()
	r.mu.Lock()
	t := r.equal[s]
	if t == nil {
		t = &tally{first: now, requestID: web.RequestID(ctx)}
		r.equal[s] = t
	}
	t.add(now)
	n := r.waiting()
	r.mu.Unlock()
	r.added(n)
}

// added has what waits be stored soon.
func (r *Recorder) added(waiting int) {
	if waiting == 1 {
		signal(r.wake)
	}
	if waiting >= waitingMost/2 {
		signal(r.hurry)
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Waiting returns how many rows wait to be stored, and Merged how many refusals have not got
// a row of their own since the start; for metrics.
func (r *Recorder) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waiting()
}

// Merged is documented at Waiting.
func (r *Recorder) Merged() uint64 { return r.merges.Load() }
