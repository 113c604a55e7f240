package clientkeys

import (
	"errors"
	"net/netip"
	"slices"
)

// notPublic4 are the IPv4 networks without hosts of the public internet, as the registry of
// special-purpose addresses has them (RFC 6890), and multicast.
var notPublic4 = prefixes(
	"0.0.0.0/8",        // this host, this network (RFC 791)
	"10.0.0.0/8",       // private (RFC 1918)
	"100.64.0.0/10",    // shared behind the NAT of a provider (RFC 6598)
	"127.0.0.0/8",      // loopback (RFC 1122)
	"168.63.129.16/32", // a public address by which one cloud is asked from within
	"169.254.0.0/16",   // link-local (RFC 3927), the metadata of most clouds
	"172.16.0.0/12",    // private
	"192.0.0.0/24",     // protocol assignments (RFC 6890)
	"192.0.2.0/24",     // documentation (RFC 5737)
	"192.31.196.0/24",  // AS112 (RFC 7535): whoever is near answers
	"192.52.193.0/24",  // multicast tunnels (RFC 7450)
	"192.88.99.0/24",   // relays of 6to4 (RFC 7526)
	"192.168.0.0/16",   // private
	"192.175.48.0/24",  // AS112 (RFC 7534)
	"198.18.0.0/15",    // benchmarks (RFC 2544)
	"198.51.100.0/24",  // documentation
	"203.0.113.0/24",   // documentation
	"224.0.0.0/4",      // multicast (RFC 5771)
	"240.0.0.0/4",      // reserved (RFC 1112), broadcast
)

// public6 is all that was ever given to hosts of the public internet (RFC 4291 section
// 2.4), and notPublic6 what of it is none. Outside of it are loopback, unspecified, unique
// local, link-local, site-local and multicast, and forms that hold IPv4 addresses.
var (
	public6    = netip.MustParsePrefix("2000::/3")
	notPublic6 = prefixes(
		"2001::/23",         // protocol assignments (RFC 2928), Teredo (RFC 4380) among them, which holds IPv4 addresses
		"2001:db8::/32",     // documentation (RFC 3849)
		"2002::/16",         // 6to4 (RFC 3056), which holds IPv4 addresses and is no more in use (RFC 7526)
		"2620:4f:8000::/48", // AS112
		"3fff::/20",         // documentation (RFC 9637)
	)
	// nat64 holds the IPv4 address that the last 32 bits are, on hosts that have no other
	// way to it (RFC 6052 section 2.1). That of a site has no form by which it could be known.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// meant is the address that is reached by this one.
func meant(a netip.Addr) netip.Addr {
	a = a.Unmap() // RFC 4291 section 2.5.5.2
	if nat64.Contains(a) {
		b := a.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return a
}

// public reports whether an address is one of the public internet.
func public(a netip.Addr) bool {
	a = meant(a)
	if a.Is4() {
		return !contain(notPublic4, a)
	}
	return public6.Contains(a) && !contain(notPublic6, a) // nothing contains an address with a zone
}

func contain(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

// networks are those that the operator allows.
type networks []netip.Prefix

func newNetworks(list []netip.Prefix) (networks, error) {
	for _, p := range list {
		if !p.IsValid() || p.Addr().Is4In6() {
			return nil, errors.New("a network where keys of clients may be must be one of IPv4 or of IPv6")
		}
	}
	return slices.Clone(list), nil
}

// have reports whether an address is in one of them.
func (n networks) have(a netip.Addr) bool { return contain(n, meant(a)) }
