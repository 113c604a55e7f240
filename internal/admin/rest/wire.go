package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

const mergePatch = "application/merge-patch+json"

// object reads the body as one strict JSON object of one of the media types.
func (r request) object(mediaTypes ...string) (*web.Object, error) {
	if err := web.RequireJSON(r.Request, mediaTypes...); err != nil {
		return nil, err
	}
	return web.ParseObject(r.body)
}

// nothing refuses a body and a query where the route takes none.
func (r request) nothing() error {
	if len(r.body) > 0 {
		return &identity.Error{Kind: identity.InvalidRequest, Message: "This route takes no body.", Fields: []identity.FieldError{{
			Loc: []string{"body"}, Message: "is not expected", Type: identity.FieldUnknown,
		}}}
	}
	return web.NoQuery(r.Request)
}

// match honours If-Match against the version of what was found.
func (r request) match(version int64) error { return web.CheckMatch(r.Request, etag(version)) }

func etag(version int64) string { return fmt.Sprintf(`"%d"`, version) }

// write answers with a resource and its entity tag.
func write(w http.ResponseWriter, status int, version int64, v any) error {
	w.Header().Set("ETag", etag(version))
	return web.WriteJSON(w, status, v)
}

// done answers 204, unless there was an error.
func done(w http.ResponseWriter, err error) error {
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// Optional members: nil where they are absent.

func optionalString(o *web.Object, name string) *string {
	return present(o.OptionalString(name))
}

func optionalBool(o *web.Object, name string) *bool {
	return present(o.OptionalBool(name))
}

func optionalList(o *web.Object, name string) *[]string {
	return present(o.OptionalStrings(name))
}

func optionalSecret(o *web.Object, name string) *identity.Secret {
	return present(o.OptionalSecret(name))
}

func present[T any](value T, there bool) *T {
	if !there {
		return nil
	}
	return &value
}

// listOf returns a list that is empty where it is absent.
func listOf(o *web.Object, name string) []string {
	list, _ := o.OptionalStrings(name)
	return list
}

func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func optionalSeconds(d time.Duration) *int64 {
	if d == 0 {
		return nil
	}
	seconds := int64(d.Seconds())
	return &seconds
}

func metadata(m identity.Metadata) json.RawMessage {
	if m == "" {
		return json.RawMessage("{}")
	}
	return json.RawMessage(m)
}
