// Package audit records who changed what. It hides how an event comes about: Record
// takes the facts of the request from the context, works out what differs between
// before and after, and appends the event in the caller's own transaction, so that
// there is no change without its event and no event without its change.
//
// What changes nothing has no transaction: a Recorder takes what became of requests, and
// stores it in batches. It is bounded in memory and, for what strangers cause, in rows.
//
// Secrets cannot get in: an identity.Secret renders as "[redacted]", hashes are not
// part of what callers hand over, and before and after are the views that the
// interface shows.
package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"runtime/trace"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// Change is what happened to something. Before is nil for what was made, After for
// what was deleted; both are values that render as JSON objects.
type Change struct {
	// Name is the kind of thing and what happened, such as "user.updated".
	Name string
	// Target is the id of the thing, empty for what there is one of.
	Target        string
	Before, After any
	// Failed reports whether it was an attempt that did not get through.
	Failed bool
}

// Record appends the change to the audit in tx, with who made it and from where.
func Record(ctx context.Context, tx *store.DB, caller identity.Caller, c Change) error {
	defer trace.StartRegion(ctx, "audit.Record").End()
	detail, err := describe(c.Before, c.After)
	if err != nil {
		return fmt.Errorf("describing %s: %w", c.Name, err)
	}
	web.Note(ctx, slog.String("event", c.Name), slog.String("target", c.Target))
	now := tx.Now()
	e := identity.Event{
		ID: identity.NewID(now), At: now, Name: c.Name, Outcome: identity.OutcomeSuccess,
		Actor: caller.ID, Target: c.Target, RequestID: web.RequestID(ctx), Detail: detail,
	}
	if c.Failed {
		e.Outcome = identity.OutcomeFailure
	}
	if ip := web.RemoteIP(ctx); ip.IsValid() {
		e.IP = ip.String()
	}
	return tx.AppendEvent(ctx, e)
}

// describe renders the members that differ, before and after.
func describe(before, after any) (json.RawMessage, error) {
	b, err := members(before)
	if err != nil {
		return nil, err
	}
	a, err := members(after)
	if err != nil {
		return nil, err
	}
	if b != nil && a != nil {
		same := func(name string, value any) bool { other, ok := b[name]; return ok && reflect.DeepEqual(other, value) }
		changed := maps.Clone(a)
		maps.DeleteFunc(changed, same)
		maps.DeleteFunc(b, func(name string, _ any) bool { _, ok := changed[name]; _, kept := a[name]; return !ok && kept })
		a = changed
	}
	detail := map[string]any{}
	if b != nil {
		detail["before"] = b
	}
	if a != nil {
		detail["after"] = a
	}
	return json.Marshal(detail)
}

// members renders a value as the members of a JSON object; nil stays nil.
func members(v any) (map[string]any, error) {
	if v == nil {
		return nil, nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	m := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // a number in metadata may be any
	return m, decoder.Decode(&m)
}
