package store

import (
	"context"
	"time"
)

// The leases: of what one node does for all from time to time, and of sealing the audit.
const (
	LeaseUpkeep = "upkeep"
	LeaseAudit  = "audit"
)

// TakeLease gives the holder, a name of this node that no other has, the lease for a
// time, and reports whether it has it: nobody else holds it, or has let it expire. A lease
// only spares nodes work that another does; what must not happen twice is decided by the
// writes themselves.
func (db *DB) TakeLease(ctx context.Context, name, holder string, term time.Duration) (bool, error) {
	now := db.now()
	n, err := db.exec(ctx, "taking a lease", `UPDATE leases SET holder = ?, expires_at = ? WHERE name = ? AND (holder = ? OR expires_at <= ?)`,
		holder, millis(now.Add(term)), name, holder, millis(now))
	return n == 1, err
}

// LeaveLease lets the next one have it at once.
func (db *DB) LeaveLease(ctx context.Context, name, holder string) error {
	_, err := db.exec(ctx, "leaving a lease", `UPDATE leases SET expires_at = 0 WHERE name = ? AND holder = ?`, name, holder)
	return err
}
