//go:build linux || darwin

package store

import (
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Disk returns how many bytes are free, for this process, and how many there are, where the
// file of a SQLite database is; false where that is not known.
func (db *DB) Disk() (free, total uint64, known bool) {
	var s unix.Statfs_t
	if db.path == "" || unix.Statfs(filepath.Dir(db.path), &s) != nil {
		return 0, 0, false
	}
	block := uint64(s.Bsize) //nolint:gosec // it is positive
	return s.Bavail * block, s.Blocks * block, true
}
