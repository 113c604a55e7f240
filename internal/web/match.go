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
	if list == "*" || listsTag(list, etag, false) {
		return nil
	}
	return identity.Errorf(identity.PreconditionFailed, "The resource has changed since it was read.")
}

// NotModified reports whether the caller has the representation whose entity tag is
// etag, strong or weak, by If-None-Match (RFC 9110 section 13.1.2): the answer then is 304
// without a body. The comparison is the weak one; a malformed list has nothing.
func NotModified(r *http.Request, etag string) bool {
	list := strings.Trim(strings.Join(r.Header.Values("If-None-Match"), ","), " \t")
	return list == "*" || listsTag(list, strings.TrimPrefix(etag, "W/"), true)
}

// listsTag reports whether list is a list of entity tags (RFC 9110 sections
// 5.6.1 and 8.8.3), which may hold commas inside their quotes, and has etag, also
// as a weak tag if those count.
func listsTag(list, etag string, weakly bool) bool {
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
		found = found || (weakly || !weak) && tag == etag
		list = rest
	}
}
