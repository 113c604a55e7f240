package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Of many events, nearly all of which are sealed, no verb looks at more than it is about.
func TestAuditUsesIndexes(t *testing.T) {
	useIndexes(t, "audit_events", manyEvents, ofAudit(t.Context()))
}

const manySealed = 20_000

// manyEvents has 20,000 sealed events, and 20 that are not.
func manyEvents(t *testing.T, db *store.DB) (inner *sql.DB) {
	t.Helper()
	store.ThroughForTest(db, func(of *sql.DB) *sql.DB { inner = of; return of })
	const batch = 1000
	now := time.Now().UnixMilli()
	for from := 1; from <= manySealed+20; from += batch {
		var rows []string
		for i := from; i < from+batch && i <= manySealed+20; i++ {
			number := i
			if i > manySealed {
				number = 0
			}
			rows = append(rows, fmt.Sprintf("('%d', %d, 'user.created', 'success', 'actor %d', 'target %d', '', 'r%d', '{}', %d)", i, now, i%1000, i, i, number))
		}
		_, err := inner.ExecContext(t.Context(), `INSERT INTO audit_events (id, at, event, outcome, actor, target, ip, request_id, detail, number) VALUES `+strings.Join(rows, ", "))
		check(t, err)
	}
	_, err := inner.ExecContext(t.Context(), fmt.Sprintf(`UPDATE audit_chain SET number = %d`, manySealed))
	check(t, err)
	return inner
}

func ofAudit(ctx context.Context) func(through *store.DB) map[string]func() error {
	return func(through *store.DB) map[string]func() error {
		return map[string]func() error{
			"Unsealed":      func() error { _, err := through.Unsealed(ctx, pruned); return err },
			"CountUnsealed": func() error { _, err := through.CountUnsealed(ctx); return err },
			"AuditChain":    func() error { _, err := through.AuditChain(ctx); return err },
			"SealedEvents": func() error {
				_, err := through.SealedEvents(ctx, identity.Event{Number: 7777, Seq: 7777}, pruned)
				return err
			},
			"SealedEvents, the first": func() error { _, err := through.SealedEvents(ctx, identity.Event{}, pruned); return err },
			"Cuttable":                func() error { _, err := through.Cuttable(ctx, time.Now().Add(time.Hour), pruned); return err },
			"Events of a request": func() error {
				_, err := through.Events(ctx, store.EventFilter{RequestID: "r777", Limit: 51})
				return err
			},
		}
	}
}
