package web_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/web"
)

// fuzzRouter is a Router that is called without a network.
func fuzzRouter(f *testing.F, c web.Config) *web.Router {
	f.Helper()
	c.Logger = slog.New(slog.NewJSONHandler(io.Discard, nil))
	router, err := web.New(c)
	if err != nil {
		f.Fatal(err)
	}
	return router
}

// Behind a trusted proxy whatever the caller wrote before changes nothing of what the
// proxy appends, and from any other peer nothing of it is looked at. The address has one
// spelling.
func FuzzRemoteIP(f *testing.F) {
	for _, seed := range [][2]string{
		{"", ""},
		{"1.2.3.4, 10.0.0.7", "for=1.2.3.4;proto=https, for=10.0.0.7"},
		{"a,,203.0.113.1:567", `for="[2001:db8::7]:5"`},
		{"::ffff:10.0.0.1", `for="_hidden", for=unknown`},
		{"[fe80::1%eth0]", `for="\"";by=x, FOR="10.0.0.1`},
		{"10.0.0.1,\t10.0.0.2 ", "for=,;=,for"},
		{strings.Repeat("10.0.0.1,", 300), strings.Repeat("for=10.0.0.1,", 300)},
	} {
		f.Add(seed[0], seed[1])
	}
	router := fuzzRouter(f, web.Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	var got netip.Addr
	router.Handle(http.MethodGet, "/x", func(_ http.ResponseWriter, r *http.Request) error {
		got = web.RemoteIP(r.Context())
		return nil
	})
	ask := func(peer string, header http.Header) netip.Addr {
		r := httptest.NewRequest(http.MethodGet, "/x", nil)
		r.RemoteAddr, r.Header = peer, header
		router.ServeHTTP(httptest.NewRecorder(), r)
		return got
	}
	const client = "203.0.113.9"
	f.Fuzz(func(t *testing.T, forwardedFor, forwarded string) {
		both := http.Header{"X-Forwarded-For": {forwardedFor}, "Forwarded": {forwarded}}
		if got := ask("192.0.2.1:5", both); got.String() != "192.0.2.1" {
			t.Fatalf("a stranger became %v", got)
		}
		if got := ask("10.0.0.1:5", both); !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Fatalf("the address is %v", got)
		}
		appended := http.Header{"X-Forwarded-For": {forwardedFor, client}}
		if got := ask("10.0.0.1:5", appended); got.String() != client {
			t.Fatalf("what was written before led to %v", got)
		}
	})
}

// A bearer token is read as RFC 6750 section 2.1 has it.
func FuzzBearerToken(f *testing.F) {
	for _, seed := range []string{
		"", "Bearer", "Bearer ", "bearer abc", "BEARER a.b-c_~+/==", "Bearer  abc", "Bearer a b", "Bearer a=b", "Bearer =", "Basic YTpi", "Bearer\tabc", "Bearer a\x00", "Bearer abc ",
	} {
		f.Add(seed)
	}
	whole := regexp.MustCompile(`\A(?i:bearer) ([A-Za-z0-9._~+/-]+=*)\z`)
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Authorization"] = []string{header}
		token, sent, err := web.BearerToken(r)
		want := whole.FindStringSubmatch(header)
		if (err == nil) != (want != nil) || err == nil && (token.Reveal() != want[1] || !sent) {
			t.Fatalf("%q: %q, %v, %v", header, token.Reveal(), sent, err)
		}
		r.Header["Authorization"] = []string{header, header}
		if _, _, err := web.BearerToken(r); err == nil {
			t.Fatal("two headers are a token")
		}
	})
}

// If-Match and If-None-Match are read as a regular expression reads them.
func FuzzEntityTags(f *testing.F) {
	for _, seed := range []string{
		"", "*", `"7"`, `W/"7"`, `"6", "7"`, `"6","7`, `"6""7"`, `,, "7" ,`, `"a,b", "7"`, `7`, `*, "7"`, "\"7\"\t", `w/"7"`, `"7" x`, "\"\x00\", \"7\"", `W/ "7"`,
	} {
		f.Add(seed)
	}
	const etag = `"7"`
	list := regexp.MustCompile(`\A[ \t,]*((W/)?"[^"]*"[ \t]*(,[ \t,]*|\z))*\z`)
	tag := regexp.MustCompile(`(W/)?"[^"]*"`)
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["If-Match"], r.Header["If-None-Match"] = []string{header}, []string{header}
		star := strings.Trim(header, " \t") == "*"
		var tags []string
		if list.MatchString(header) {
			tags = tag.FindAllString(header, -1)
		}
		strong := slices.Contains(tags, etag)
		if got := web.CheckMatch(r, etag) == nil; got != (star || strong) {
			t.Fatalf("If-Match %q: %v", header, got)
		}
		if got := web.NotModified(r, etag); got != (star || strong || slices.Contains(tags, "W/"+etag)) {
			t.Fatalf("If-None-Match %q: %v", header, got)
		}
	})
}

// What Query accepts, package net/url reads in the same way.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "&", "a=1", "a=1&a=2", "a=1&b=%20+", "%61=1&a=2", "a", "a=%00", "a=%ff", "a=%zz", "a=1;b=2", "c=1", "=1", "a==", "A=1", "a=1&&b=2&",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.RawQuery = raw
		got, err := web.Query(r, "a", "b")
		if err != nil {
			for _, quoted := range strings.FieldsFunc(raw, func(r rune) bool { return r == '&' || r == '=' }) {
				if len(quoted) > 64 && strings.Contains(err.Error(), quoted) {
					t.Fatal("the error repeats what it was given")
				}
			}
			return
		}
		for name, values := range got {
			if name != "a" && name != "b" || len(values) != 1 || strings.ContainsRune(values[0], 0) {
				t.Fatalf("%q: %q", raw, got)
			}
		}
		if strings.Contains(raw, ";") {
			return // which net/url refuses anywhere
		}
		want, err := url.ParseQuery(raw)
		if err != nil || want.Encode() != got.Encode() {
			t.Fatalf("%q: %q, net/url has %q (%v)", raw, got, want, err)
		}
	})
}

// A handler is reached by the one spelling of its path, and nothing is redirected.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		"/x", "/x/7", "/x/", "//x", "/x/..", "/x/%2e%2e", "/x/..;/7", "/%78", "/x%2f7", "/x/%2F", "/x/a%00", "/x/%ff", "/x/a%5cb", `/x/a\b`, "/X", "/x/a%20b", "/x/7/8", "/x/%25",
	} {
		f.Add(seed)
	}
	router := fuzzRouter(f, web.Config{})
	var reached, id string
	note := func(_ http.ResponseWriter, r *http.Request) error {
		reached, id = r.Pattern, r.PathValue("id")
		return nil
	}
	router.Handle(http.MethodGet, "/x", note)
	router.Handle(http.MethodGet, "/x/{id}", note)
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || u.Host != "" || u.Scheme != "" {
			return
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL, r.RequestURI = u, target
		w := httptest.NewRecorder()
		reached = ""
		router.ServeHTTP(w, r)
		if w.Code >= 300 && w.Code < 400 {
			t.Fatalf("%q is redirected to %q", target, w.Header().Get("Location"))
		}
		switch {
		case reached == "" && w.Code != http.StatusNotFound:
			t.Fatalf("%q: status %d without a handler", target, w.Code)
		case reached == "":
		case id == "" && u.EscapedPath() != "/x":
			t.Fatalf("%q is /x", target)
		case id != "" && (u.Path != "/x/"+id || id == "." || id == ".." || strings.ContainsAny(id, "/\\\x00")):
			t.Fatalf("%q has the id %q", target, id)
		}
	})
}

// An origin that is accepted is spelled as a browser sends it.
func FuzzCheckOrigin(f *testing.F) {
	for _, seed := range []string{
		"https://app.example.com", "http://localhost:3000", "https://app.example.com:443", "https://App.example.com", "https://*.example.com", "https://a@b", "https://a/", "null", "", "https://[::1]:8", "https://a?b", "https://a#", "https://a:",
	} {
		f.Add(seed)
	}
	plain := regexp.MustCompile(`\Ahttps?://[^/?#@\s*,\\]+\z`)
	f.Fuzz(func(t *testing.T, origin string) {
		if web.CheckOrigin(origin) != nil {
			return
		}
		u, err := url.Parse(origin)
		if err != nil || !plain.MatchString(origin) || strings.ToLower(origin) != origin || u.Scheme+"://"+u.Host != origin || u.User != nil {
			t.Fatalf("%q is accepted", origin)
		}
	})
}
