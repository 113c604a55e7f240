package web

import (
	"net/http"
	"strings"

	"github.com/seed-60f9e3ad/identity"
)

// CheckMatch honours If-Match (RFC 9110 section 13.1.1) for a resource that
// exists and whose strong entity tag is etag, quotes included. It is nil when
// the header is absent, "*" or lists that tag, and PreconditionFailed
// otherwise, for a malformed list too. Weak tags never match: the comparison
// is the strong one of section 8.8.3.2.
func CheckMatch(r *http.Request, etag string) error {
	lines := r.Header.Values("If-Match")
	if len(lines) == 0 {
		return nil
	}
	list := strings.Trim(strings.Join(lines, ","), " \t")
	if list == "*" || listsTag(list, etag) {
		return nil
	}
	return identity.Errorf(identity.PreconditionFailed, "The resource has changed since it was read.")
}

// listsTag reports whether list is a list of entity tags (RFC 9110 sections
// 5.6.1 and 8.8.3), which may hold commas inside their quotes, and has etag.
func listsTag(list, etag string) bool {
	found := false
	for {
		list = strings.TrimLeft(list, " \t,") // empty elements are ignored
		if list == "" {
			return found
		}
		opaque, weak := strings.CutPrefix(list, "W/")
		if !strings.HasPrefix(opaque, `"`) {
			return false
		}
		end := strings.IndexByte(opaque[1:], '"')
		if end < 0 {
			return false
		}
		tag, rest := opaque[:end+2], strings.TrimLeft(opaque[end+2:], " \t")
		if rest != "" && rest[0] != ',' {
			return false
		}
		found = found || !weak && tag == etag
		list = rest
	}
}
