package store

import (
	"context"
	"errors"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// The kinds of thing that a change can touch.
const (
	KindConfiguration = "configuration" // entity id ""
	KindSigningKeys   = "signing_keys"  // entity id "": the set as a whole
	KindSecret        = "secret"        // entity id: its name
	KindUser          = "user"
	KindClient        = "client"
	KindRole          = "role"
	KindAudience      = "audience"    // entity id: the audience itself
	KindRevocations   = "revocations" // entity id "": the list as a whole
)

var errOutsideChange = errors.New("an administrative write outside Change")

// entry is one row of the changes table.
type entry struct {
	revision int64
	kind, id string
}

// Change runs fn in a transaction that holds the revision row, so that
// administrative writes happen one after another, on all nodes: what fn read
// and decided is still true when it commits.
func (db *DB) Change(ctx context.Context, fn func(tx *DB) error) error {
	return db.Tx(ctx, func(tx *DB) error {
		if tx.revision != 0 { // inside another Change, whose revision covers this too
			return fn(tx)
		}
		if _, err := tx.exec(ctx, "taking the revision", `UPDATE revision SET revision = revision + 1 WHERE id = 1`); err != nil {
			return err
		}
		revision, err := tx.Revision(ctx)
		if err != nil {
			return err
		}
		changing := *tx
		changing.revision = revision
		return fn(&changing)
	})
}

// touched records that the change concerns the thing. Every verb that writes
// what nodes keep in memory calls it, and so cannot run outside Change.
func (db *DB) touched(ctx context.Context, kind, id string) error {
	if db.revision == 0 {
		return errOutsideChange
	}
	const insert = `INSERT INTO changes (revision, kind, entity_id, changed_at)
		SELECT ?, ?, ?, ? FROM revision WHERE NOT EXISTS (SELECT 1 FROM changes WHERE revision = ? AND kind = ? AND entity_id = ?)`
	_, err := db.exec(ctx, "recording a change", insert,
		db.revision, kind, id, millis(db.now()), db.revision, kind, id)
	return err
}

// Revision returns the number of the last change.
func (db *DB) Revision(ctx context.Context) (int64, error) {
	var revision int64
	err := db.row(ctx, "revision", `SELECT revision FROM revision WHERE id = 1`, nil, &revision)
	return revision, err
}

// state reads what a poll needs in one statement, by the connection kept for it: the
// number of the last change, the database's time, which it takes in, and whether this is
// still a database to write to; one that is not is an error, and its connections are
// dropped. session tells the connection from others: on another one the server may be
// another too, in which the same number is another change.
func (db *DB) state(ctx context.Context) (revision, session int64, err error) {
	db.stats.polls.Add(1)
	revision, err = anew(ctx, db, db.control, func() (number int64, err error) {
		number, session, err = db.readState(ctx)
		return number, err
	})
	return revision, session, err
}

func (db *DB) readState(ctx context.Context) (revision, session int64, err error) {
	conn, err := db.control.Conn(ctx)
	if err != nil {
		return 0, 0, db.failed("connecting for the revision", err)
	}
	defer conn.Close() //nolint:errcheck // it goes back to its pool
	_ = conn.Raw(func(driverConn any) error {
		if c, ok := driverConn.(*connection); ok {
			session = c.number
		}
		return nil
	})
	var shown, readOnly int64
	asked := db.machine()
	if err := conn.QueryRowContext(ctx, db.dialect.state).Scan(&revision, &shown, &readOnly); err != nil {
		return 0, 0, db.failed("reading the revision", err)
	}
	if readOnly != 0 {
		db.demoted()
		return 0, 0, &identity.Error{Kind: identity.Unavailable, Message: "The database cannot be used now.", Err: errReadOnly, RetryAfter: time.Second}
	}
	db.learnTime(asked, db.machine(), shown)
	return revision, session, nil
}

// changesSince returns what changed after revision, in order.
func (db *DB) changesSince(ctx context.Context, revision int64) ([]entry, error) {
	following := *db
	following.readers = db.control
	return rows(ctx, &following, "changes", `SELECT revision, kind, entity_id FROM changes WHERE revision > ? ORDER BY revision`, []any{revision},
		func(scan func(...any) error) (e entry, err error) {
			return e, scan(&e.revision, &e.kind, &e.id)
		})
}

// changeRetention is how long a node may be out of touch and still learn what
// it missed. Beyond, it forgets everything.
const changeRetention = time.Hour

// PruneChanges deletes changes that no node waits for.
func (db *DB) PruneChanges(ctx context.Context) error {
	_, err := db.exec(ctx, "pruning changes", `DELETE FROM changes WHERE changed_at < ?`, millis(db.now().Add(-2*changeRetention)))
	return err
}
