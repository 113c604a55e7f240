package web

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// watchers is how many requests are worked on at once on each route that is Always
// served.
const watchers = 100

// gate bounds how many requests are worked on at once. One that waits for its caller,
// who sends a body or takes a response slowly, is not: what that costs is bounded by
// the connections and their deadlines, and slow callers shall not keep others out.
type gate struct {
	most    int64 // 0: any number
	inside  atomic.Int64
	refused atomic.Uint64
}

// Enter takes the place of a request on a Late route among those that are worked on, when
// it comes to what it has to wait for. It is Overloaded where there are too many. It does
// nothing where the request has its place.
func Enter(ctx context.Context) error {
	e := eventOf(ctx)
	if e.later == nil || e.place != nil {
		return nil
	}
	return e.enter(e.later)
}

// enter lets the request in, or refuses it as Overloaded.
func (e *event) enter(g *gate) error {
	if n := g.inside.Add(1); g.most > 0 && n > g.most {
		g.inside.Add(-1)
		return g.refuse()
	}
	e.place = g
	return nil
}

// refuse counts a request that is refused.
func (g *gate) refuse() error {
	g.refused.Add(1)
	return &identity.Error{Kind: identity.Overloaded, Message: "Too many requests at once. Try again shortly.", RetryAfter: time.Second}
}

// leave gives the place back, if the request has one, and returns the gate.
func (e *event) leave() *gate {
	g := e.place
	if g != nil {
		g.inside.Add(-1)
		e.place = nil
	}
	return g
}

// Meanwhile does something that waits for others than this service, during which the request
// that ctx belongs to leaves its place among those that are worked on. It is Overloaded where
// there are too many then.
func Meanwhile(ctx context.Context, wait func()) error { return eventOf(ctx).meanwhile(wait) }

// meanwhile does something that waits for the caller, outside of the gate.
func (e *event) meanwhile(wait func()) error {
	g := e.leave()
	wait()
	if g == nil {
		return nil
	}
	return e.enter(g)
}

// Load is how much a Router has to do at one moment, for metrics.
type Load struct {
	Requests, Limit int    // that are worked on
	Streams         int    // requests over HTTP/2 whose streams are open, also those that wait for their callers
	Overloaded      uint64 // requests refused for either since New
}

// Load returns how much there is to do. What is Always served is not counted.
func (rt *Router) Load() Load {
	return Load{
		Requests: int(rt.requests.inside.Load()), Limit: int(rt.requests.most), Streams: rt.streams.open(), Overloaded: rt.requests.refused.Load(),
	}
}
