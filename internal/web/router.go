package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"runtime/trace"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// Handler answers a request or returns why not. It must not have written
// anything when it returns an error. The request's context carries the facts
// that RequestID, RemoteIP and Note work with.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Config is what a Router needs.
type Config struct {
	// Logger gets one record per request. Required.
	Logger *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// TrustedProxies are the networks whose Forwarded and X-Forwarded-For are
	// believed; none by default.
	TrustedProxies []netip.Prefix
	// AllowedOrigins are the origins, spelled as browsers send them, that may
	// call routes registered with CORS; none by default.
	AllowedOrigins []string
	// HSTS sends Strict-Transport-Security (RFC 6797). Set it where the
	// service is reached by TLS only.
	HSTS bool
	// MaxRequests is how many requests are worked on at once; beyond it they are
	// Overloaded. Zero is no limit.
	MaxRequests int
	// MaxStreams and MaxStreamsPerSource are how many requests there may be at once
	// over HTTP/2, in all and of one source (see SourceOf), also those that wait for
	// their callers; beyond them they are Overloaded, and soon cut. Zero is no limit.
	// Who is on this machine, or a trusted proxy, stands for many and has none of its
	// own. Over HTTP/1 the connections are the limit.
	MaxStreams, MaxStreamsPerSource int
	// Observe, if set, is told of each request when it has been answered.
	Observe func(Observation)
	// Admit, if set, is asked before a handler is run, but for one that is Always served:
	// it waits until there is room to record what will become of the request. Its error is
	// the answer.
	Admit func(context.Context) error
	// Refused, if set, is told of each request that a route refuses, before the answer.
	Refused func(context.Context, Refusal)
}

// Observation is what metrics need of a request. Every string comes from a
// bounded set, never from the caller.
type Observation struct {
	// Pattern is the route's pattern, or "unmatched".
	Pattern string
	// Method is one of the methods of RFC 9110 and PATCH, or "other".
	Method string
	// Status is that of the response, or 499 where the caller had gone.
	Status   int
	Duration time.Duration
}

// Option changes how a route is served.
type Option int

const (
	// CORS lets the allowed origins call the route from a browser.
	CORS Option = 1 + iota
	// Always serves the route also when too many requests are worked on: for
	// whoever looks what is the matter, and for verifiers. It has a limit of its
	// own.
	Always
	// Late leaves it to the handler to take the request's place among those that are
	// worked on: see Enter. It is for what is often answered from memory: that shall
	// not be refused because others wait.
	Late
	// OAuth has failures of the handler answered as RFC 6749 section 5.2 says, and not with a
	// problem document.
	OAuth
)

// Route is a method and the pattern of the path under which it is served.
type Route struct {
	Method, Pattern string
}

// Router is an http.Handler that serves registered routes and answers
// everything else with a problem document. All routes are registered before
// the first request.
type Router struct {
	logger  *slog.Logger
	now     func() time.Time
	proxies proxies
	origins map[string]bool
	hsts    bool
	observe func(Observation)
	admit   func(context.Context) error
	refused func(context.Context, Refusal)
	mux     *http.ServeMux
	paths   map[string]*path
	warned  sync.Once

	requests gate
	streams  multiplexed
}

// New returns a Router without routes. It refuses a Config without Logger, an
// invalid proxy network, and an origin that no browser would send.
func New(c Config) (*Router, error) {
	if c.Logger == nil {
		return nil, errors.New("a logger is required")
	}
	proxies, err := newProxies(c.TrustedProxies)
	if err != nil {
		return nil, err
	}
	origins, err := newOrigins(c.AllowedOrigins)
	if err != nil {
		return nil, err
	}
	if c.MaxRequests < 0 || c.MaxStreams < 0 || c.MaxStreamsPerSource < 0 {
		return nil, errors.New("the number of requests must not be negative")
	}
	rt := &Router{
		logger: c.Logger, now: c.Now, proxies: proxies, origins: origins, hsts: c.HSTS, observe: c.Observe, admit: c.Admit, refused: c.Refused,
		mux: http.NewServeMux(), paths: map[string]*path{},
	}
	if rt.now == nil {
		rt.now = time.Now
	}
	if rt.observe == nil {
		rt.observe = func(Observation) {}
	}
	if rt.admit == nil {
		rt.admit = func(context.Context) error { return nil }
	}
	rt.requests.most = int64(c.MaxRequests)
	rt.streams.most, rt.streams.perSource, rt.streams.proxies = c.MaxStreams, c.MaxStreamsPerSource, proxies
	rt.mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) { eventOf(r.Context()).err = errNoRoute() })
	return rt, nil
}

// Handle serves method on the paths that match pattern, which is a path as
// net/http.ServeMux has it, with wildcards such as {id} for one whole segment.
// GET serves HEAD too. Like ServeMux it panics on a pattern that is malformed
// or in conflict, and on a method that the Router serves itself; one that ends
// in a slash would make ServeMux redirect, so only "/" itself may.
func (rt *Router) Handle(method, pattern string, h Handler, options ...Option) {
	if !slices.Contains(servedMethods(), method) || !strings.HasPrefix(pattern, "/") || pattern != "/" && strings.HasSuffix(pattern, "/") ||
		strings.Contains(pattern, "...}") || strings.Contains(pattern, "{$}") || h == nil {
		panic(fmt.Sprintf("web: cannot register %q %q", method, pattern))
	}
	p := rt.paths[pattern]
	if p == nil {
		p = &path{pattern: pattern, origins: rt.origins, admit: rt.admit, endpoints: map[string]endpoint{}}
		rt.paths[pattern] = p
		if pattern == "/" {
			pattern = "/{$}"
		}
		rt.mux.Handle(pattern, p)
	}
	if _, taken := p.endpoints[method]; taken {
		panic(fmt.Sprintf("web: %s %s is registered twice", method, pattern))
	}
	g := &rt.requests
	always := slices.Contains(options, Always)
	if always {
		g = &gate{most: watchers}
	}
	p.endpoints[method] = endpoint{handler: h, cors: slices.Contains(options, CORS), gate: g, always: always, late: slices.Contains(options, Late), oauth: slices.Contains(options, OAuth)}
}

// Routes lists what is registered, by pattern and then by method. HEAD is not
// listed beside GET.
func (rt *Router) Routes() []Route {
	var routes []Route
	for pattern, p := range rt.paths {
		for method := range p.endpoints {
			routes = append(routes, Route{method, pattern})
		}
	}
	slices.SortFunc(routes, func(a, b Route) int {
		return strings.Compare(a.Pattern+" "+a.Method, b.Pattern+" "+b.Method)
	})
	return routes
}

// ServeHTTP implements http.Handler.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer trace.StartRegion(r.Context(), "web.Router").End()
	tooMany, cut := rt.streams.begin(r)
	if cut {
		_ = rt.requests.refuse()
		panic(http.ErrAbortHandler) // RFC 9113 section 5.4.2: the stream is reset
	}
	start := rt.now()
	ip, ignored := rt.proxies.remoteIP(r)
	if ignored {
		rt.distrusts(r)
	}
	e := &event{id: requestID(r, start), ip: ip, agent: r.UserAgent(), pattern: unmatched}
	r = r.WithContext(context.WithValue(r.Context(), eventKey{}, e))
	r.Body = e.countBody(r.Body)
	res := &response{ResponseWriter: w, event: e, bodiless: r.Method == http.MethodHead}
	setHeaders(w.Header(), e.id, rt.hsts)

	// Framing. net/http lets Transfer-Encoding win over a Content-Length beside
	// it and deletes the latter before a handler can see it; of an HTTP/1.0
	// request it even ignores and deletes Transfer-Encoding. RFC 9112 section
	// 6.1 has the connection closed after either. Neither can be told from its
	// harmless twin here, so both close: bytes that another reader framed
	// differently are never taken for a request.
	if !r.ProtoAtLeast(1, 1) || r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 {
		w.Header().Set("Connection", "close")
	}

	var err error
	if tooMany {
		err = rt.requests.refuse()
	} else {
		err = rt.run(res, r)
	}
	var f *failure
	tooLate := err != nil && res.status != 0
	if err != nil {
		f = classify(err, r)
		if e.oauth && f.logged == f.status {
			f.logged, _ = oauthErrorOf(f.kind)
		}
		rt.refuse(e, r, f)
		if !tooLate {
			f.write(res, r, e.id)
		}
	}
	rt.finish(e, r, res, f, rt.now().Sub(start))
	if tooLate {
		// The status is gone out. Cutting the connection is the one way left
		// to say that the response is not whole.
		panic(http.ErrAbortHandler)
	}
}

// distrusts says, once, that somebody names a caller and is no trusted proxy: behind a
// proxy that is not trusted all callers have one address, and share its limits.
func (rt *Router) distrusts(r *http.Request) {
	rt.warned.Do(func() {
		peer, _ := parseHop(r.RemoteAddr)
		rt.logger.LogAttrs(r.Context(), slog.LevelWarn, "a request came with Forwarded or X-Forwarded-For from an address that is not among TRUSTED_PROXIES: if that is your proxy, add it; it is said this once",
			slog.String("peer", peer.String()))
	})
}

// run routes the request to its handler and returns its error or panic.
func (rt *Router) run(w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{value: v, stack: debug.Stack()}
		}
	}()
	if !plainPath(r.URL.EscapedPath()) {
		return errNoRoute()
	}
	rt.mux.ServeHTTP(w, r)
	return eventOf(r.Context()).err
}

// panicError is a recovered panic.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

func errNoRoute() error {
	return identity.Errorf(identity.NotFound, "There is no such route.")
}
