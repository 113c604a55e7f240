package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// unmatched stands in the log for every path that is no route: such a path may
// hold anything, secrets included.
const unmatched = "unmatched"

// event is what becomes known of a request on its way, for its log record.
type event struct {
	id      string
	ip      netip.Addr
	agent   string
	pattern string
	oauth   bool // see OAuth
	err     error
	bytesIn int64
	place   *gate // while the request is worked on
	later   *gate // of a Late route: see Enter
	// principal is who has proven to be calling; empty if nobody has.
	principal string
	// limit is what the response says of a rate limit, by header field.
	limit map[string]string

	mu    sync.Mutex
	notes []slog.Attr
}

type eventKey struct{}

// eventOf returns the event of the request that ctx belongs to, and an empty
// one that nobody reads outside of any request.
func eventOf(ctx context.Context) *event {
	if e, ok := ctx.Value(eventKey{}).(*event); ok {
		return e
	}
	return &event{}
}

// RequestID returns the id of the request that ctx belongs to, or "" outside
// of any.
func RequestID(ctx context.Context) string { return eventOf(ctx).id }

// RemoteIP returns the address of the caller whose request ctx belongs to: see
// Config.TrustedProxies. It is the zero Addr outside of any request, and where
// the peer has no address, as on a Unix socket.
func RemoteIP(ctx context.Context) netip.Addr { return eventOf(ctx).ip }

// UserAgent returns the User-Agent header of the request that ctx belongs to, as it was
// sent: anything, of any length.
func UserAgent(ctx context.Context) string { return eventOf(ctx).agent }

// Note adds attributes to the log record of the request that ctx belongs to.
// Never a secret; identity.Secret prints as "[redacted]".
func Note(ctx context.Context, attrs ...slog.Attr) {
	e := eventOf(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.notes = append(e.notes, attrs...)
}

// Proven notes who has proven to be calling, for the log record of the request that ctx
// belongs to and for whoever is told of its refusal.
func Proven(ctx context.Context, id string) {
	eventOf(ctx).principal = id
	Note(ctx, slog.String("sub", id))
}

// countBody wraps a request's body so that the event knows how much was read.
func (e *event) countBody(body io.ReadCloser) io.ReadCloser {
	if body == nil || body == http.NoBody {
		return http.NoBody
	}
	return countingBody{body, &e.bytesIn}
}

type countingBody struct {
	io.ReadCloser
	n *int64
}

func (b countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	*b.n += int64(n)
	return n, err
}

// finish writes the one log record of a request and feeds the metrics.
func (rt *Router) finish(e *event, r *http.Request, res *response, f *failure, elapsed time.Duration) {
	status := res.status
	if status == 0 {
		status = http.StatusOK // what net/http sends for a handler that writes nothing
	}
	if f != nil {
		status = f.logged
	}
	ip := ""
	if e.ip.IsValid() {
		ip = e.ip.String()
	}
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs,
		slog.String("request_id", e.id),
		slog.String("method", methodName(r.Method)),
		slog.String("route", e.pattern),
		slog.Int("status", status),
		slog.Float64("duration_ms", float64(elapsed.Microseconds())/1000),
		slog.String("ip", ip),
		slog.Int64("bytes_in", e.bytesIn),
		slog.Int64("bytes_out", res.bytes),
	)
	if f != nil {
		attrs = append(attrs, f.attrs()...)
	}
	e.mu.Lock()
	attrs = append(attrs, e.notes...)
	e.mu.Unlock()

	level := slog.LevelInfo
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	rt.logger.LogAttrs(r.Context(), level, "request", attrs...)
	rt.observe(Observation{Pattern: e.pattern, Method: methodName(r.Method), Status: status, Duration: elapsed})
}

// methodName keeps a caller from inventing values for logs and metrics.
func methodName(method string) string {
	known := slices.Contains(servedMethods(), method) || slices.Contains(
		[]string{http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodConnect}, method)
	if !known {
		return "other"
	}
	return method
}
