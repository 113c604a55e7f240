package store

import "time"

// Now returns the time by which everything in the database is judged: the database's
// own where nodes share one, so that a node whose clock is wrong does no harm.
func (db *DB) Now() time.Time { return db.now().Truncate(time.Millisecond) }

func (db *DB) now() time.Time {
	if db.fixed != nil {
		return db.fixed()
	}
	return db.machine().Add(time.Duration(db.offset.Load()) * time.Millisecond)
}

// learnTime takes in what the database's clock showed at some moment between asked and
// answered, by this machine's. As long as the offset known so far agrees with that, it
// stays: what the network does to the moment is no difference of clocks.
func (db *DB) learnTime(asked, answered time.Time, shown int64) {
	if shown == 0 {
		return
	}
	// The clock was read at some moment of its millisecond.
	least, most := shown-answered.UnixMilli()-1, shown-asked.UnixMilli()+1
	for {
		known := db.offset.Load()
		next := min(max(known, least), most)
		if next == known || db.offset.CompareAndSwap(known, next) {
			return
		}
	}
}

// ClockOffset returns how far the database's clock is ahead of this machine's.
func (db *DB) ClockOffset() time.Duration {
	return time.Duration(db.offset.Load()) * time.Millisecond
}
