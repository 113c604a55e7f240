package store

import (
	"context"
	"strings"

	"github.com/seed-60f9e3ad/identity"
)

const throttleColumns = `id, owner, kind, name, source, attempts, began_at, next_at, updated_at, expires_at`

// Throttles reads the accounts with these ids, those that there are, in no order.
func (db *DB) Throttles(ctx context.Context, ids ...string) ([]identity.Throttle, error) {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	return db.throttles(ctx, `id IN (?`+strings.Repeat(", ?", len(ids)-1)+`)`, args...)
}

// SwapThrottle stores what becomes of an account, if it still is what was read: Attempts
// 0 and BeganAt zero for one that was not there. It reports whether it did: one statement
// decides, so that of any number of simultaneous attempts on all nodes no two begin from
// the same account. It is durable whatever becomes of the attempt.
func (db *DB) SwapThrottle(ctx context.Context, read, next identity.Throttle) (swapped bool, err error) {
	if read.BeganAt.IsZero() {
		return db.addThrottle(ctx, next)
	}
	n, err := db.exec(ctx, "counting an attempt", `UPDATE throttles SET attempts = ?, began_at = ?, next_at = ?, updated_at = ?, expires_at = ?
		WHERE id = ? AND attempts = ? AND began_at = ? AND next_at = ? AND updated_at = ?`,
		next.Attempts, millis(next.BeganAt), millis(next.NextAt), millis(next.UpdatedAt), millis(next.ExpiresAt),
		read.ID, read.Attempts, millis(read.BeganAt), millis(read.NextAt), millis(read.UpdatedAt))
	return n == 1, err
}

func (db *DB) addThrottle(ctx context.Context, t identity.Throttle) (added bool, err error) {
	n, err := db.exec(ctx, "counting an attempt", `INSERT INTO throttles (`+throttleColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`+db.dialect.ignoreTaken,
		t.ID, t.Owner, string(t.Kind), t.Name, t.Source, t.Attempts, millis(t.BeganAt), millis(t.NextAt), millis(t.UpdatedAt), millis(t.ExpiresAt))
	if err != nil && identity.KindOf(err) == identity.Conflict {
		return false, nil // how a database says it that cannot ignore the row
	}
	return n == 1, err
}

// Throttle returns an account; NotFound if there is none.
func (db *DB) Throttle(ctx context.Context, id string) (identity.Throttle, error) {
	return one(db.Throttles(ctx, id))("throttle")
}

// WhoHas returns the id of the user or client that has the name of an account; empty for
// nobody. It is one query, whoever is named.
func (db *DB) WhoHas(ctx context.Context, t identity.Throttle) (id string, err error) {
	query := `SELECT id FROM users WHERE username = ?`
	if t.Kind == identity.ThrottleClient {
		query = `SELECT id FROM clients WHERE id = ?`
	}
	found, err := rows(ctx, db, "whose name it is", query, []any{t.Name}, func(scan func(...any) error) (id string, err error) {
		err = scan(&id)
		return id, err
	})
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}

// NameThrottle stores whose name an account is of; empty for nobody's.
func (db *DB) NameThrottle(ctx context.Context, id, name string) error {
	_, err := db.exec(ctx, "naming a throttle", `UPDATE throttles SET name = ? WHERE id = ?`, name, id)
	return err
}

// ForgetThrottle forgets an account, and reports whether it was there.
func (db *DB) ForgetThrottle(ctx context.Context, id string) (bool, error) {
	n, err := db.exec(ctx, "forgetting attempts", `DELETE FROM throttles WHERE id = ?`, id)
	return n == 1, err
}

// KeepFamiliar stores an address that has become familiar, or is again, and forgets what
// the name has beyond identity.MaxFamiliar, the least recent first.
func (db *DB) KeepFamiliar(ctx context.Context, t identity.Throttle) error {
	n, err := db.exec(ctx, "keeping a familiar address", `UPDATE throttles SET attempts = ?, began_at = ?, next_at = ?, updated_at = ?, expires_at = ? WHERE id = ?`,
		t.Attempts, millis(t.BeganAt), millis(t.NextAt), millis(t.UpdatedAt), millis(t.ExpiresAt), t.ID)
	if err != nil || n == 1 {
		return err
	}
	if _, err := db.addThrottle(ctx, t); err != nil {
		return err
	}
	beyond, err := db.throttleIDs(ctx, `owner = ? ORDER BY updated_at DESC, id LIMIT ? OFFSET ?`, t.Owner, namedAtOnce, identity.MaxFamiliar)
	if err != nil {
		return err
	}
	_, err = db.deleteThese(ctx, "throttles", beyond)
	return err
}

// ThrottleFilter chooses a page. The zero Before is the first; else it is the account
// behind which the page begins, of which Attempts and ID matter.
type ThrottleFilter struct {
	Before identity.Throttle
	Limit  int
}

// Throttled returns a page of the accounts that have to wait between attempts, those with
// the most attempts first.
func (db *DB) Throttled(ctx context.Context, f ThrottleFilter) ([]identity.Throttle, error) {
	where, args := `attempts >= ?`, []any{identity.ThrottledFrom}
	if f.Before.ID != "" {
		where, args = where+` AND attempts <= ? AND (attempts < ? OR id < ?)`, append(args, f.Before.Attempts, f.Before.Attempts, f.Before.ID)
	}
	return db.throttles(ctx, where+` AND began_at > ? ORDER BY attempts DESC, id DESC LIMIT ?`,
		append(args, millis(identity.ThrottleWindow(db.now())), f.Limit)...)
}

// PruneThrottles forgets up to limit accounts that have expired, and returns how many.
func (db *DB) PruneThrottles(ctx context.Context, limit int) (int64, error) {
	ids, err := db.throttleIDs(ctx, `expires_at <= ? LIMIT ?`, millis(db.now()), limit)
	if err != nil {
		return 0, err
	}
	return db.deleteThese(ctx, "throttles", ids)
}

// LimitThrottles forgets up to limit accounts of names beyond most, which anybody can make
// by inventing names: those with the fewest attempts first, and of these the least recent,
// so that no flood of names makes that of an attacked one forgotten. It returns how many.
func (db *DB) LimitThrottles(ctx context.Context, most, limit int) (int64, error) {
	var n int
	if err := db.row(ctx, "number of throttles", `SELECT COUNT(*) FROM throttles WHERE owner = ''`, nil, &n); err != nil || n <= most {
		return 0, err
	}
	ids, err := db.throttleIDs(ctx, `owner = '' ORDER BY attempts, updated_at LIMIT ?`, min(n-most, limit))
	if err != nil {
		return 0, err
	}
	return db.deleteThese(ctx, "throttles", ids)
}

// throttleIDs chooses in a first step, because MySQL cannot choose from the table that it
// deletes from.
func (db *DB) throttleIDs(ctx context.Context, choice string, args ...any) ([]any, error) {
	return rows(ctx, db, "throttles", `SELECT id FROM throttles WHERE `+choice, args, func(scan func(...any) error) (id any, err error) {
		var text string
		err = scan(&text)
		return text, err
	})
}

func (db *DB) throttles(ctx context.Context, choice string, args ...any) ([]identity.Throttle, error) {
	return rows(ctx, db, "throttles", `SELECT `+throttleColumns+` FROM throttles WHERE `+choice, args,
		func(scan func(...any) error) (t identity.Throttle, err error) {
			var kind string
			var began, next, updated, expires int64
			err = scan(&t.ID, &t.Owner, &kind, &t.Name, &t.Source, &t.Attempts, &began, &next, &updated, &expires)
			t.Kind = identity.ThrottleKind(kind)
			t.BeganAt, t.NextAt, t.UpdatedAt, t.ExpiresAt = fromMillis(began), fromMillis(next), fromMillis(updated), fromMillis(expires)
			return t, err
		})
}
