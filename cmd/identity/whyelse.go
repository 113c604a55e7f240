package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

// lookBack finds the refusals that explain why somebody has to wait: where those came from
// who guessed a name, and what an address got wrong.
func (w *why) lookBack(ctx context.Context, p *program, c *connection) error {
	query := url.Values{"event": {"request.refused"}, "to": {w.At.Add(time.Second).Format(time.RFC3339)}, "from": {w.At.Add(-24 * time.Hour).Format(time.RFC3339)}}
	switch identity.Check(w.Check) {
	case identity.RefusedThrottleName:
		id := w.Who
		if name, ok := w.Facts["username"].(string); ok {
			var err error
			if id, err = users(p).find(ctx, c, name); err != nil {
				return nil //nolint:nilerr // who may not look at users, or a user who is gone: what is known is said
			}
			w.Who, w.Name = id, name
		}
		if id == "" {
			return nil
		}
		query.Set("actor", id)
	case identity.RefusedThrottleAddress:
		query.Set("ip", w.From)
	default:
		return nil
	}
	const enough = 1000
	events, _, err := all[api.Event](ctx, c, "/api/audit", query, enough)
	if err != nil {
		return err
	}
	counts := map[string]int{}
	for _, e := range events {
		var d api.EventDetail
		if json.Unmarshal(e.Detail, &d) != nil || d.Check == "" || d.Check == w.Check {
			continue
		}
		counts[d.Check+" from "+cmp.Or(e.IP, "this machine")]++
	}
	most := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
	for _, what := range most[:min(len(most), 10)] {
		w.Before = append(w.Before, fmt.Sprintf("%d × %s", counts[what], what))
	}
	return nil
}

// perhaps lists why nothing may be known of a request.
func perhaps(ctx context.Context, c *connection, id string, now time.Time) ([]string, error) {
	var list []string
	at, dated := timeOf(id)
	if dated {
		merged, err := mergedAt(ctx, c, at)
		if err != nil {
			return nil, err
		}
		if merged > 0 {
			list = append(list, fmt.Sprintf("it was one of %d refusals at that time which share events, because there were so many: the log has each, by its request_id. \"identity audit list --event requests.refused\" has how many, of what and from where.", merged))
		}
		earlier, _, err := all[api.Event](ctx, c, "/api/audit", url.Values{"to": {at.Add(time.Second).Format(time.RFC3339)}}, 1)
		switch {
		case err != nil:
			return nil, err
		case len(earlier) == 0:
			list = append(list, "it is older than what the audit still has: there is nothing from before "+at.Format(time.RFC3339)+".")
		case now.Sub(at).Abs() < time.Second:
			list = append(list, "it is so new that it is not stored yet: try again.")
		}
	} else {
		list = append(list, "the id is not whole, or not one that this service makes: callers may send their own as X-Request-Id.")
	}
	return append(list,
		"it was answered well, together with others that were equal, or was for something that is not there (404).",
		"another installation answered it, or a proxy in front of this one.",
		"the node that answered it was killed within the 200 ms before it was stored; the log has it."), nil
}

// timeOf returns when an id was made, if it is one that this service makes (RFC 9562
// section 5.7).
func timeOf(id string) (time.Time, bool) {
	text := strings.ReplaceAll(id, "-", "")
	if len(id) != 36 || len(text) != 32 || text[12] != '7' {
		return time.Time{}, false
	}
	ms, err := strconv.ParseInt(text[:12], 16, 64)
	return time.UnixMilli(ms).UTC(), err == nil
}

// mergedAt returns how many refusals share events of which one may be from this time.
func mergedAt(ctx context.Context, c *connection, at time.Time) (n int64, err error) {
	const longest = 2 * time.Minute // that refusals are merged for
	query := url.Values{"event": {"requests.refused"}, "from": {at.Add(-time.Second).Format(time.RFC3339)}, "to": {at.Add(longest).Format(time.RFC3339)}}
	events, _, err := all[api.Event](ctx, c, "/api/audit", query, 0)
	for _, e := range events {
		var d api.EventDetail
		if json.Unmarshal(e.Detail, &d) == nil && d.First != nil && !d.First.After(at.Add(time.Second)) {
			n += d.Count
		}
	}
	return n, err
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
