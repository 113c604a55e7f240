package web

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/ratelimit"
)

// RateLimit has the response to the request that ctx belongs to say what a policy leaves
// its source (draft-ietf-httpapi-ratelimit-headers-10,
// sections 3 and 4); what is said last counts. The policy has units in w seconds,
// of which r are left, and all again in t seconds.
func RateLimit(ctx context.Context, name string, p ratelimit.Policy, s ratelimit.State) {
	eventOf(ctx).limit = map[string]string{
		"RateLimit-Policy": fmt.Sprintf("%q;q=%d;w=%d", name, p.Burst, seconds(p.Window())),
		"RateLimit":        fmt.Sprintf("%q;r=%d;t=%d", name, s.Remaining, seconds(s.Reset)),
	}
}

// seconds rounds up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
