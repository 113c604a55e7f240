package faults_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// TestKill kills a node with SIGKILL while it works, again and again, and has it started
// again, as a supervisor would.
func TestKill(t *testing.T) {
	third := 0
	onEach(t, func(d *database) {
		node := d.ready()
		work := d.newLoad(node)
		n := (rounds(t) + 2 - third) / 3
		third++
		slowest := time.Duration(0)
		for range n {
			work.start(d.Context(), 4)
			work.goesWell(d.T)
			time.Sleep(10*time.Millisecond + rand.N(490*time.Millisecond)) // the fault's moment
			node.Kill()
			work.stop()
			d.whole()
			if err := node.Restart(); err != nil {
				d.Fatal(err)
			}
			took := must(node.Ready(readyEver))(d.T)
			if slowest = max(slowest, took); took > readySoon {
				d.Errorf("ready again after %v, want at most %v", took, readySoon)
			}
		}
		d.Logf("%d kills; ready again after %v at most", n, slowest)
		ended := work.judge(d.T)
		if ended[faults.Unknown] == 0 || ended[faults.Succeeded] < n {
			d.Errorf("the kills hurt nothing, or nothing worked: %v", ended)
		}
	})
}
