package store

import "time"

// Stats is what the database was used for since it was opened, and its connections now.
type Stats struct {
	// Statements counts those sent on behalf of verbs, without what begins and ends
	// transactions; Polls counts how often followers
	// asked whether anything has changed.
	Statements, Polls int64
	// Open connections are InUse or Idle; there are never more than Limit.
	Open, InUse, Idle, Limit int
	// Waits counts how often somebody had to wait for a connection, and Waited is for
	// how long altogether.
	Waits  int64
	Waited time.Duration
}

// Stats returns the numbers of this handle on the database.
func (db *DB) Stats() Stats {
	s := Stats{Statements: db.stats.statements.Load(), Polls: db.stats.polls.Load()}
	for _, p := range db.pools() {
		of := p.Stats()
		s.Open += of.OpenConnections
		s.InUse += of.InUse
		s.Idle += of.Idle
		s.Limit += of.MaxOpenConnections
		s.Waits += of.WaitCount
		s.Waited += of.WaitDuration
	}
	return s
}
