package store

import (
	"context"
	"strings"

	"github.com/seed-60f9e3ad/identity"
)

// lateBegin is how long after the epoch was raised a login may still begin a session of
// the former one, on a node that does not know yet.
const lateBegin = 10 * trust

// PruneSessions forgets up to limit sessions that are over, and returns how many.
func (db *DB) PruneSessions(ctx context.Context, limit int) (int64, error) {
	cfg, err := db.Configuration(ctx)
	if err != nil {
		if identity.KindOf(err) == identity.NotFound {
			return 0, nil // before the first start there are no sessions
		}
		return 0, err
	}
	now := db.now()
	var total int64
	for _, over := range []struct {
		condition string
		args      []any
	}{
		{`expires_at <= ?`, []any{millis(now)}},
		{`id < ? AND epoch < ?`, []any{identity.FirstID(fromMillis(cfg.Epoch).Add(lateBegin)), cfg.Epoch}},
	} {
		// In two steps, because MySQL cannot choose from the table that it deletes from.
		ids, err := rows(ctx, db, "sessions", `SELECT id FROM sessions WHERE `+over.condition+` LIMIT ?`, append(over.args, limit),
			func(scan func(...any) error) (id any, err error) {
				var text string
				err = scan(&text)
				return text, err
			})
		if err != nil || len(ids) == 0 {
			if err != nil {
				return total, err
			}
			continue
		}
		n, err := db.deleteThese(ctx, "sessions", ids)
		total += n
		if err != nil {
			return total, err
		}
		if limit -= len(ids); limit <= 0 {
			break
		}
	}
	return total, nil
}

// namedAtOnce is how many rows a statement names at most, by their ids.
const namedAtOnce = 64

// deleteThese deletes the rows of a table with these ids, and returns how many there were.
func (db *DB) deleteThese(ctx context.Context, table string, ids []any) (total int64, err error) {
	for some := range pieces(ids, namedAtOnce) {
		n, err := db.exec(ctx, "pruning "+table, `DELETE FROM `+table+` WHERE id IN (?`+strings.Repeat(", ?", len(some)-1)+`)`, some...)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}
