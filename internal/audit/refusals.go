package audit

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"runtime/trace"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/ratelimit"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// The events of refusals: one, and those that have not got a row of their own.
const (
	RequestRefused  = "request.refused"
	RequestsRefused = "requests.refused"
)

const (
	// rowsOfCaller is how many refusals of one caller, who has proven to be one, have a row
	// of their own in a batch.
	rowsOfCaller = 20
	// mergeFor is how long refusals are merged before that is stored.
	mergeFor = 30 * time.Second
	// mergedMost is how many groups of merged refusals are told apart by route, network and
	// caller; the others by code and check alone.
	mergedMost = 64
)

// strangers bounds the rows that callers can cause who have proven nothing.
var strangers = ratelimit.Policy{Burst: 1000, Interval: time.Second}

// refusals is what is known of those that share rows.
type refusals struct {
	used  time.Time // of the budget of strangers: see ratelimit.Policy.Look
	of    map[merged]*tally
	since time.Time // when the first of them was merged
}

// merged are the refusals that share a row.
type merged struct {
	method, route, code, actor string
	check                      identity.Check
	network                    netip.Prefix
}

// Refused records that a request was refused, in a row of its own while the budget lasts:
// strangers have one together, who has proven to be somebody has one alone. What is not
// found is an answer and no refusal. It only touches memory.
func (r *Recorder) Refused(ctx context.Context, f web.Refusal) {
	defer trace.StartRegion(ctx, "audit.Refused").End()
	if f.Code == identity.NotFound.String() {
		return
	}
	now := r.db.Now()
	e := row{
		Event: identity.Event{
			ID: identity.NewID(now), At: now, Name: RequestRefused, Outcome: identity.OutcomeFailure,
			Actor: f.Principal, RequestID: f.RequestID,
		},
		detail: detail{EventDetail: api.EventDetail{Reason: f.Text, Code: f.Code, Status: f.Status, Method: f.Method, Route: f.Pattern}},
	}
	if f.IP.IsValid() {
		e.IP = f.IP.String()
	}
	if f.Reason != nil {
		e.Actor = cmp.Or(e.Actor, f.Reason.About)
		e.detail.Check, e.detail.Reason, e.detail.Credential = string(f.Reason.Check), f.Reason.Text, f.Reason.Credential
		e.detail.reason = f.Reason
	}
	r.mu.Lock()
	if r.ownRow(f) {
		r.rows = append(r.rows, e)
		n := r.waiting()
		r.mu.Unlock()
		r.added(n)
		return
	}
	r.merge(f, identity.Check(e.detail.Check), now)
	r.mu.Unlock()
	r.merges.Add(1)
}

// ownRow reports whether a refusal gets a row of its own. One that says that the service
// cannot go on needs none where memory is full: that has filled it.
func (r *Recorder) ownRow(f web.Refusal) bool {
	most := 2 * waitingMost
	if f.Status >= http.StatusInternalServerError {
		most = waitingMost / 2
	}
	if r.waiting() >= most {
		return false
	}
	if f.Principal != "" {
		r.callers[f.Principal]++
		return r.callers[f.Principal] <= rowsOfCaller
	}
	now := time.Now()
	if strangers.Look(r.refused.used, now).Remaining == 0 {
		return false
	}
	r.refused.used = strangers.Take(r.refused.used, now)
	return true
}

// merge counts a refusal with others like it.
func (r *Recorder) merge(f web.Refusal, check identity.Check, now time.Time) {
	if len(r.refused.of) == 0 {
		r.refused.since = time.Now()
		time.AfterFunc(mergeFor, func() { signal(r.wake) })
	}
	like := merged{f.Method, f.Pattern, f.Code, f.Principal, check, network(f.IP)}
	if r.refused.of[like] == nil && len(r.refused.of) >= mergedMost {
		like = merged{code: f.Code, check: check}
	}
	t := r.refused.of[like]
	if t == nil {
		t = &tally{first: now}
		r.refused.of[like] = t
	}
	t.add(now)
}

// network is the part of the address space that merged refusals are told apart by: the /24
// of an IPv4 address, the /48 of IPv6.
func network(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap().WithZone("")
	bits := 48
	if ip.Is4() {
		bits = 24
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
