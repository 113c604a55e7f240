package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// requestID returns the caller's own X-Request-Id where there is exactly one of
// 1 to 128 of [A-Za-z0-9._-], which no log or header can misread, and a fresh
// one otherwise.
func requestID(r *http.Request, now time.Time) string {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	sent := r.Header.Values("X-Request-Id")
	if len(sent) == 1 && sent[0] != "" && len(sent[0]) <= 128 && strings.Trim(sent[0], allowed) == "" {
		return sent[0]
	}
	return identity.NewID(now)
}
