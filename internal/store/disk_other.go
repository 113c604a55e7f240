//go:build !linux && !darwin

package store

// Disk is not known here.
func (db *DB) Disk() (free, total uint64, known bool) { return 0, 0, false }
