package web

import (
	"context"
	"net/netip"
)

// SourceOf returns what of the address space belongs to the one party behind an
// address: an IPv4 address by itself, of IPv6 the /64, in which whoever has one
// address has all of them (RFC 4291 section 2.5.1). It is the zero Prefix for the
// zero Addr.
func SourceOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 32
	}
	source, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return source
}

// Source returns the source of the request that ctx belongs to: SourceOf its
// RemoteIP.
func Source(ctx context.Context) netip.Prefix { return SourceOf(RemoteIP(ctx)) }
