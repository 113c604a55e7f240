package faults_test

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// TestTwoRotations has two nodes rotate the same keys at the same time: one is stopped in
// the midst of it, for so long that the other takes its lease, and then goes on or is
// killed.
func TestTwoRotations(t *testing.T) {
	onServers(t, func(first *database) {
		for i := range max(2, rounds(t)/10) {
			d := first.another()
			token, db := d.rotates(), d.open()
			d.due(db)
			slow := faults.StartProxy(d.T, address(d.server))
			at := d.hold(slow, takesLease, 20+rand.N(int64(30))) // before the transaction, in it or after it
			a := d.start(map[string]string{"DATABASE_PORT": slow.Port()})
			at.wait(a)
			d.exec(db, `UPDATE leases SET expires_at = 0`)
			// The other node may have to wait for the first one: until it is in its transaction.
			begun := make(chan struct{})
			d.proxy.OnRequest(reports(begun, "UPDATE revision"))
			b := d.start(nil)
			within(d.T, readyEver, "the other node rotates, or waits for the first one", func() bool {
				select {
				case <-begun:
					return true
				default:
					return d.rotatedWhole(db, 1)
				}
			})
			if i%2 == 0 {
				a.Kill()
			}
			at.release()
			within(d.T, readyEver, "the keys are rotated", func() bool { return d.rotatedWhole(db, 1) })
			must(0, a.Restart())(d.T)
			for _, node := range []*faults.Process{a, b} {
				must(node.Ready(readyEver))(d.T)
			}
			if i == 0 {
				d.takesOver(db, []*faults.Process{a, b}, token)
			}
			a.Kill()
			b.Kill()
		}
	})
}

// reports closes the channel when a message with the mark in it passes.
func reports(passed chan struct{}, mark string) func([]byte) faults.Action {
	var once sync.Once
	return func(chunk []byte) faults.Action {
		if bytes.Contains(chunk, []byte(mark)) {
			once.Do(func() { close(passed) })
		}
		return faults.Pass
	}
}

// TestLease kills the node that has the lease: no other one does its work until the lease
// has expired, and then one does.
func TestLease(t *testing.T) {
	onEach(t, func(d *database) {
		d.rotates() // and is killed, with the lease
		db := d.open()
		holder := func() string { return one[string](d, db, `SELECT holder FROM leases WHERE name = 'upkeep'`) }
		first := holder()
		d.later(db, 2*time.Hour)
		second := d.ready()
		must(0, second.Terminate())(d.T) // it ends its work before
		if found := holder(); found != first || first == "" || d.rotatedWhole(db, 1) {
			d.Errorf("a lease that has not expired was taken: %q, then %q", first, found)
		}
		third := d.ready()
		d.exec(db, `UPDATE leases SET expires_at = 0`)
		if !nightly(d.T) { // else it is found within a minute
			must(0, third.Restart())(d.T)
		}
		within(d.T, 2*time.Minute, "the keys are rotated", func() bool { return d.rotatedWhole(db, 1) })
		if found := holder(); found == first || found == "" {
			d.Errorf("the lease has %q", found)
		}
	})
}
