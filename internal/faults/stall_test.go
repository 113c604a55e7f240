package faults_test

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// TestStall stops the database server in the midst of its work, and then makes the
// network slow: everything that is asked ends all the same, and leaves nothing behind.
func TestStall(t *testing.T) {
	// deadline is when any answer must be there. A statement has 3 s, and reading what
	// has changed 1.5 s before it; the rest is for a machine on which other tests run.
	const deadline = 10 * time.Second
	onServers(t, func(d *database) {
		d.Parallel() // each mostly waits, for a server of its own
		d.Cleanup(func() { d.server.Resume(d.T) })
		node := d.ready()
		p := d.people(node)
		p.crowd(d, func(what string, err error) {
			if err != nil {
				d.Errorf("%s: %v", what, err)
			}
		})
		quiet := d.quiet(node, p)
		for _, fault := range []struct {
			name        string
			begin, over func()
		}{
			{"the server is stopped", func() { d.server.Pause(d.T) }, func() { d.server.Resume(d.T) }},
			{"the network takes 5 s", func() { d.proxy.Delay(5 * time.Second) }, func() { d.proxy.Delay(0) }},
		} {
			fault.begin()
			time.Sleep(faults.Bound) // for so long memory may be trusted
			began := time.Now()
			p.crowd(d, func(what string, err error) { unavailable(d.T, map[string]error{fault.name + ", " + what: err}) })
			if took := time.Since(began); took > deadline || took < time.Second {
				d.Errorf("%s: the answers took %v, want between a second and %v", fault.name, took, deadline)
			}
			if found := get(d.T, node.URL(), "/readyz"); found.status != 503 || found.took > deadline {
				d.Errorf("%s: readyz answers %d after %v", fault.name, found.status, found.took)
			}
			fault.over()
			took := within(d.T, readyEver, "it serves again", func() bool { return p.once(d.Context(), "robot") == nil })
			d.Logf("%s: serves again after %v", fault.name, took)
			if took > readySoon {
				d.Errorf("%s: serves again after %v, want at most %v", fault.name, took, readySoon)
			}
			var now counts
			within(d.T, readyEver, fmt.Sprintf("no more than %+v is left", quiet), func() bool {
				now = d.left(node, p)
				return now.goroutines <= quiet.goroutines+5 && now.connections <= quiet.connections
			})
			d.Logf("%s: left are %+v, before there were %+v", fault.name, now, quiet)
		}
		p.judge(d.T)
	})
}

// crowd has many ask at once for what needs the database.
func (p *people) crowd(d *database, each func(what string, err error)) {
	d.Helper()
	var asking sync.WaitGroup
	for range 20 {
		asking.Go(func() {
			// Each with a name of its own, or they would be too many.
			name := fmt.Sprint("nobody ", p.asked.Add(1))
			_, err := p.public.Login(d.Context(), name, "a password that is wrong", "shop")
			if status(err) == 401 {
				err = nil // it was looked at
			}
			each("login", err)
		})
		asking.Go(func() { each("signature", p.once(d.Context(), "robot")) })
	}
	asking.Wait()
}

// counts are what a node holds while nobody asks it anything.
type counts struct{ goroutines, connections int }

// quiet is the least that a node holds once nobody asks it anything: when that has not
// fallen for a while. What the last requests held goes a moment after their answers.
func (d *database) quiet(node *faults.Process, p *people) counts {
	d.Helper()
	least := d.left(node, p)
	for same := 0; same < 20; same++ {
		time.Sleep(50 * time.Millisecond)
		if now := d.left(node, p); now.goroutines < least.goroutines || now.connections < least.connections {
			least, same = counts{min(now.goroutines, least.goroutines), min(now.connections, least.connections)}, 0
		}
	}
	return least
}

// left counts what a node holds, once the clients have gone.
func (d *database) left(node *faults.Process, p *people) (n counts) {
	d.Helper()
	p.admin.Close()
	p.public.Close()
	n.goroutines = d.metric(node, "go_goroutines")
	n.connections = d.connectionsTo(d.server)
	if n.goroutines == 0 || n.connections == 0 {
		d.Fatal(errors.New("there is nothing to count"))
	}
	return n
}

// connectionsTo are those that nodes have to the database on a server, as it sees them.
func (d *database) connectionsTo(server *dbserver.Server) int {
	d.Helper()
	query := map[dbserver.Kind]string{
		dbserver.PostgreSQL: "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = '%s' AND application_name = 'identity';",
		dbserver.MariaDB:    "SELECT COUNT(*) FROM information_schema.processlist WHERE db = '%s';",
	}[server.Kind]
	return must(strconv.Atoi(server.Admin(d.T, "", fmt.Sprintf(query, d.name))))(d.T)
}
