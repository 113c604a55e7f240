package web

import (
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-60f9e3ad/identity"
)

// MaxBody is the most bytes a request body may have.
const MaxBody = 64 << 10

// Body reads the whole body. One of more than MaxBody bytes is PayloadTooLarge:
// at once if it is announced (RFC 9110 section 8.6), so that nothing of it is
// read and no "100 Continue" invites it, else after MaxBody bytes. One that
// breaks off or comes too slowly is InvalidJSON. Where too many requests are worked
// on when it has come, it is Overloaded.
func Body(r *http.Request) ([]byte, error) { return BodyUpTo(r, MaxBody) }

// BodyUpTo is Body with another limit, for callers who are known.
func BodyUpTo(r *http.Request, most int) ([]byte, error) {
	if r.ContentLength > int64(most) {
		return nil, tooLarge(most)
	}
	var body []byte
	var err error
	overloaded := eventOf(r.Context()).meanwhile(func() { body, err = io.ReadAll(io.LimitReader(r.Body, int64(most)+1)) })
	if len(body) > most {
		return nil, tooLarge(most)
	}
	if err != nil {
		return nil, identity.Errorf(identity.InvalidJSON, "The body could not be read.").Because(err)
	}
	if overloaded != nil {
		return nil, overloaded
	}
	return body, nil
}

func tooLarge(most int) error {
	return identity.Errorf(identity.PayloadTooLarge, "The body must have at most %d bytes.", most)
}

// EmptyBody refuses a body where the route takes none: PayloadTooLarge or
// InvalidRequest.
func EmptyBody(r *http.Request) error {
	body, err := Body(r)
	if err != nil {
		return err
	}
	if len(body) > 0 {
		return &identity.Error{
			Kind: identity.InvalidRequest, Message: "This takes no body.",
			Fields: []identity.FieldError{{Loc: []string{"body"}, Message: "must be empty", Type: identity.FieldUnknown}},
		}
	}
	return nil
}

// RequireJSON refuses, as UnsupportedMediaType, a body that is not declared as
// application/json or one of the other given media types. The one parameter
// that is let through is charset=utf-8, and there must be no Content-Encoding.
func RequireJSON(r *http.Request, others ...string) error {
	return requireMediaType(r, append([]string{"application/json"}, others...)...)
}

// requireMediaType is RequireJSON for any media types.
func requireMediaType(r *http.Request, want ...string) error {
	if len(r.Header.Values("Content-Encoding")) > 0 {
		return identity.Errorf(identity.UnsupportedMediaType, "The body must not have a Content-Encoding.")
	}
	types := r.Header.Values("Content-Type")
	if len(types) == 1 {
		mediaType, params, err := mime.ParseMediaType(types[0])
		charset, given := params["charset"]
		if given {
			delete(params, "charset")
		}
		if err == nil && slices.Contains(want, mediaType) && len(params) == 0 &&
			(!given || strings.EqualFold(charset, "utf-8")) {
			return nil
		}
	}
	return identity.Errorf(identity.UnsupportedMediaType, "The body must be %s in UTF-8.", strings.Join(want, " or "))
}

// ReadObject reads the body as one strict JSON object, in the order of checks
// that the interface promises: PayloadTooLarge, UnsupportedMediaType,
// InvalidJSON.
func ReadObject(r *http.Request, others ...string) (*Object, error) {
	body, err := Body(r)
	if err != nil {
		return nil, err
	}
	if err := RequireJSON(r, others...); err != nil {
		return nil, err
	}
	return ParseObject(body)
}
