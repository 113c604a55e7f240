package web

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-60f9e3ad/identity"
)

// path is what is served under one pattern.
type path struct {
	pattern   string
	origins   map[string]bool
	admit     func(context.Context) error
	endpoints map[string]endpoint
}

type endpoint struct {
	handler Handler
	cors    bool
	gate    *gate
	always  bool
	late    bool
	oauth   bool
}

// servedMethods are those a handler can be registered for. HEAD follows from
// GET, OPTIONS from CORS.
func servedMethods() []string {
	return []string{http.MethodDelete, http.MethodGet, http.MethodPatch, http.MethodPost, http.MethodPut}
}

// ServeHTTP runs the handler of the request's method; its error goes to the
// event, because http.Handler returns none.
func (p *path) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := eventOf(r.Context())
	e.pattern = p.pattern
	e.err = p.dispatch(w, r)
}

func (p *path) dispatch(w http.ResponseWriter, r *http.Request) error {
	cors := p.corsMethods()
	if len(cors) > 0 {
		w.Header().Set("Vary", "Origin")
	}
	if r.Method == http.MethodOptions && p.preflight(w, r, cors) {
		return nil
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	ep, ok := p.endpoints[method]
	if !ok {
		w.Header().Set("Allow", strings.Join(p.allow(), ", ")) // RFC 9110 section 15.5.6
		return identity.Errorf(identity.MethodNotAllowed, "This route does not have that method.")
	}
	if ep.cors {
		p.allowOrigin(w, r)
	}
	e := eventOf(r.Context())
	e.oauth = ep.oauth
	defer e.leave()
	if ep.late {
		e.later = ep.gate
	} else if err := e.enter(ep.gate); err != nil {
		return err
	}
	if !ep.always {
		if err := p.admit(r.Context()); err != nil {
			return err
		}
	}
	return ep.handler(w, r)
}

// allow lists the methods of the path, sorted.
func (p *path) allow() []string {
	methods := slices.Collect(maps.Keys(p.endpoints))
	if slices.Contains(methods, http.MethodGet) {
		methods = append(methods, http.MethodHead)
	}
	slices.Sort(methods)
	return methods
}

// plainPath reports whether an escaped path means the same to every reader:
// no empty and no dot segment (thus no trailing slash), no encoded slash, no
// backslash, no control character, only UTF-8. A proxy in front may resolve
// such things before it decides who may pass, so a path with one is no route.
func plainPath(escaped string) bool {
	if escaped == "/" {
		return true
	}
	rest, ok := strings.CutPrefix(escaped, "/")
	if !ok {
		return false // "*", and what CONNECT asks for
	}
	for raw := range strings.SplitSeq(rest, "/") {
		segment, err := url.PathUnescape(raw)
		if err != nil || segment == "" || disguised(raw) || strings.ContainsAny(segment, `/\`) ||
			strings.ContainsFunc(segment, isControl) || !utf8.ValidString(segment) {
			return false
		}
		// RFC 3986 section 3.3: what follows a semicolon may be a parameter,
		// which some readers cut off before they resolve dots.
		if name, _, _ := strings.Cut(segment, ";"); name == "." || name == ".." {
			return false
		}
	}
	return true
}

// disguised reports whether a segment escapes a character that needs no escape (RFC
// 3986 section 2.3). Such a spelling is only of use against a proxy that compares raw
// paths.
func disguised(raw string) bool {
	for i := 0; i+2 < len(raw); i++ {
		if raw[i] != '%' {
			continue
		}
		c, err := url.PathUnescape(raw[i : i+3])
		if err == nil && (c[0] >= 'a' && c[0] <= 'z' || c[0] >= 'A' && c[0] <= 'Z' || c[0] >= '0' && c[0] <= '9' || strings.ContainsAny(c, "-._~")) {
			return true
		}
	}
	return false
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
