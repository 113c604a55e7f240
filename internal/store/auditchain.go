package store

import (
	"context"
	"errors"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// ChainEnd is where the chain of the audit ends: the number of the last event that is
// sealed, and its hash; zero before there is any.
type ChainEnd struct {
	Number int64
	Hash   []byte
}

// The kinds of statements about the audit.
const (
	StatementHead = "head" // which hash stands at the number
	StatementCut  = "cut"  // up to which number the audit was cut, and its hash
)

// AuditStatement is a signed statement about the audit at a number.
type AuditStatement struct {
	Number int64
	Kind   string
	// Statement is a compact JWS.
	Statement string
	MadeAt    time.Time
}

// ErrSealed is within the error of SealEvents where somebody else has sealed meanwhile.
var ErrSealed = errors.New("the audit was sealed by another node meanwhile")

// AuditChain returns where the chain ends.
func (db *DB) AuditChain(ctx context.Context) (end ChainEnd, err error) {
	err = db.row(ctx, "end of the audit", `SELECT number, hash FROM audit_chain WHERE id = 1`, nil, &end.Number, &end.Hash)
	return end, err
}

// Unsealed returns the first events that are not sealed yet, in the order of arrival.
func (db *DB) Unsealed(ctx context.Context, limit int) ([]identity.Event, error) {
	return db.events(ctx, `WHERE number = 0 ORDER BY seq LIMIT ?`, limit)
}

// SealedEvents returns the events that follow one in the chain, in its order; the zero
// Event is before the first. That two have the same number is for the caller to find.
func (db *DB) SealedEvents(ctx context.Context, after identity.Event, limit int) ([]identity.Event, error) {
	return db.events(ctx, `WHERE number >= ? AND (number > ? OR seq > ?) ORDER BY number, seq LIMIT ?`, max(after.Number, 1), after.Number, after.Seq, limit)
}

// CountUnsealed returns how many events are not sealed yet.
func (db *DB) CountUnsealed(ctx context.Context) (n int64, err error) {
	err = db.row(ctx, "events", `SELECT COUNT(*) FROM audit_events WHERE number = 0`, nil, &n)
	return n, err
}

// SealEvents stores the numbers and hashes of events, which follow the end of the chain
// that was read, and a statement about the last of them. It happens as a whole, and not at
// all, with ErrSealed, where the chain does not end there any more or an event is sealed.
// Earlier heads of the same hour are not kept: the later one says all that they said.
func (db *DB) SealEvents(ctx context.Context, from ChainEnd, events []identity.Event, head AuditStatement) error {
	return db.Tx(ctx, func(tx *DB) error {
		last := events[len(events)-1]
		if err := tx.onlyIf(ctx, `UPDATE audit_chain SET number = ?, hash = ? WHERE id = 1 AND number = ?`, last.Number, last.Hash, from.Number); err != nil {
			return err
		}
		for _, e := range events {
			if err := tx.onlyIf(ctx, `UPDATE audit_events SET number = ?, hash = ? WHERE seq = ? AND number = 0`, e.Number, e.Hash, e.Seq); err != nil {
				return err
			}
		}
		hour := millis(head.MadeAt.Truncate(time.Hour))
		if _, err := tx.exec(ctx, "leaving out earlier heads", `DELETE FROM audit_statements WHERE kind = ? AND number > ? AND number <= ? AND made_at >= ?`,
			StatementHead, from.Number-headsLookedAt, from.Number, hour); err != nil {
			return err
		}
		return tx.putStatement(ctx, head)
	})
}

// headsLookedAt bounds how far back a head looks for others of its hour.
const headsLookedAt = 100_000

// onlyIf is an update of one row, or else ErrSealed.
func (db *DB) onlyIf(ctx context.Context, update string, args ...any) error {
	n, err := db.exec(ctx, "sealing the audit", update, args...)
	if err == nil && n != 1 {
		err = ErrSealed
	}
	return err
}

func (db *DB) putStatement(ctx context.Context, s AuditStatement) error {
	_, err := db.exec(ctx, "storing a statement about the audit", `INSERT INTO audit_statements (number, kind, statement, made_at) VALUES (?, ?, ?, ?)`,
		s.Number, s.Kind, s.Statement, millis(s.MadeAt))
	return err
}

// RestateHead puts a head in the place of the one about the same number, if there is one.
func (db *DB) RestateHead(ctx context.Context, head AuditStatement) error {
	if _, err := db.exec(ctx, "replacing a statement about the audit", `DELETE FROM audit_statements WHERE number = ? AND kind = ?`, head.Number, head.Kind); err != nil {
		return err
	}
	return db.putStatement(ctx, head)
}

// StrayEvent returns an event that has a number which none can have; NotFound if there is
// none.
func (db *DB) StrayEvent(ctx context.Context) (identity.Event, error) {
	return one(db.events(ctx, `WHERE number < 0 ORDER BY number LIMIT 1`))("event")
}

// AuditStatements returns the statements about the numbers from first to last, in their
// order.
func (db *DB) AuditStatements(ctx context.Context, first, last int64) ([]AuditStatement, error) {
	return db.statements(ctx, `WHERE number >= ? AND number <= ? ORDER BY number, kind`, first, last)
}

// LastStatement returns the newest statement of a kind; NotFound if there is none.
func (db *DB) LastStatement(ctx context.Context, kind string) (AuditStatement, error) {
	return one(db.statements(ctx, `WHERE kind = ? ORDER BY number DESC LIMIT 1`, kind))("statement about the audit")
}

func (db *DB) statements(ctx context.Context, choice string, args ...any) ([]AuditStatement, error) {
	return rows(ctx, db, "statements about the audit", `SELECT number, kind, statement, made_at FROM audit_statements `+choice, args,
		func(scan func(...any) error) (s AuditStatement, err error) {
			var at int64
			err = scan(&s.Number, &s.Kind, &s.Statement, &at)
			s.MadeAt = fromMillis(at)
			return s, err
		})
}

// Cuttable returns the last event of the first so many that are sealed and were before a
// time, up to which the audit can be cut; NotFound if there is none, or none after it.
func (db *DB) Cuttable(ctx context.Context, before time.Time, limit int) (identity.Event, error) {
	first, err := db.events(ctx, `WHERE number > 0 ORDER BY number LIMIT ?`, limit+1)
	if err != nil {
		return identity.Event{}, err
	}
	var last identity.Event
	for _, e := range first[:max(0, len(first)-1)] { // one stays, on which the chain stands
		if !e.At.Before(before) {
			break
		}
		last = e
	}
	if last.Number == 0 {
		return last, noSuch("event to cut")
	}
	return last, nil
}

// CutAudit deletes the sealed events up to the number of the statement, which is a cut, and
// the statements up to there, and returns how many events that were. It needs a transaction,
// in which the cut is recorded.
func (db *DB) CutAudit(ctx context.Context, cut AuditStatement) (int64, error) {
	n, err := db.exec(ctx, "cutting the audit", `DELETE FROM audit_events WHERE number > 0 AND number <= ?`, cut.Number)
	if err != nil {
		return 0, err
	}
	if _, err := db.exec(ctx, "cutting the audit", `DELETE FROM audit_statements WHERE number <= ?`, cut.Number); err != nil {
		return 0, err
	}
	return n, db.putStatement(ctx, cut)
}

// ResumeAudit has events arrive after those that InsertRows has put there, and the chain go
// on from its last. It needs Fill.
func (db *DB) ResumeAudit(ctx context.Context) error {
	if db.dialect.resumeAudit != "" {
		if _, err := db.exec(ctx, "numbering events", db.dialect.resumeAudit); err != nil {
			return err
		}
	}
	var end ChainEnd
	err := db.row(ctx, "end of the audit", `SELECT number, hash FROM audit_events WHERE number > 0 ORDER BY number DESC LIMIT 1`, nil, &end.Number, &end.Hash)
	if identity.KindOf(err) == identity.NotFound {
		return nil
	}
	if err == nil {
		_, err = db.exec(ctx, "resuming the audit", `UPDATE audit_chain SET number = ?, hash = ? WHERE id = 1`, end.Number, end.Hash)
	}
	return err
}
