package store

import (
	"context"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

const auditColumns = `seq, id, at, event, outcome, actor, target, ip, request_id, detail`

// AppendEvent adds an event to the audit, as the last one so far, in the transaction
// of what it records. It needs Change, in which nobody else adds one.
func (db *DB) AppendEvent(ctx context.Context, e identity.Event) error {
	if db.revision == 0 {
		return errOutsideChange
	}
	_, err := db.exec(ctx, "recording an event", `INSERT INTO audit_events (`+auditColumns+`)
		SELECT COALESCE(MAX(seq), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM audit_events`,
		e.ID, millis(e.At), e.Name, e.Outcome, e.Actor, e.Target, e.IP, e.RequestID, string(e.Detail))
	return err
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
	return rows(ctx, db, "events", `SELECT `+auditColumns+` FROM audit_events WHERE `+strings.Join(where, " AND ")+` ORDER BY seq DESC LIMIT ?`,
		append(args, f.Limit), func(scan func(...any) error) (e identity.Event, err error) {
			var at int64
			var detail string
			err = scan(&e.Seq, &e.ID, &at, &e.Name, &e.Outcome, &e.Actor, &e.Target, &e.IP, &e.RequestID, &detail)
			e.At, e.Detail = fromMillis(at), []byte(detail)
			return e, err
		})
}
