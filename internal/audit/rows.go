package audit

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

// row is what is stored of successes that are equal. One that is alone says of which
// request it is.
func (s Success) row(t *tally) row {
	e := row{
		Event: identity.Event{
			ID: identity.NewID(t.first), At: t.first, Name: s.Event, Outcome: identity.OutcomeSuccess, Actor: s.Actor, Target: s.Target,
		},
		detail: detail{EventDetail: api.EventDetail{Audience: s.Audience, Credential: s.SecretID}},
	}
	if s.SecretID == "" {
		e.detail.Credential = s.KeyID
	} else {
		e.detail.Key = s.KeyID
	}
	if s.Event == SessionEnded {
		e.detail.EndedBy = identity.EndLogout
	}
	if s.ip.IsValid() {
		e.IP = s.ip.String()
	}
	if t.n == 1 {
		e.RequestID = t.requestID
	} else {
		e.detail.counted(t)
	}
	return e
}

// row is what is stored of refusals that share one.
func (m merged) row(t *tally) row {
	e := row{
		Event: identity.Event{
			ID: identity.NewID(t.first), At: t.last, Name: RequestsRefused, Outcome: identity.OutcomeFailure, Actor: m.actor,
		},
		detail: detail{EventDetail: api.EventDetail{Check: string(m.check), Code: m.code, Method: m.method, Route: m.route}},
	}
	if m.network.IsValid() {
		e.detail.Network = m.network.String()
	}
	e.detail.counted(t)
	return e
}

func (d *detail) counted(t *tally) {
	first, last := t.first.UTC(), t.last.UTC()
	d.Count, d.First, d.Last = t.n, &first, &last
}

// written writes out rows as events, in the order of their times.
func written(rows []row) []identity.Event {
	var events []identity.Event
	for _, e := range rows {
		var err error
		if e.detail.reason != nil {
			e.detail.Facts, err = e.detail.reason.FactsJSON()
		}
		if err == nil {
			e.Detail, err = json.Marshal(e.detail.EventDetail)
		}
		if err != nil { // a fact that is no JSON: the rest is worth more than nothing
			e.Detail = []byte(`{}`)
		}
		events = append(events, e.Event)
	}
	slices.SortStableFunc(events, func(a, b identity.Event) int { return a.At.Compare(b.At) })
	return events
}

// nameActors finds out whose the sessions are that were ended by one of their tokens, which
// says only which session it is of.
func (r *Recorder) nameActors(ctx context.Context) error {
	var sessions []string
	for _, e := range r.pending {
		if e.Name == SessionEnded && e.Actor == "" {
			sessions = append(sessions, e.Target)
		}
	}
	if len(sessions) == 0 {
		return nil
	}
	users, err := r.db.SessionUsers(ctx, sessions)
	if err != nil {
		return err
	}
	for i := range r.pending {
		if e := &r.pending[i]; e.Name == SessionEnded && e.Actor == "" {
			e.Actor = users[e.Target]
		}
	}
	return nil
}
