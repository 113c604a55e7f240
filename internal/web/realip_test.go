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
			for _, name := range []string{"X_forwarded_for", "X-Real-Ip", "Forwarded", "True-Client-Ip"} {
				r.Header[name] = []string{"198.51.100.66"}
			}
			k.ServeHTTP(httptest.NewRecorder(), r)
			if got.String() != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			if rec := k.records(t, 1)[0]; got.IsValid() && rec["ip"] != tc.want || !got.IsValid() && rec["ip"] != "" {
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
