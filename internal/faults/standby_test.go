package faults_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// TestFailover promotes a standby of PostgreSQL while nodes work: the former primary can
// be read only from then on, and its connections stay open.
func TestFailover(t *testing.T) {
	if !dbserver.Here(t, dbserver.PostgreSQL) {
		return
	}
	primary := dbserver.Start(t, dbserver.PostgreSQL, dbserver.Options{})
	d := newDatabase(t, primary)
	standby := primary.Standby(t)
	primary.SyncTo(t, standby)
	nodes := d.nodes(2)
	work := d.newLoad(nodes[0])
	other := newClient(t, nodes[1].URL, work.ledger.With("other"))
	work.start(t.Context(), 4)
	before := d.stories(20)
	var several sync.WaitGroup // so that the other node, too, has connections that it will not need
	for range 20 {
		several.Go(func() { _, _ = other.Login(t.Context(), "admin", adminPassword, "") })
	}
	several.Wait()

	open := d.proxy.Connections()
	primary.SetReadOnly(t, true)
	standby.Promote(t)
	d.proxy.SetTarget(address(standby)) // for new connections: nobody cuts those that are there
	began := time.Now()
	soon := readySoon
	if !nightly(t) {
		soon *= 3 // beside other tests
	}
	for i, client := range []*faults.Client{work.public, other} { // a login writes
		within(t, soon-time.Since(began), fmt.Sprintf("node %d takes writes again", i), func() bool {
			_, err := client.Login(t.Context(), "admin", adminPassword, "")
			return err == nil
		})
	}
	served := time.Since(began)
	d.server = standby
	d.stories(before + 20)
	took := time.Since(began)
	work.stop()
	for _, node := range nodes {
		within(t, readySoon, "it is ready", func() bool { return get(t, node.URL(), "/readyz").status == 200 })
	}
	primary.SyncTo(t, nil) // a commit that waits for the standby would wait for ever
	within(t, readyEver, "nobody is connected to the former primary", func() bool { return d.connectionsTo(primary) == 0 })
	primary.Kill(t)
	must(other.Login(t.Context(), "admin", adminPassword, ""))(t)
	t.Logf("%d connections were open to the former primary; both nodes took writes after %v; twenty more stories after %v", open, served, took)
	if took > 30*time.Second { // twenty stories, and not a restart
		t.Errorf("it took %v until there was work done at the new primary", took)
	}
	ended := work.judge(t, other)
	if open == 0 || ended[faults.Unknown] == 0 {
		t.Errorf("nothing was hurt: %d connections, %v", open, ended)
	}
}

// stories waits until there are so many users and clients, and returns how many there
// are.
func (d *database) stories(atLeast int) (n int) {
	d.Helper()
	db := d.open()
	within(d.T, readyEver, "there are more principals", func() bool {
		n = one[int](d, db, `SELECT COUNT(*) FROM principals`)
		return n >= atLeast
	})
	return n
}
