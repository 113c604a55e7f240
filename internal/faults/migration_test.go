package faults_test

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// TestKilledMigration kills a node at any moment of its first start. The next start
// finishes, and until then nobody serves.
func TestKilledMigration(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { killedAtRandom(newDatabase(t, nil), rounds(t)/2) })
	onServers(t, func(d *database) {
		step, killed := 5, 0
		if nightly(t) {
			step = 1
		}
		n := int64(1 + rand.N(step))
		for ; d.killedAt(n); n += int64(step) {
			killed++
		}
		d.proxy.OnRequest(nil)
		d.Logf("killed %d times; it was ready before statement %d", killed, n)
		if killed < 5 {
			d.Errorf("the migration was interrupted %d times only", killed)
		}
		d.complete()
	})
}

// killedAt starts a node and kills it when the n-th message for the database has gone,
// which the database gets. It reports whether that was before the node was ready.
func (d *database) killedAt(n int64) bool {
	d.Helper()
	var seen atomic.Int64
	reached, killed := make(chan struct{}), make(chan struct{})
	d.proxy.OnRequest(func([]byte) faults.Action {
		if seen.Add(1) == n {
			close(reached)
			<-killed
		}
		return faults.Pass
	})
	node := d.start(nil)
	defer close(killed)
	defer node.Kill()
	for end := time.Now().Add(readyEver); time.Now().Before(end); {
		select {
		case <-node.Done():
			d.Fatalf("before statement %d the node ended by itself: %v", n, node.Wait())
		case <-reached:
			node.Kill()
			if node.URL() == "" {
				return true
			}
			d.complete() // it served, so this must be whole
			return false
		case <-time.After(5 * time.Millisecond):
			if node.URL() != "" {
				must(node.Ready(readyEver))(d.T)
				return false
			}
		}
	}
	d.Fatalf("before statement %d the node is neither ready nor has it said so much: %d", n, seen.Load())
	return false
}

// killedAtRandom does it where there are no messages to count.
func killedAtRandom(first *database, times int) {
	first.Helper()
	took := must(first.start(nil).Ready(readyEver))(first.T)
	killed := 0
	for range times {
		d := first.another()
		node := d.start(nil)
		time.Sleep(rand.N(took)) // the fault's moment
		node.Kill()
		if node.URL() == "" {
			killed++
		} else {
			d.complete()
		}
		if err := node.Restart(); err != nil {
			d.Fatal(err)
		}
		must(node.Ready(readyEver))(d.T)
		d.complete()
		d.whole()
	}
	first.Logf("killed %d times before it was ready", killed)
	if killed == 0 {
		first.Error("no start was interrupted")
	}
}

// complete expects the whole schema, and a beginning that was made once.
func (d *database) complete() {
	d.Helper()
	db := d.open()
	sources := d.migrator().ListSources()
	want := int(sources[len(sources)-1].Version)
	if n := one[int](d, db, `SELECT MAX(version_id) FROM goose_db_version`); n != want {
		d.Errorf("the schema has version %d, want %d", n, want)
	}
	for _, table := range []string{"revision", "configuration", "signing_keys", "users"} {
		if n := one[int](d, db, `SELECT COUNT(*) FROM `+table); n != 1 {
			d.Errorf("%s has %d rows, want 1", table, n)
		}
	}
}
