package store

import (
	"context"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// ClientBySecret returns the client that has the secret with the id; NotFound if none has.
func (db *DB) ClientBySecret(ctx context.Context, secretID string) (identity.Client, error) {
	var id string
	if err := db.row(ctx, "secret", `SELECT client_id FROM client_secrets WHERE id = ?`, []any{secretID}, &id); err != nil {
		return identity.Client{}, err
	}
	return db.Client(ctx, id)
}

// ClientsWithKey returns the ids of the clients that have registered the key with this
// thumbprint, in their order. It reads the keys of all clients.
func (db *DB) ClientsWithKey(ctx context.Context, kid string) ([]string, error) {
	return rows(ctx, db, "clients with a key", `SELECT client_id FROM client_keys WHERE kid = ? ORDER BY client_id`, []any{kid},
		func(scan func(...any) error) (id string, err error) { return id, scan(&id) })
}

// Use is what the audit has of one thing that somebody did, from one address.
type Use struct {
	Event, Outcome, IP string
	// Events is how many there are; each may stand for several that were equal.
	Events      int64
	First, Last time.Time
}

// UseFilter chooses the events of one principal that are about one of its credentials, or
// about one of its sessions, and all that it changed, by whichever credential.
type UseFilter struct {
	Actor               string
	Credential, Session string // one of them, or neither
	// All has everything that the principal did instead.
	All   bool
	Since time.Time
	// Requests are the names of events that are of requests and no changes.
	Requests []string
	Limit    int
}

// Uses returns what was done, what was done last first.
func (db *DB) Uses(ctx context.Context, f UseFilter) ([]Use, error) {
	conditions, args := []string{}, []any{f.Actor, millis(f.Since)}
	or := func(condition string, of ...any) {
		conditions, args = append(conditions, condition), append(args, of...)
	}
	if f.All {
		or(`1 = 1`)
	}
	if f.Credential != "" {
		or(`detail LIKE ?`, `%"`+f.Credential+`"%`)
	}
	if f.Session != "" {
		or(`target = ?`, f.Session)
	}
	names := make([]any, len(f.Requests))
	for i, name := range f.Requests {
		names[i] = name
	}
	or(`event NOT IN (?`+strings.Repeat(", ?", len(names)-1)+`)`, names...)
	return rows(ctx, db, "what was done", `SELECT event, outcome, ip, COUNT(*), MIN(at), MAX(at) FROM audit_events
		WHERE actor = ? AND at >= ? AND (`+strings.Join(conditions, " OR ")+`) GROUP BY event, outcome, ip ORDER BY MAX(at) DESC, event, outcome, ip LIMIT ?`,
		append(args, f.Limit), func(scan func(...any) error) (u Use, err error) {
			var first, last int64
			err = scan(&u.Event, &u.Outcome, &u.IP, &u.Events, &first, &last)
			u.First, u.Last = fromMillis(first), fromMillis(last)
			return u, err
		})
}

// OldestEvent returns the first event that the audit still has; NotFound if it has none.
func (db *DB) OldestEvent(ctx context.Context) (identity.Event, error) {
	list, err := db.events(ctx, `ORDER BY seq LIMIT 1`)
	return one(list, err)("event")
}
