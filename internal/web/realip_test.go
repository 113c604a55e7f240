package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/web"
)

func TestRemoteIP(t *testing.T) {
	ten := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	mapped := []netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104")}
	for _, tc := range []struct {
		name    string
		trusted []netip.Prefix
		peer    string
		xff     []string
		want    string
	}{
		{"no proxy", nil, "192.0.2.1:5", nil, "192.0.2.1"},
		{"header of an untrusted peer", ten, "192.0.2.1:5", []string{"203.0.113.9"}, "192.0.2.1"},
		{"nobody trusted", nil, "10.0.0.1:5", []string{"203.0.113.9"}, "10.0.0.1"},
		{"trusted, no header", ten, "10.0.0.1:5", nil, "10.0.0.1"},
		{"trusted, one hop", ten, "10.0.0.1:5", []string{"203.0.113.9"}, "203.0.113.9"},
		{"forged beginning", ten, "10.0.0.1:5", []string{"1.2.3.4, 203.0.113.9"}, "203.0.113.9"},
		{"forged trusted beginning", ten, "10.0.0.1:5", []string{"10.9.9.9, 203.0.113.9"}, "203.0.113.9"},
		{"over trusted hops", ten, "10.0.0.1:5", []string{"1.2.3.4, 203.0.113.9, 10.0.0.3,10.0.0.2"}, "203.0.113.9"},
		{"several lines are one list", ten, "10.0.0.1:5", []string{"1.2.3.4", "203.0.113.9", "10.0.0.2"}, "203.0.113.9"},
		{"forged line before", ten, "10.0.0.1:5", []string{"1.2.3.4, 10.0.0.7", "203.0.113.9"}, "203.0.113.9"},
		{"all trusted", ten, "10.0.0.1:5", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"garbage", ten, "10.0.0.1:5", []string{"a"}, "10.0.0.1"},
		{"garbage before a good hop", ten, "10.0.0.1:5", []string{"a, 203.0.113.9"}, "203.0.113.9"},
		{"garbage ends the walk", ten, "10.0.0.1:5", []string{"203.0.113.9, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"empty element ends the walk", ten, "10.0.0.1:5", []string{"203.0.113.9,,10.0.0.2"}, "10.0.0.2"},
		{"empty header", ten, "10.0.0.1:5", []string{""}, "10.0.0.1"},
		{"port", ten, "10.0.0.1:5", []string{"203.0.113.9:567"}, "203.0.113.9"},
		{"IPv6", ten, "[fd00::1]:5", []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv6 with port", ten, "10.0.0.1:5", []string{"[2001:db8::7]:5"}, "2001:db8::7"},
		{"IPv6 in brackets", ten, "10.0.0.1:5", []string{"[2001:db8::7]"}, "2001:db8::7"},
		{"IPv6 of one host in two spellings", ten, "10.0.0.1:5", []string{"2001:0DB8:0:0::7"}, "2001:db8::7"},
		{"mapped hop", ten, "10.0.0.1:5", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"mapped peer", ten, "[::ffff:10.0.0.1]:5", []string{"203.0.113.9"}, "203.0.113.9"},
		{"mapped network", mapped, "10.0.0.1:5", []string{"203.0.113.9"}, "203.0.113.9"},
		{"zone", ten, "[fe80::1%eth0]:5", nil, "fe80::1"},
		{"zone in a hop", ten, "10.0.0.1:5", []string{"fe80::1%<script>"}, "fe80::1"},
		{"Unix socket", ten, "@", []string{"203.0.113.9"}, "invalid IP"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := newKit(t, web.Config{TrustedProxies: tc.trusted})
			var got netip.Addr
			k.Handle(http.MethodGet, "/x", func(_ http.ResponseWriter, r *http.Request) error {
				got = web.RemoteIP(r.Context())
				return nil
			})
			r := httptest.NewRequest(http.MethodGet, "/x", nil)
			r.RemoteAddr = tc.peer
			r.Header["X-Forwarded-For"] = tc.xff
			// None of these is ever believed.
			for _, name := range []string{"X_forwarded_for", "X-Real-Ip", "X-Forwarded", "Forwarded-For", "True-Client-Ip"} {
				r.Header[name] = []string{"198.51.100.66"}
			}
			k.ServeHTTP(httptest.NewRecorder(), r)
			if got.String() != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			if rec := k.requests(t, 1)[0]; got.IsValid() && rec["ip"] != tc.want || !got.IsValid() && rec["ip"] != "" {
				t.Errorf("log %v", rec)
			}
		})
	}
}

func TestLongForwardedForIsCheap(t *testing.T) {
	k := newKit(t, web.Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}})
	k.Handle(http.MethodGet, "/x", ok)
	r := httptest.NewRequest(http.MethodGet, "/x", nil)
	r.Header["X-Forwarded-For"] = []string{strings.Repeat("1.1.1.1,", 4000) + "2.2.2.2"}
	least := time.Hour
	for range 10 { // the machine may be busy with something else now and then
		start := time.Now()
		k.ServeHTTP(httptest.NewRecorder(), r)
		least = min(least, time.Since(start))
	}
	if least > 100*time.Millisecond {
		t.Error(fmt.Sprint("took ", least))
	}
}

func TestForwarded(t *testing.T) {
	ten := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, tc := range []struct {
		name      string
		peer      string
		forwarded []string
		xff       []string
		want      string
	}{
		{"an untrusted peer", "192.0.2.1:5", []string{"for=203.0.113.9"}, nil, "192.0.2.1"},
		{"one hop", "10.0.0.1:5", []string{"for=203.0.113.9"}, nil, "203.0.113.9"},
		{"with other parameters", "10.0.0.1:5", []string{`proto=https;For="203.0.113.9:4711";by=10.0.0.1;host="a, for=1.2.3.4"`}, nil, "203.0.113.9"},
		{"a port that is not quoted", "10.0.0.1:5", []string{"for=203.0.113.9:47"}, nil, "203.0.113.9"},
		{"IPv6", "10.0.0.1:5", []string{`for="[2001:db8::7]:4711"`}, nil, "2001:db8::7"},
		{"IPv6 without port", "10.0.0.1:5", []string{`for="[2001:db8::7]"`}, nil, "2001:db8::7"},
		{"escaped", "10.0.0.1:5", []string{`for="203.0.113\.9"`}, nil, "203.0.113.9"},
		{"forged beginning", "10.0.0.1:5", []string{"for=1.2.3.4, for=203.0.113.9"}, nil, "203.0.113.9"},
		{"forged line before", "10.0.0.1:5", []string{"for=1.2.3.4", "for=203.0.113.9"}, nil, "203.0.113.9"},
		{"over trusted hops", "10.0.0.1:5", []string{"for=1.2.3.4, for=203.0.113.9,for=10.0.0.3 , for=\"[fd00::9]\""}, nil, "203.0.113.9"},
		{"unknown ends the walk", "10.0.0.1:5", []string{"for=203.0.113.9, for=unknown, for=10.0.0.2"}, nil, "10.0.0.2"},
		{"an obfuscated identifier ends the walk", "10.0.0.1:5", []string{"for=203.0.113.9, for=_hidden, for=10.0.0.2"}, nil, "10.0.0.2"},
		{"an element without for ends the walk", "10.0.0.1:5", []string{"for=203.0.113.9, proto=https"}, nil, "10.0.0.1"},
		{"for twice", "10.0.0.1:5", []string{"for=203.0.113.9;for=198.51.100.1"}, nil, "10.0.0.1"},
		{"a quote that does not end", "10.0.0.1:5", []string{`for=1.2.3.4;x=", for=203.0.113.9`}, nil, "10.0.0.1"},
		{"a quote that a proxy's ends", "10.0.0.1:5", []string{`for=1.2.3.4;x=", for="[2001:db8::7]"`}, nil, "10.0.0.1"},
		{"a quote that does not end in a line before", "10.0.0.1:5", []string{`for="`, "for=203.0.113.9"}, nil, "203.0.113.9"},
		{"garbage", "10.0.0.1:5", []string{"203.0.113.9"}, nil, "10.0.0.1"},
		{"empty", "10.0.0.1:5", []string{""}, nil, "10.0.0.1"},
		{"both, the same", "10.0.0.1:5", []string{"for=203.0.113.9"}, []string{"203.0.113.9"}, "203.0.113.9"},
		{"both, the same in two spellings", "10.0.0.1:5", []string{`for="[2001:db8:0::7]"`}, []string{"1.2.3.4, 2001:db8::7"}, "2001:db8::7"},
		{"the caller forges what the proxy does not write", "10.0.0.1:5", []string{"for=1.2.3.4"}, []string{"203.0.113.9"}, "10.0.0.1"},
		{"and the other way round", "10.0.0.1:5", []string{"for=203.0.113.9"}, []string{"1.2.3.4"}, "10.0.0.1"},
		{"the caller breaks what the proxy does not write", "10.0.0.1:5", []string{"x"}, []string{"203.0.113.9"}, "10.0.0.1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := newKit(t, web.Config{TrustedProxies: ten})
			var got netip.Addr
			k.Handle(http.MethodGet, "/x", func(_ http.ResponseWriter, r *http.Request) error {
				got = web.RemoteIP(r.Context())
				return nil
			})
			r := httptest.NewRequest(http.MethodGet, "/x", nil)
			r.RemoteAddr = tc.peer
			r.Header["Forwarded"] = tc.forwarded
			if tc.xff != nil {
				r.Header["X-Forwarded-For"] = tc.xff
			}
			k.ServeHTTP(httptest.NewRecorder(), r)
			if got.String() != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// A proxy that somebody forgot to name makes one address of all callers: it is said, once.
func TestForgottenProxy(t *testing.T) {
	for name, tc := range map[string]struct {
		header string
		peer   string
		warns  int
	}{
		"X-Forwarded-For": {"X-Forwarded-For", "192.0.2.1:5", 1}, "Forwarded": {"Forwarded", "192.0.2.1:5", 1},
		"a trusted one": {"X-Forwarded-For", "10.0.0.1:5", 0}, "no such header": {"X-Real-Ip", "192.0.2.1:5", 0},
	} {
		k := newKit(t, web.Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
		k.Handle(http.MethodGet, "/x", ok)
		for range 3 {
			r := httptest.NewRequest(http.MethodGet, "/x", nil)
			r.RemoteAddr = tc.peer
			r.Header.Set(tc.header, "for=203.0.113.9")
			k.ServeHTTP(httptest.NewRecorder(), r)
		}
		if n := strings.Count(k.log.String(), "TRUSTED_PROXIES"); n != tc.warns {
			t.Errorf("%s: said %d times, want %d", name, n, tc.warns)
		}
	}
}
