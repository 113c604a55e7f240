package clientkeys_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/clientkeys"
)

// notPublic are addresses that a client's URL must not lead to.
var notPublic = []string{
	"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1", "127.255.255.254",
	"168.63.129.16", "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1",
	"192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
	// IPv6
	"::", "::1", "fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "fe80::1%eth0", "2606:4700::1111%eth0", "febf::1", "fec0::1", "ff02::1", "ff0e::1", "100::1",
	"2001:db8::1", "3fff::1", "2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "5f00::1", "4000::1", "8000::1",
	// IPv4 within IPv6: mapped, compatible, translated, 6to4, Teredo, NAT64 of everybody and of a site
	"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::ffff:0:10.0.0.1", "2002:7f00:1::1", "2002:a00:1::1", "2002:808:808::1",
	"2001:0:7f00:1::1", "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::192.168.1.1", "64:ff9b::0.0.0.0", "64:ff9b:1::10.0.0.1", "64:ff9b:1::8.8.8.8",
}

var isPublic = []string{
	"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1", "169.253.255.255", "172.15.255.255", "172.32.0.0",
	"192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
	"2001:200::1", "2001:4860:4860::8888", "2003::1", "2606:4700::1111", "2a00::1", "3ffe::1",
}

func fetcher(t *testing.T, allowed ...string) *clientkeys.Fetcher {
	t.Helper()
	k := newKit(t, nil)
	k.cfg.Networks = nil
	for _, text := range allowed {
		k.cfg.Networks = append(k.cfg.Networks, netip.MustParsePrefix(text))
	}
	return k.fetcher()
}

// Only public addresses may be connected to, over https; and those that the operator
// allows, whatever they are written as.
func TestAddresses(t *testing.T) {
	strict, wide := fetcher(t), fetcher(t, "10.0.0.0/8", "fd00::/8")
	for _, text := range notPublic {
		a := netip.MustParseAddr(text)
		if strict.MayReach("https", a) || strict.MayReach("http", a) {
			t.Errorf("%s may be reached", text)
		}
		allowed := strings.Contains(text, "10.0.0.1") && !strings.HasPrefix(text, "::ffff:0:") && !strings.HasPrefix(text, "64:ff9b:1:") ||
			text == "10.255.255.255" || strings.HasPrefix(text, "fd")
		if wide.MayReach("https", a) != allowed || wide.MayReach("http", a) != allowed {
			t.Errorf("%s may be reached: %v, want %v, in 10.0.0.0/8 and fd00::/8", text, !allowed, allowed)
		}
	}
	for _, text := range isPublic {
		a := netip.MustParseAddr(text)
		if !strict.MayReach("https", a) || !wide.MayReach("https", a) {
			t.Errorf("%s may not be reached", text)
		}
		if strict.MayReach("http", a) || wide.MayReach("http", a) {
			t.Errorf("%s may be reached in the clear", text)
		}
	}
}

// No address is public that the standard library has another word for.
func FuzzAddress(f *testing.F) {
	for _, text := range append(notPublic, isPublic...) {
		f.Add(netip.MustParseAddr(text).AsSlice())
	}
	strict, err := clientkeys.New(newKitConfig())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := netip.AddrFromSlice(b)
		if !ok || !strict.MayReach("https", a) {
			return
		}
		if u := a.Unmap(); !u.IsGlobalUnicast() || u.IsPrivate() || u.IsLoopback() || u.IsLinkLocalUnicast() || u.IsMulticast() || u.IsUnspecified() {
			t.Errorf("%s may be reached", a)
		}
	})
}

func TestNetworksAreChecked(t *testing.T) {
	for _, p := range []netip.Prefix{{}, netip.MustParsePrefix("::ffff:10.0.0.0/104")} {
		cfg := newKitConfig()
		cfg.Networks = []netip.Prefix{p}
		if _, err := clientkeys.New(cfg); err == nil {
			t.Errorf("%s is accepted", p)
		}
	}
}

// The host of a URL is judged where it says an address, and names are not: see TestNames.
func TestURIs(t *testing.T) {
	strict, wide := fetcher(t), fetcher(t, "10.0.0.0/8", "::1/128")
	for text, want := range map[string]struct{ strict, wide bool }{
		"https://example.com":                              {true, true},
		"https://example.com/":                             {true, true},
		"HTTPS://EXAMPLE.COM:8443/a/b?c=d&e=%20":           {true, true},
		"https://8.8.8.8/keys":                             {true, true},
		"https://[2606:4700::1111]:8443/keys":              {true, true},
		"https://xn--bcher-kva.example/":                   {true, true},
		"https://localhost/":                               {true, true}, // what it leads to, is seen then
		"http://example.com/":                              {false, true},
		"http://10.0.0.1/":                                 {false, true},
		"https://10.0.0.1/":                                {false, true},
		"https://[::ffff:10.0.0.1]/":                       {false, true},
		"http://[::1]:8080/":                               {false, true},
		"http://8.8.8.8/":                                  {},
		"https://127.0.0.1/":                               {},
		"https://169.254.169.254/latest/meta-data":         {},
		"https://[fe80::1]/":                               {},
		"https://[fe80::1%25eth0]/":                        {},
		"https://[::ffff:127.0.0.1]/":                      {},
		"https://[64:ff9b::a9fe:a9fe]/":                    {},
		"":                                                 {},
		"example.com":                                      {},
		"//example.com/":                                   {},
		"/keys":                                            {},
		"https:example.com":                                {},
		"https:///keys":                                    {},
		"https://:443/":                                    {},
		"https://example.com:/":                            {},
		"https://example.com:0/":                           {},
		"https://example.com:65536/":                       {},
		"https://example.com:0x50/":                        {},
		"https://user@example.com/":                        {},
		"https://user:password@example.com/":               {},
		"https://@example.com/":                            {},
		"https://example.com#":                             {},
		"https://example.com/#fragment":                    {},
		`https://example.com\@10.0.0.1/`:                   {},
		`https://example.com/\`:                            {},
		"https://example.com/ ":                            {},
		"https://example.com/\r\nHost:a":                   {},
		"https://b\u00fccher.example/":                     {},
		"https://example.com/\x7f":                         {},
		"https://exa%6dple.com/":                           {},
		"https://*.example.com/":                           {},
		"ftp://example.com/":                               {},
		"file:///etc/passwd":                               {},
		"gopher://example.com/":                            {},
		"data:application/json,{}":                         {},
		"javascript:alert(1)":                              {},
		"unix:///var/run/docker.sock":                      {},
		"https://example.com/" + strings.Repeat("a", 1980): {true, true},
		"https://example.com/" + strings.Repeat("a", 1981): {},
	} {
		for f, want := range map[*clientkeys.Fetcher]bool{strict: want.strict, wide: want.wide} {
			if err := f.CheckURI(text); (err == nil) != want {
				t.Errorf("%.60q: %v, want good: %v (10.0.0.0/8 allowed: %v)", text, err, want, f == wide)
			}
		}
	}
}
