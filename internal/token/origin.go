package token

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-60f9e3ad/identity/internal/web"
)

// from is where a request comes from.
type from struct{ ip, userAgent string }

const maxUserAgent = 255 // bytes

// origin is where the request comes from that ctx belongs to. What a caller says of
// itself is cut to what can be shown.
func origin(ctx context.Context) from {
	var f from
	if ip := web.RemoteIP(ctx); ip.IsValid() {
		f.ip = ip.String()
	}
	f.userAgent = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, web.UserAgent(ctx))
	for len(f.userAgent) > maxUserAgent {
		_, size := utf8.DecodeLastRuneInString(f.userAgent)
		f.userAgent = f.userAgent[:len(f.userAgent)-size]
	}
	return f
}
