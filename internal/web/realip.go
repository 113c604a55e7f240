package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the networks whose word about the caller's address is taken.
type proxies []netip.Prefix

func newProxies(list []netip.Prefix) (proxies, error) {
	var ps proxies
	for _, p := range list {
		if !p.IsValid() {
			return nil, fmt.Errorf("trusted proxy %q: want a network such as 10.0.0.0/8", p)
		}
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		ps = append(ps, p)
	}
	return ps, nil
}

func (ps proxies) trust(a netip.Addr) bool {
	for _, p := range ps {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// remoteIP returns the address that the request comes from: the peer's, or,
// when the peer is a trusted proxy, what it says in Forwarded (RFC 7239) or
// X-Forwarded-For. Where both are there they must say the same: a proxy that
// writes one of them passes on what the caller put into the other. If they do
// not, the peer's own address stands. ignored reports whether the peer says
// something and is not believed.
func (ps proxies) remoteIP(r *http.Request) (ip netip.Addr, ignored bool) {
	peer, _ := parseHop(r.RemoteAddr)
	// RFC 9110 section 5.3: several lines are one list.
	standard, plain := r.Header.Values("Forwarded"), r.Header.Values("X-Forwarded-For")
	if len(standard)+len(plain) == 0 {
		return peer, false
	}
	if !ps.trust(peer) {
		return peer, true
	}
	byStandard := ps.walk(peer, forwardedHops(standard))
	byPlain := ps.walk(peer, strings.Split(strings.Join(plain, ","), ","))
	switch {
	case len(standard) == 0:
		return byPlain, false
	case len(plain) == 0 || byStandard == byPlain:
		return byStandard, false
	default:
		return peer, false
	}
}

// walk goes through the hops from the end, which the nearest proxy wrote, over
// trusted ones to the first that is not. A hop that is no address ends the walk,
// since whoever wrote it could have written everything before it too; the last
// address found then stands, so that a broken list never yields none.
func (ps proxies) walk(ip netip.Addr, hops []string) netip.Addr {
	for _, hop := range slices.Backward(hops) {
		next, ok := parseHop(strings.TrimSpace(hop))
		if !ok || !ps.trust(ip) {
			break
		}
		ip = next
	}
	return ip
}

// parseHop reads an address with or without port. An IPv4 address mapped into
// IPv6 is that IPv4 address, and a zone, which means nothing elsewhere, is
// dropped: one caller has one spelling.
func parseHop(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		ap, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		a = ap.Addr()
	}
	return a.Unmap().WithZone(""), true
}
