package rest

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

const (
	defaultLimit = 50
	maxLimit     = 200
)

// page is which page of a list is asked for.
type page struct {
	list  string
	limit int
	// after is the key behind which the page begins.
	after string
	query url.Values
}

// readPage reads limit and cursor, and the filters that the list takes.
func readPage(r *http.Request, list string, filters ...string) (page, error) {
	query, err := web.Query(r, append([]string{"limit", "cursor"}, filters...)...)
	if err != nil {
		return page{}, err
	}
	p := page{list: list, limit: defaultLimit, query: query}
	if text := query.Get("limit"); text != "" || query.Has("limit") {
		p.limit, err = strconv.Atoi(text)
		if err != nil || p.limit < 1 || p.limit > maxLimit {
			return p, badParameter("limit", "must be 1 to 200")
		}
	}
	if query.Has("cursor") {
		var ok bool
		if p.after, ok = readCursor(list, query.Get("cursor")); !ok {
			return p, badCursor()
		}
	}
	return p, nil
}

// A cursor names its list and the last key of the page before. It is opaque to
// callers and proves nothing: whatever key one makes up, the page that begins
// behind it holds only what its caller may see.
func cursor(list, last string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(list + "\n" + last))
}

func readCursor(list, text string) (after string, ok bool) {
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return "", false
	}
	name, after, found := strings.Cut(string(decoded), "\n")
	return after, found && name == list && after != "" && utf8.ValidString(after) && !strings.ContainsRune(after, 0)
}

// writePage answers with a page. items holds one more than the page if there is a
// next one; key is that by which the list is ordered.
func writePage[T, V any](w http.ResponseWriter, p page, items []T, key func(T) string, view func(T) V) error {
	answer := api.Page[V]{}
	if len(items) > p.limit {
		items = items[:p.limit]
		next := cursor(p.list, key(items[len(items)-1]))
		answer.NextCursor = &next
	}
	for _, item := range items {
		answer.Data = append(answer.Data, view(item))
	}
	return web.WriteJSON(w, http.StatusOK, answer)
}

// optionalBool reads a parameter that is true or false.
func (p page) optionalBool(name string) (*bool, error) {
	if !p.query.Has(name) {
		return nil, nil
	}
	switch p.query.Get(name) {
	case "true":
		value := true
		return &value, nil
	case "false":
		value := false
		return &value, nil
	}
	return nil, badParameter(name, "must be true or false")
}

func badCursor() error {
	return badParameter("cursor", "must be the next_cursor of a page of this list")
}

func badParameter(name, message string) error {
	return &identity.Error{Kind: identity.InvalidRequest, Message: "The query has invalid parameters.", Fields: []identity.FieldError{{
		Loc: []string{"query", name}, Message: message, Type: identity.FieldInvalidValue,
	}}}
}
