package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

const (
	// statusGone is logged, never sent: the caller had left. The number is
	// nginx's.
	statusGone = 499
	// maxProblemFields bounds an answer by what a person can read, whatever
	// the size of the request.
	maxProblemFields = 64
)

// failure is an error as the caller and the log see it.
type failure struct {
	status     int
	logged     int // the status in the log
	kind       identity.Kind
	code       string
	detail     string
	fields     []identity.FieldError
	retryAfter time.Duration
	reason     string           // for the log only
	why        *identity.Reason // for the log and the audit only; nil if there is none
	stack      []byte           // of a panic, for the log only
}

// statusOf is the one place where a kind becomes a status. The detail is for an
// error without a message.
func statusOf(kind identity.Kind) (status int, detail string) {
	switch kind {
	case identity.InvalidJSON:
		return http.StatusBadRequest, "The body is not one well-formed JSON object."
	case identity.InvalidCredentials:
		return http.StatusUnauthorized, "The credentials are not valid."
	case identity.InvalidRefreshToken:
		return http.StatusUnauthorized, "The refresh token is not valid."
	case identity.InvalidToken:
		return http.StatusUnauthorized, "A valid bearer token is required."
	case identity.InsufficientPermission:
		return http.StatusForbidden, "The token lacks the permission for this."
	case identity.InvalidAudience:
		return http.StatusForbidden, "The audience is not allowed."
	case identity.InvalidScope:
		return http.StatusForbidden, "The scope is not allowed."
	case identity.UnauthorizedClient:
		return http.StatusForbidden, "The client may not get a token in this way."
	case identity.UnsupportedGrantType:
		return http.StatusBadRequest, "The grant type is not supported."
	case identity.UnsupportedTokenType:
		return http.StatusBadRequest, "The token is of another type."
	case identity.PasswordChangeRequired:
		return http.StatusForbidden, "The password must be changed first."
	case identity.NotFound:
		return http.StatusNotFound, "There is no such resource."
	case identity.MethodNotAllowed:
		return http.StatusMethodNotAllowed, "This route does not have that method."
	case identity.Conflict:
		return http.StatusConflict, "The request is in conflict with what exists."
	case identity.PreconditionFailed:
		return http.StatusPreconditionFailed, "The resource has changed since it was read."
	case identity.PayloadTooLarge:
		return http.StatusRequestEntityTooLarge, "The body is too large."
	case identity.UnsupportedMediaType:
		return http.StatusUnsupportedMediaType, "The body has an unsupported media type or encoding."
	case identity.InvalidRequest:
		return http.StatusUnprocessableEntity, "The request has invalid members."
	case identity.RateLimited:
		return http.StatusTooManyRequests, "Too many attempts have failed. Try again later."
	case identity.Overloaded:
		return http.StatusServiceUnavailable, "The service is overloaded. Try again later."
	case identity.Unavailable:
		return http.StatusServiceUnavailable, "The service is not available now. Try again later."
	default: // Internal, and any kind not known here
		return http.StatusInternalServerError, "Something went wrong. The request id finds it in the log."
	}
}

// classify decides what the caller and the log get to see of err.
func classify(err error, r *http.Request) *failure {
	e, known := errors.AsType[*identity.Error](err)
	if !known || e.Kind == identity.Internal {
		e = &identity.Error{Err: err}
		if errors.Is(err, context.DeadlineExceeded) {
			e.Kind = identity.Unavailable
		}
	}
	f := &failure{kind: e.Kind, code: e.Kind.String()}
	f.status, f.detail = statusOf(e.Kind)
	f.logged = f.status
	// Every refused proof looks the same, and so does every attempt that is too
	// many; what went wrong inside is withheld, whatever the error says.
	if e.Message != "" && f.status != http.StatusInternalServerError && e.Kind != identity.InvalidCredentials && e.Kind != identity.RateLimited {
		f.detail = e.Message
	}
	if e.Kind == identity.InvalidRequest {
		f.fields = e.Fields[:min(len(e.Fields), maxProblemFields)]
	}
	if f.status == http.StatusServiceUnavailable || f.status == http.StatusTooManyRequests {
		f.retryAfter = max(e.RetryAfter, time.Second)
	}
	if e.Err != nil {
		f.reason = e.Err.Error()
	}
	f.why = identity.ReasonOf(e)
	if p, ok := errors.AsType[*panicError](err); ok {
		f.stack = p.stack
	}
	if errors.Is(err, context.Canceled) && errors.Is(r.Context().Err(), context.Canceled) {
		f.logged, f.code = statusGone, "client_gone"
	}
	return f
}

// write answers with the problem document (RFC 9457).
func (f *failure) write(w http.ResponseWriter, r *http.Request, id string) {
	h := w.Header()
	for _, name := range []string{"Etag", "Last-Modified", "Location", "Content-Length", "Content-Encoding"} {
		h.Del(name) // meant for a success that did not come about
	}
	NoStore(w)
	if f.kind == identity.PayloadTooLarge && r.ProtoMajor == 1 {
		// Else net/http reads on, up to 256 KiB, before it answers.
		h.Set("Connection", "close")
	}
	if f.retryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(seconds(f.retryAfter), 10))
	}
	if eventOf(r.Context()).oauth {
		f.writeOAuth(w)
		return
	}
	if c := challenge(f.kind, r); c != "" {
		h.Set("WWW-Authenticate", c)
	}
	p := api.Problem{
		Type: "about:blank", Title: http.StatusText(f.status), Status: f.status,
		Detail: f.detail, Code: f.kind.String(), RequestID: id,
	}
	for _, fe := range f.fields {
		p.Errors = append(p.Errors, api.ProblemField{Loc: fe.Loc, Msg: fe.Message, Type: string(fe.Type)})
	}
	_ = writeJSON(w, f.status, "application/problem+json", p) // it can always be encoded
}

func (f *failure) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("code", f.code)}
	if f.reason != "" {
		attrs = append(attrs, slog.String("reason", f.reason))
	}
	if f.why != nil {
		attrs = append(attrs, f.why.Attrs()...)
	}
	if f.stack != nil {
		attrs = append(attrs, slog.String("stack", string(f.stack)))
	}
	return attrs
}
