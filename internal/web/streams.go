package web

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// multiplexed bounds the requests that HTTP/2 connections have at once, each of which
// has many: to as many as there may be connections. So a caller who begins requests and
// sends nothing more, or takes no answer, costs over HTTP/2 no more than over HTTP/1,
// where the connections are the bound. What is held of a source ends with its last
// request.
type multiplexed struct {
	most, perSource int // 0: any number
	proxies         proxies

	mu      sync.Mutex
	all     int
	sources map[netip.Prefix]int
}

// begin counts a request until its stream is closed, which is after the last byte of
// its answer was taken, and reports whether there are too many. Whoever is told so may
// leave the answer untaken too: where there are twice too many, the request is to be cut.
func (m *multiplexed) begin(r *http.Request) (tooMany, cut bool) {
	if r.ProtoMajor < 2 {
		return false, false
	}
	peer, _ := parseHop(r.RemoteAddr)
	source, _ := countedSource(peer, m.proxies)
	ctx := r.Context()
	if whole, ok := ctx.Value(wholeKey{}).(context.Context); ok {
		ctx = whole
	}
	context.AfterFunc(ctx, func() { m.end(source) })
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all++
	of := 0
	if source.IsValid() {
		if m.sources == nil {
			m.sources = map[netip.Prefix]int{}
		}
		m.sources[source]++
		of = m.sources[source]
	}
	beyond := func(times int) bool {
		return m.most > 0 && m.all > times*m.most || m.perSource > 0 && of > times*m.perSource
	}
	return beyond(1), beyond(2)
}

func (m *multiplexed) end(source netip.Prefix) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all--
	if source.IsValid() {
		if m.sources[source]--; m.sources[source] <= 0 {
			delete(m.sources, source)
		}
	}
}

func (m *multiplexed) open() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all
}

type wholeKey struct{}

// WithDeadline ends what a request waits for: a slot for hashing, the database. Its stream
// may be open for longer: its context is kept beside the one with the deadline.
func WithDeadline(d time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), wholeKey{}, r.Context()), d)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// countedSource returns the source that a peer counts for, and reports whether it is on
// this machine. Whoever is, or is one of the proxies, stands for many and counts for
// none.
func countedSource(peer netip.Addr, ps proxies) (source netip.Prefix, local bool) {
	local = !peer.IsValid() || peer.IsLoopback() // no address is that of a Unix socket
	if !local && !ps.trust(peer) {
		source = SourceOf(peer)
	}
	return source, local
}
