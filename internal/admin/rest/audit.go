package rest

import (
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

func (h *Handler) audit() []Route {
	return []Route{{"GET", "/api/audit", identity.PermissionAuditRead, h.listEvents}}
}

func (h *Handler) listEvents(w http.ResponseWriter, r request) error {
	p, err := readPage(r.Request, "audit", "from", "to", "event", "outcome", "actor", "target", "ip", "request_id")
	if err != nil {
		return err
	}
	f := store.EventFilter{
		Name: p.query.Get("event"), Outcome: p.query.Get("outcome"), Actor: p.query.Get("actor"), Target: p.query.Get("target"),
		IP: p.query.Get("ip"), RequestID: p.query.Get("request_id"), Limit: p.limit + 1,
	}
	if p.after != "" {
		if f.Before, err = strconv.ParseInt(p.after, 10, 64); err != nil || f.Before < 1 {
			return badCursor()
		}
	}
	if p.query.Has("outcome") && f.Outcome != identity.OutcomeSuccess && f.Outcome != identity.OutcomeFailure {
		return badParameter("outcome", "must be success or failure")
	}
	if p.query.Has("ip") {
		address, err := netip.ParseAddr(f.IP)
		if err != nil {
			return badParameter("ip", "must be an IP address")
		}
		f.IP = address.Unmap().String()
	}
	if f.From, err = p.optionalTime("from"); err != nil {
		return err
	}
	if f.To, err = p.optionalTime("to"); err != nil {
		return err
	}
	events, err := h.admin.Events(r.Context(), r.caller, f)
	if err != nil {
		return err
	}
	return writePage(w, p, events, func(e identity.Event) string { return strconv.FormatInt(e.Seq, 10) }, viewEvent)
}

// optionalTime reads a parameter that is a time as RFC 3339 writes it.
func (p page) optionalTime(name string) (time.Time, error) {
	if !p.query.Has(name) {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, p.query.Get(name))
	if err != nil {
		return t, badParameter(name, "must be a time as RFC 3339 writes it, such as 2026-01-02T03:04:05Z")
	}
	if t.IsZero() {
		t = t.Add(time.Millisecond) // the zero time would not matter at all
	}
	return t, nil
}

func viewEvent(e identity.Event) api.Event {
	return api.Event{
		ID: e.ID, At: e.At, Event: e.Name, Outcome: e.Outcome, Actor: e.Actor, Target: e.Target, IP: e.IP, RequestID: e.RequestID, Detail: e.Detail,
	}
}
