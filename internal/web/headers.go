package web

import "net/http"

// setHeaders sets what every response has, failures included. A handler may
// override a header, Cache-Control above all.
func setHeaders(h http.Header, id string, hsts bool) {
	h.Set("X-Request-Id", id)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	// Does not stand in the way of CORS: it is looked at only for requests
	// whose mode is no-cors (Fetch standard, section 3.7).
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", noStore)
	if hsts {
		h.Set("Strict-Transport-Security", "max-age=31536000") // RFC 6797 section 6.1
	}
}

// NoStore forbids every cache to keep the response (RFC 9111 section 5.2.2.5),
// as RFC 6749 section 5.1 demands for whatever carries a credential. It is the
// default of every response; a handler calls it to say that it relies on it.
func NoStore(w http.ResponseWriter) { w.Header().Set("Cache-Control", noStore) }

const noStore = "no-store"
