package web_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/web"
)

func TestSourceOf(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1":                "192.0.2.1/32",
		"::ffff:192.0.2.1":         "192.0.2.1/32",
		"2001:db8:0:1::1":          "2001:db8:0:1::/64",
		"2001:db8:0:1:ffff::2":     "2001:db8:0:1::/64",
		"2001:db8:0:2::1":          "2001:db8:0:2::/64",
		"fe80::1%eth0":             "fe80::/64",
		"::1":                      "::/64",
		"2001:db8:0:1::1%whatever": "2001:db8:0:1::/64",
	} {
		if got := web.SourceOf(netip.MustParseAddr(address)); got != netip.MustParsePrefix(want) {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	if got := web.SourceOf(netip.Addr{}); got != (netip.Prefix{}) {
		t.Errorf("no address: %s", got)
	}
	if got := web.Source(context.Background()); got != (netip.Prefix{}) {
		t.Errorf("no request: %s", got)
	}
}
