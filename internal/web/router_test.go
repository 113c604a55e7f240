package web_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity/internal/web"
)

func TestNewRefuses(t *testing.T) {
	if _, err := web.New(web.Config{}); err == nil {
		t.Error("no logger: no error")
	}
	for _, origin := range []string{"*", "null", "", "https://", "ours.test", "https://ours.test/", "https://ours.test/x", "https://ours.test?", "https://u@ours.test", "https://OURS.test", "https://ours.test:443", "http://ours.test:80", "https://ours.test:", "https://*.ours.test", "ftp://ours.test", "https://a.test,https://b.test"} {
		if _, err := web.New(web.Config{Logger: slog.Default(), AllowedOrigins: []string{origin}}); err == nil {
			t.Errorf("origin %q: no error", origin)
		}
	}
	if _, err := web.New(web.Config{Logger: slog.Default(), TrustedProxies: []netip.Prefix{{}}}); err == nil {
		t.Error("invalid network: no error")
	}
}

func TestHandleRefuses(t *testing.T) {
	k := newKit(t, web.Config{})
	k.Handle(http.MethodGet, "/taken", ok)
	for _, tc := range []struct {
		method, pattern string
		h               web.Handler
	}{
		{"HEAD", "/x", ok}, {"OPTIONS", "/x", ok}, {"get", "/x", ok}, {"", "/x", ok},
		{"GET", "", ok}, {"GET", "x", ok}, {"GET", "/x/", ok}, {"GET", "/{rest...}", ok}, {"GET", "/x/{$}", ok},
		{"GET", "host/x", ok}, {"GET", "/x", nil}, {"GET", "/taken", ok},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s %s: registered", tc.method, tc.pattern)
				}
			}()
			k.Handle(tc.method, tc.pattern, tc.h)
		}()
	}
}

func TestRouting(t *testing.T) {
	k := newKit(t, web.Config{})
	k.Handle(http.MethodGet, "/", ok)
	k.Handle(http.MethodPost, "/auth/login", ok)
	k.Handle(http.MethodGet, "/auth", ok)
	k.Handle(http.MethodPatch, "/things/{id}", ok)
	k.Handle(http.MethodDelete, "/things/{id}", ok)
	k.Handle(http.MethodGet, "/things/{id}", func(w http.ResponseWriter, r *http.Request) error {
		return web.WriteJSON(w, http.StatusOK, r.PathValue("id"))
	})
	want := []web.Route{
		{"GET", "/"}, {"GET", "/auth"}, {"POST", "/auth/login"},
		{"DELETE", "/things/{id}"}, {"GET", "/things/{id}"}, {"PATCH", "/things/{id}"},
	}
	if diff := cmp.Diff(want, k.Routes()); diff != "" {
		t.Errorf("Routes (-want +got):\n%s", diff)
	}
	for _, tc := range []struct {
		method, target string
		status         int
		code, allow    string
	}{
		{"GET", "/", 200, "", ""},
		{"POST", "/auth/login", 200, "", ""},
		// RFC 3986 section 6.2.2.2 calls it the same path; a proxy that compares
		// raw ones does not, so it is none.
		{"POST", "/auth/%6Cogin", 404, "not_found", ""},
		{"GET", "/things/a-1~b", 200, "", ""},
		{"GET", "/things/a%20b;c=d", 200, "", ""},
		{"GET", "/nothing", 404, "not_found", ""},
		{"POST", "/nothing", 404, "not_found", ""},
		{"GET", "/things", 404, "not_found", ""},
		{"GET", "/things/a/b", 404, "not_found", ""},
		{"POST", "/AUTH/LOGIN", 404, "not_found", ""},
		{"GET", "/auth/login", 405, "method_not_allowed", "POST"},
		{"TRACE", "/auth/login", 405, "method_not_allowed", "POST"},
		{"OPTIONS", "/auth/login", 405, "method_not_allowed", "POST"},
		{"BREW", "/auth/login", 405, "method_not_allowed", "POST"},
		{"post", "/auth/login", 405, "method_not_allowed", "POST"},
		{"PUT", "/things/1", 405, "method_not_allowed", "DELETE, GET, HEAD, PATCH"},
		{"POST", "/", 405, "method_not_allowed", "GET, HEAD"},
	} {
		a := k.do(t, tc.method, tc.target, nil, "X-HTTP-Method-Override: POST")
		if a.StatusCode != tc.status || tc.code != "" && a.code(t) != tc.code || a.Header.Get("Allow") != tc.allow {
			t.Errorf("%s %s: %d %q Allow %q", tc.method, tc.target, a.StatusCode, a.body, a.Header.Get("Allow"))
		}
		if a.Header.Get("X-Request-Id") == "" || a.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s: headers %v", tc.method, tc.target, a.Header)
		}
	}
	if a := k.do(t, http.MethodGet, "/things/a%20b", nil); a.body != "\"a b\"\n" {
		t.Errorf("path value %s", a.body)
	}
}

// What a proxy in front could read as another path is no route: neither served
// nor redirected.
func TestPathTricks(t *testing.T) {
	k := newKit(t, web.Config{})
	k.Handle(http.MethodGet, "/x", ok)
	k.Handle(http.MethodGet, "/x/{id}", ok)
	k.Handle(http.MethodGet, "/", ok)
	for _, target := range []string{
		"//x", "///", "//", "/x//y", "/x/", "/x/y/", "/./x", "/../x", "/x/.", "/x/..", "/y/../x",
		"/%2e/x", "/%2e%2e/x", "/x/%2E%2e", "/x/.%2e", "/x/..;", "/x/..;/", "/x/..;a=b/y", "/x/.;", "/x/%2e%2e%3b",
		"/x%2f", "/x%2Fy", "/x/%2f", "/x/a%2fb", "/%2fx", "/x%5c", `/x/a%5C..`, "/x/%00", "/x/a%00b", "/x/a%0d%0ab",
		"/x/%7f", "/x/%ff", "/x/%c0%ae", "//evil.test/x", "/%2F%2Fevil.test",
	} {
		if status, code := k.rawCode(t, "GET "+target+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"); status != 404 || code != "not_found" {
			t.Errorf("%s: %d %s", target, status, code)
		}
	}
	for _, tc := range []struct {
		request string
		status  int
	}{
		{"OPTIONS *", 404}, {"OPTIONS /x", 405}, {"CONNECT evil.test:443", 404}, {"CONNECT /x", 405},
		{"CONNECT /x/../x", 404}, {"CONNECT //x", 404}, {"GET http://evil.test", 404}, {"GET http://evil.test//x", 404},
	} {
		if status, _ := k.rawCode(t, tc.request+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"); status != tc.status {
			t.Errorf("%s: %d, want %d", tc.request, status, tc.status)
		}
	}
	for _, r := range k.records(t, 1) {
		if route := r["route"]; route != "unmatched" && route != "/x" {
			t.Errorf("route %v", route)
		}
	}
}

func TestHEADIsGETWithoutBody(t *testing.T) {
	k := newKit(t, web.Config{})
	k.Handle(http.MethodGet, "/x", ok)
	k.Handle(http.MethodPost, "/y", ok)
	get := k.do(t, http.MethodGet, "/x", nil)
	head := k.do(t, http.MethodHead, "/x", nil)
	if head.StatusCode != 200 || head.body != "" || head.ContentLength != int64(len(get.body)) || head.Header.Get("Content-Type") != "application/json" {
		t.Errorf("HEAD: %d %q %d", head.StatusCode, head.body, head.ContentLength)
	}
	for target, want := range map[string]int{"/y": 405, "/z": 404} {
		if a := k.do(t, http.MethodHead, target, nil); a.StatusCode != want || a.body != "" {
			t.Errorf("HEAD %s: %d %q", target, a.StatusCode, a.body)
		}
	}
	if r := k.records(t, 2)[1]; r["bytes_out"] != 0.0 || r["method"] != "HEAD" {
		t.Errorf("log %v", r)
	}
}

func TestDefaultHeaders(t *testing.T) {
	for _, hsts := range []bool{false, true} {
		k := newKit(t, web.Config{HSTS: hsts})
		k.Handle(http.MethodGet, "/x", ok)
		k.Handle(http.MethodGet, "/panic", func(http.ResponseWriter, *http.Request) error { panic("x") })
		k.Handle(http.MethodGet, "/cached", func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Cache-Control", "public, max-age=300")
			return web.WriteJSON(w, http.StatusOK, nil)
		})
		for target, cache := range map[string]string{"/x": "no-store", "/nothing": "no-store", "/panic": "no-store", "/cached": "public, max-age=300"} {
			a := k.do(t, http.MethodGet, target, nil, "Accept: text/html")
			want := map[string]string{
				"X-Content-Type-Options":       "nosniff",
				"Referrer-Policy":              "no-referrer",
				"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'",
				"X-Frame-Options":              "DENY",
				"Cross-Origin-Resource-Policy": "same-origin",
				"Cache-Control":                cache,
				"Strict-Transport-Security":    map[bool]string{true: "max-age=31536000"}[hsts],
				"Server":                       "",
				"X-Powered-By":                 "",
				"Access-Control-Allow-Origin":  "",
			}
			for name, value := range want {
				if got := a.Header.Get(name); got != value {
					t.Errorf("%s: %s: %q, want %q", target, name, got, value)
				}
			}
			if !strings.Contains(a.Header.Get("Content-Type"), "json") {
				t.Errorf("%s: %s", target, a.Header.Get("Content-Type"))
			}
		}
	}
}

// RFC 9112 section 6.1: after a request with an ambiguous end the connection
// is closed, and the rest of its bytes is never read as a request.
func TestSmuggledRequestIsNotServed(t *testing.T) {
	k := newKit(t, web.Config{})
	k.Handle(http.MethodPost, "/x", func(w http.ResponseWriter, r *http.Request) error {
		if _, err := web.Body(r); err != nil {
			return err
		}
		return web.WriteJSON(w, http.StatusOK, nil)
	})
	k.Handle(http.MethodGet, "/smuggled", ok)
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
	chunked := "0\r\n\r\n" + smuggled
	for name, first := range map[string]string{
		"CL and TE":             fmt.Sprintf("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n", len(chunked)) + chunked,
		"TE and CL":             fmt.Sprintf("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n", len(chunked)) + chunked,
		"TE alone":              "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked,
		"TE on another route":   "POST /none HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked,
		"HTTP/1.0, TE":          "POST /x HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + smuggled,
		"HTTP/1.0, CL":          "POST /x HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}" + smuggled,
		"HTTP/1.0, CL and TE":   "POST /x HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked,
		"body beyond the limit": fmt.Sprintf("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", web.MaxBody+1) + strings.Repeat(" ", web.MaxBody+1) + smuggled,
	} {
		reply, closed := k.raw(t, first)
		if n := strings.Count(reply, "HTTP/1."); n != 1 || !closed || strings.Contains(k.log.String(), "/smuggled") {
			t.Errorf("%s: %d responses, closed %v:\n%s", name, n, closed, reply)
		}
		if !strings.Contains(reply, "Connection: close\r\n") {
			t.Errorf("%s: the close is not announced:\n%s", name, reply)
		}
	}
	// An honest connection is kept.
	reply, _ := k.raw(t, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"+smuggled+
		"GET /smuggled HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	if n := strings.Count(reply, "HTTP/1.1 200"); n != 3 {
		t.Errorf("pipelined: %d responses:\n%s", n, reply)
	}
}
