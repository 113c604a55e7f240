package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-60f9e3ad/identity"
)

// Query returns the query parameters, of which only the allowed ones may be
// there, each at most once, in valid UTF-8 without U+0000. Anything else is
// one InvalidRequest that names all of it. Values are never repeated: they may
// be credentials that somebody put into the URL.
func Query(r *http.Request, allowed ...string) (url.Values, error) {
	values := url.Values{}
	e := &identity.Error{Kind: identity.InvalidRequest, Message: "The request has invalid query parameters."}
	bad := func(loc []string, message string, t identity.FieldErrorType) {
		same := func(f identity.FieldError) bool { return slices.Equal(f.Loc, loc) }
		if len(e.Fields) < maxProblemFields && !slices.ContainsFunc(e.Fields, same) {
			e.Fields = append(e.Fields, identity.FieldError{Loc: loc, Message: message, Type: t})
		}
	}
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(rawName)
		value, err2 := url.QueryUnescape(rawValue)
		loc := []string{"query", shownName(name)}
		switch {
		case err1 != nil || !slices.Contains(allowed, name):
			bad(loc, "is not a parameter of this route", identity.FieldUnknown)
		case err2 != nil || !utf8.ValidString(value) || strings.ContainsRune(value, 0):
			bad(loc, "must be percent-encoded UTF-8 without U+0000", identity.FieldInvalidValue)
		case values.Has(name):
			bad(loc, "must be given only once", identity.FieldInvalidValue)
		default:
			values.Set(name, value)
		}
	}
	if len(e.Fields) > 0 {
		return nil, e
	}
	return values, nil
}

// NoQuery refuses, as InvalidRequest, any query parameter.
func NoQuery(r *http.Request) error {
	_, err := Query(r)
	return err
}

// shownName returns a name that a caller made up as far as it may be repeated to them:
// where it looks like the name of a member, or not at all. Somebody may have put a secret
// in its place, and one of these has other characters or is longer.
func shownName(name string) string {
	const most = 32
	for _, c := range []byte(name) {
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') {
			return "(not shown)"
		}
	}
	if name == "" || len(name) > most {
		return "(not shown)"
	}
	return name
}
