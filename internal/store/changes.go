package store

import (
	"context"
	"errors"
	"time"
)

// The kinds of thing that a change can touch.
const (
	KindConfiguration = "configuration" // entity id ""
	KindSigningKeys   = "signing_keys"  // entity id "": the set as a whole
	KindUser          = "user"
	KindClient        = "client"
	KindRole          = "role"
	KindAudience      = "audience" // entity id: the audience itself
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

// changesSince returns what changed after revision, in order.
func (db *DB) changesSince(ctx context.Context, revision int64) ([]entry, error) {
	return rows(ctx, db, "changes", `SELECT revision, kind, entity_id FROM changes WHERE revision > ? ORDER BY revision`, []any{revision},
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
