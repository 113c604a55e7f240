package web

import (
	"fmt"
	"net/http"
	"net/netip"
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
// when the peer is a trusted proxy, what it says in X-Forwarded-For. That list
// is walked from its end, which the nearest proxy wrote, over trusted hops to
// the first that is not. A hop that is no address ends the walk, since whoever
// wrote it could have written everything before it too; the last address found
// then stands, so that a broken list never yields none.
func (ps proxies) remoteIP(r *http.Request) netip.Addr {
	ip, _ := parseHop(r.RemoteAddr)
	// RFC 9110 section 5.3: several lines are one list.
	list := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	for more := true; more && ps.trust(ip); {
		var hop string
		if i := strings.LastIndexByte(list, ','); i >= 0 {
			list, hop = list[:i], list[i+1:]
		} else {
			hop, more = list, false
		}
		next, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
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
