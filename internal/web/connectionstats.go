package web

import (
	"context"
	"net/netip"
	"time"
)

// LimitStats counts what a limit of connections has done since the start.
type LimitStats struct {
	Refused uint64 // new connections that were closed at once
	Closed  uint64 // connections without a request that were closed for a new one
}

func (s *LimitStats) add(more LimitStats) {
	s.Refused += more.Refused
	s.Closed += more.Closed
}

// ConnectionStats is the state of the connections at one moment, for metrics.
type ConnectionStats struct {
	Open, Limit int
	Waiting     int // of the open ones, those without a request
	Sources     int // with a limit, that have a connection
	// InAll and OfAddress are what the two limits did.
	InAll, OfAddress LimitStats
}

// Stats returns the state of the connections.
func (cs *Connections) Stats() ConnectionStats {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return ConnectionStats{
		Open: cs.open, Limit: cs.cfg.Most, Waiting: cs.waiting.Len(), Sources: len(cs.sources),
		InAll: cs.count[inAll], OfAddress: cs.count[ofAddress],
	}
}

// reached counts that a limit was reached, and says so once a second at most: whoever
// causes it can cause it at will. The mutex is held.
func (cs *Connections) reached(l limit, peer netip.Addr, did LimitStats) {
	cs.count[l].add(did)
	cs.unsaid.add(did)
	if now := cs.cfg.Now(); now.Sub(cs.said) >= time.Second {
		cs.cfg.Logger.WarnContext(context.Background(), "connections are at a limit", "limit", l.String(), "by", peer.String(),
			"refused", cs.unsaid.Refused, "closed_without_request", cs.unsaid.Closed, "open", cs.open)
		cs.said, cs.unsaid = now, LimitStats{}
	}
}
