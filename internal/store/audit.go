package store

import (
	"context"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

const auditColumns = `id, at, event, outcome, actor, target, ip, request_id, detail`

// AppendEvent adds an event to the audit in the transaction of what it records.
func (db *DB) AppendEvent(ctx context.Context, e identity.Event) error {
	return db.AppendEvents(ctx, []identity.Event{e})
}

// eventsAtOnce is how many events one statement adds.
const eventsAtOnce = 128

// AppendEvents adds events to the audit, in their order: all of them, or none. The
// database gives each its Seq.
func (db *DB) AppendEvents(ctx context.Context, events []identity.Event) error {
	const row = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"
	return db.Tx(ctx, func(tx *DB) error {
		for chunk := range pieces(events, eventsAtOnce) {
			args := make([]any, 0, 9*len(chunk))
			for _, e := range chunk {
				args = append(args, e.ID, millis(e.At), e.Name, e.Outcome, e.Actor, e.Target, e.IP, e.RequestID, string(e.Detail))
			}
			query := `INSERT INTO audit_events (` + auditColumns + `) VALUES ` + row + strings.Repeat(", "+row, len(chunk)-1)
			if _, err := tx.exec(ctx, "recording events", query, args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// EventFilter chooses events; what is zero does not matter. Before is the Seq of the
// event behind which the page begins.
type EventFilter struct {
	From, To                                    time.Time
	Name, Outcome, Actor, Target, IP, RequestID string
	Before                                      int64
	Limit                                       int
}

// Events returns a page of the audit, newest first.
func (db *DB) Events(ctx context.Context, f EventFilter) ([]identity.Event, error) {
	where, args := []string{"1 = 1"}, []any{}
	and := func(condition string, arg any, given bool) {
		if given {
			where, args = append(where, condition), append(args, arg)
		}
	}
	and("seq < ?", f.Before, f.Before != 0)
	and("at >= ?", millis(f.From), !f.From.IsZero())
	and("at < ?", millis(f.To), !f.To.IsZero())
	and("event = ?", f.Name, f.Name != "")
	and("outcome = ?", f.Outcome, f.Outcome != "")
	and("actor = ?", f.Actor, f.Actor != "")
	and("target = ?", f.Target, f.Target != "")
	and("ip = ?", f.IP, f.IP != "")
	and("request_id = ?", f.RequestID, f.RequestID != "")
	return db.events(ctx, `WHERE `+strings.Join(where, " AND ")+` ORDER BY seq DESC LIMIT ?`, append(args, f.Limit)...)
}

func (db *DB) events(ctx context.Context, choice string, args ...any) ([]identity.Event, error) {
	return rows(ctx, db, "events", `SELECT seq, number, hash, `+auditColumns+` FROM audit_events `+choice, args, func(scan func(...any) error) (e identity.Event, err error) {
		var at int64
		var detail string
		err = scan(&e.Seq, &e.Number, &e.Hash, &e.ID, &at, &e.Name, &e.Outcome, &e.Actor, &e.Target, &e.IP, &e.RequestID, &detail)
		e.At, e.Detail = fromMillis(at), []byte(detail)
		if e.Number == 0 {
			e.Hash = nil
		}
		return e, err
	})
}
