package web

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// CheckOrigin refuses an origin that is not spelled as RFC 6454 section 6.2
// serialises it, since a browser would never send it: compared is byte by byte.
func CheckOrigin(o string) error {
	u, err := url.Parse(o)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || o != u.Scheme+"://"+u.Host ||
		o != strings.ToLower(o) || strings.ContainsAny(o, "*, ") || strings.HasSuffix(o, ":") ||
		u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80" {
		return fmt.Errorf("allowed origin %q: want scheme://host[:port] in lower case, without path, wildcard and default port", o)
	}
	return nil
}

func newOrigins(list []string) (map[string]bool, error) {
	origins := map[string]bool{}
	for _, o := range list {
		if err := CheckOrigin(o); err != nil {
			return nil, err
		}
		origins[o] = true
	}
	return origins, nil
}

// corsMethods lists the methods of the path that other origins may use, sorted.
func (p *path) corsMethods() []string {
	var methods []string
	for _, m := range slices.Sorted(maps.Keys(p.endpoints)) {
		if p.endpoints[m].cors {
			methods = append(methods, m)
		}
	}
	return methods
}

// allowOrigin lets the calling page read the response, if its origin is
// allowed. Credentials are never allowed: the interface knows no cookies.
func (p *path) allowOrigin(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Values("Origin")
	if len(origin) != 1 || !p.origins[origin[0]] {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", origin[0])
	w.Header().Set("Access-Control-Expose-Headers", "ETag, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id")
	return true
}

// preflight answers a CORS preflight (Fetch standard, section 3.3.2) for one
// of the given methods from an allowed origin, and reports whether it did.
func (p *path) preflight(w http.ResponseWriter, r *http.Request, methods []string) bool {
	if !slices.Contains(methods, r.Header.Get("Access-Control-Request-Method")) || !p.allowOrigin(w, r) {
		return false
	}
	h := w.Header()
	h.Del("Access-Control-Expose-Headers") // says nothing on a preflight
	h.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Request-Id")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}
