package audit

import (
	"context"
	"io"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/chain"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Verify proves the audit in the database with the public keys, and with a statement that
// was kept elsewhere unless that is nil. It reads all of it, as it is at one moment.
func Verify(ctx context.Context, db *store.DB, keys []jose.PublicKey, kept *chain.Statement) (report chain.Report, err error) {
	v := chain.NewVerifier(keys, kept)
	err = db.Snapshot(ctx, func(tx *store.DB) error {
		event := func(e identity.Event) error { v.Event(e); return nil }
		statement := func(s store.AuditStatement) error { v.Statement(s.Statement); return nil }
		if err := walk(ctx, tx, event, statement); err != nil {
			return err
		}
		stray, err := tx.StrayEvent(ctx)
		if err == nil {
			v.Stray(stray.Number)
		} else if identity.KindOf(err) != identity.NotFound {
			return err
		}
		end, err := tx.AuditChain(ctx)
		if err != nil {
			return err
		}
		unsealed, err := tx.CountUnsealed(ctx)
		report = v.End(end.Number, unsealed)
		return err
	})
	return report, err
}

// Export writes the sealed audit, as it is at one moment, and returns how many events that
// were. Whoever has it can verify it without the database.
func Export(ctx context.Context, db *store.DB, to io.Writer) (n int64, err error) {
	w, err := chain.NewWriter(to)
	if err != nil {
		return 0, err
	}
	err = db.Snapshot(ctx, func(tx *store.DB) error {
		event := func(e identity.Event) error { n++; return w.Event(e) }
		return walk(ctx, tx, event, func(s store.AuditStatement) error { return w.Statement(s.Statement) })
	})
	return n, err
}

// walk hands on all that is sealed, in the order that a chain.Verifier takes it.
func walk(ctx context.Context, tx *store.DB, event func(identity.Event) error, statement func(store.AuditStatement) error) error {
	const page = 500
	last := identity.Event{}
	for {
		events, err := tx.SealedEvents(ctx, last, page)
		if err != nil {
			return err
		}
		// Those about what is before the page are the cut on which it stands, or about
		// events that are missing; the last page has all that are left.
		upTo := int64(1<<63 - 1)
		if len(events) == page {
			upTo = events[page-1].Number - 1 // there may be more of the last number
		}
		from := last.Number
		if last.Number == 0 {
			from = -1 << 63
		}
		statements, err := tx.AuditStatements(ctx, from, upTo)
		if err != nil {
			return err
		}
		for _, e := range events {
			if statements, err = before(statements, e.Number, statement); err != nil {
				return err
			}
			if err := event(e); err != nil {
				return err
			}
			last = e
		}
		if len(events) < page {
			_, err := before(statements, 0, statement)
			return err
		}
		if _, err = before(statements, last.Number, statement); err != nil {
			return err
		}
	}
}

// before hands on the statements about numbers before one, all if that is 0, and returns
// the others.
func before(statements []store.AuditStatement, number int64, statement func(store.AuditStatement) error) ([]store.AuditStatement, error) {
	for len(statements) > 0 && (number == 0 || statements[0].Number < number) {
		if err := statement(statements[0]); err != nil {
			return nil, err
		}
		statements = statements[1:]
	}
	return statements, nil
}
