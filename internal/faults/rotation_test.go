package faults_test

import (
	"bytes"
	"database/sql"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// maxAge is how long verifiers keep the keys: no key signs before it has been published
// for so long.
const maxAge = 5 * time.Minute

// takesLease is how the message begins that is sent before the node's regular work.
const takesLease = "UPDATE leases"

// TestKilledRotation kills a node at any moment of a rotation that is due. The next start
// finishes it, whole and once.
func TestKilledRotation(t *testing.T) {
	onEach(t, func(d *database) {
		token := d.rotates()
		db, killed := d.open(), 0
		d.due(db)
		if d.server == nil {
			for range rounds(d.T) / 5 {
				d.exec(db, `UPDATE leases SET expires_at = 0`)
				node := d.start(nil)
				time.Sleep(rand.N(200 * time.Millisecond)) // the fault's moment
				node.Kill()
				killed++
				d.rotatedWhole(db, 1)
			}
		} else {
			step := int64(6)
			if nightly(d.T) {
				step = 1
			}
			for n := 1 + rand.N(step); !d.rotatedWhole(db, 1); n += step {
				d.exec(db, `UPDATE leases SET expires_at = 0`)
				d.killedAfter(takesLease, n)
				killed++
			}
		}
		d.Logf("killed %d times", killed)
		d.exec(db, `UPDATE leases SET expires_at = 0`)
		nodes := d.nodes(2)
		within(d.T, readyEver, "the keys are rotated", func() bool { return d.rotatedWhole(db, 1) })
		d.takesOver(db, nodes, token)
		if d.server != nil {
			d.killedActivation(db, nodes[0], nodes[1])
		}
	})
}

// rotates has the keys rotated every hour, and returns a token for the service itself.
func (d *database) rotates() (token string) {
	d.Helper()
	node := d.ready()
	admin, hour := d.administrator(node, newLedger(d.T)), int64(3600)
	must(0, admin.Write(d.Context(), "configuration", "rotation", http.MethodPatch, "/api/configuration", api.ConfigurationUpdate{KeyRotationInterval: &hour}, nil))(d.T)
	token = must(admin.Login(d.Context(), "admin", adminPassword, ""))(d.T).Token
	node.Kill()
	return token
}

// due moves the keys' times back: a rotation is due, and nobody has the lease.
func (d *database) due(db *sql.DB) {
	d.Helper()
	d.later(db, 2*time.Hour)
	d.exec(db, `UPDATE leases SET expires_at = 0`)
}

// later is some time later, as far as the keys are concerned.
func (d *database) later(db *sql.DB, by time.Duration) {
	d.Helper()
	for _, column := range []string{"created_at", "activates_at", "superseded_at", "retires_at"} {
		d.exec(db, `UPDATE signing_keys SET `+column+` = `+column+` - ? WHERE `+column+` > 0`, by.Milliseconds())
	}
}

// rotatedWhole reports whether the keys were rotated so many times, and fails the test
// where they were in part.
func (d *database) rotatedWhole(db *sql.DB, times int) bool {
	d.Helper()
	var keys, made, activated, ends int
	// One statement: the database may be about to commit what a dead node has sent.
	if err := db.QueryRowContext(d.Context(), `SELECT (SELECT COUNT(*) FROM signing_keys), (SELECT COUNT(*) FROM audit_events WHERE event = 'key.created'),
		(SELECT COUNT(*) FROM audit_events WHERE event = 'key.activated'),
		(SELECT COUNT(*) FROM signing_keys f JOIN signing_keys n ON n.activates_at = f.superseded_at AND n.kid <> f.kid
			WHERE n.activates_at >= n.created_at + 300000 AND f.retires_at >= f.superseded_at + 900000)`).Scan(&keys, &made, &activated, &ends); err != nil {
		d.Fatal(err)
	}
	if keys != made+1 || activated != made || ends != made || made > times {
		d.Fatalf("%d keys, of which %d were made and %d activated, and %d have taken over in time; want at most %d rotations", keys, made, activated, ends, times)
	}
	return made == times
}

// killedAfter starts a node and kills it when the n-th message for the database has gone,
// from the one with the mark in it on.
func (d *database) killedAfter(mark string, n int64) {
	d.Helper()
	at := d.hold(d.proxy, mark, n)
	defer at.release()
	node := d.start(nil)
	defer node.Kill()
	at.wait(node)
}

// hold is a moment at which the network keeps a message back.
type hold struct {
	*database
	reached, over chan struct{}
	proxy         *faults.Proxy
}

// hold keeps back the n-th message that goes through the proxy from the one with the mark
// in it on, until release.
func (d *database) hold(proxy *faults.Proxy, mark string, n int64) *hold {
	h := &hold{d, make(chan struct{}), make(chan struct{}), proxy}
	var seen atomic.Int64
	proxy.OnRequest(func(chunk []byte) faults.Action {
		if (seen.Load() > 0 || bytes.Contains(chunk, []byte(mark))) && seen.Add(1) == n {
			close(h.reached)
			<-h.over
		}
		return faults.Pass
	})
	return h
}

// wait waits for the moment.
func (h *hold) wait(node *faults.Process) {
	h.Helper()
	select {
	case <-h.reached:
	case <-node.Done():
		h.Fatalf("the node ended by itself: %v", node.Wait())
	case <-time.After(readyEver):
		h.Fatal("the node has not sent so much")
	}
}

// release lets the message go.
func (h *hold) release() {
	h.proxy.OnRequest(nil)
	close(h.over)
}

// takesOver expects of nodes, on which a rotation has happened, that the new key is known
// everywhere before it signs anywhere, and that what the former one signed is good before
// and after.
func (d *database) takesOver(db *sql.DB, nodes []*faults.Process, token string) {
	d.Helper()
	former := signedBy(d.T, token)
	next := one[string](d, db, `SELECT kid FROM signing_keys WHERE superseded_at = 0`)
	d.sameKeys(nodes, former, next)
	for i, node := range nodes {
		c := d.administrator(node, newLedger(d.T))
		if by := signedBy(d.T, must(c.Login(d.Context(), "admin", adminPassword, ""))(d.T).Token); by != former {
			d.Errorf("node %d signs with key %s before verifiers know it", i, by)
		}
		d.oneEach(c)
	}
	begins := time.UnixMilli(one[int64](d, db, `SELECT activates_at FROM signing_keys WHERE kid = ?`, next))
	d.later(db, time.Until(begins)+time.Second)
	for i, node := range nodes {
		must(0, node.Restart())(d.T) // kill -9: it learns of its times from the database
		must(node.Ready(readyEver))(d.T)
		c := d.administrator(node, newLedger(d.T))
		if by := signedBy(d.T, must(c.Login(d.Context(), "admin", adminPassword, ""))(d.T).Token); by != next {
			d.Errorf("node %d signs with key %s when %s has taken over", i, by, next)
		}
		d.oneEach(c)
		if found := bearer(d.T, node, token); found != http.StatusOK {
			d.Errorf("node %d answers %d to a token of the former key", i, found)
		}
	}
	d.sameKeys(nodes, former, next)
}

// sameKeys expects the same keys on all nodes, after the second in which they learn of
// them.
func (d *database) sameKeys(nodes []*faults.Process, kids ...string) {
	d.Helper()
	time.Sleep(faults.Bound)
	for i, node := range nodes {
		keys := get(d.T, node.URL(), "/.well-known/jwks.json").body
		if first := get(d.T, nodes[0].URL(), "/.well-known/jwks.json").body; keys != first {
			d.Errorf("node %d publishes %s, node 0 %s", i, keys, first)
		}
		for _, kid := range kids {
			if !strings.Contains(keys, kid) {
				d.Errorf("node %d does not publish %s: %s", i, kid, keys)
			}
		}
	}
}

// oneEach expects one key of each algorithm to sign, and one default key.
func (d *database) oneEach(c *faults.Client) {
	d.Helper()
	active, byDefault := map[string]int{}, 0
	for _, k := range must(c.SigningKeys(d.Context()))(d.T) {
		if k.State == "active" {
			active[k.Algorithm]++
			if k.Default {
				byDefault++
			}
		}
		if k.ActivatesAt != nil && k.State == "next" && k.ActivatesAt.Sub(k.CreatedAt) < maxAge {
			d.Errorf("key %s signs %v after it was published", k.KID, k.ActivatesAt.Sub(k.CreatedAt))
		}
	}
	if active["ES256"] != 1 || len(active) != 1 || byDefault != 1 {
		d.Errorf("active are %v, %d of them the default; want one", active, byDefault)
	}
}

// killedActivation kills a node while somebody activates a key on it.
func (d *database) killedActivation(db *sql.DB, node, other *faults.Process) {
	d.Helper()
	admin := d.administrator(node, newLedger(d.T))
	made := must(admin.MakeSigningKey(d.Context(), "ES256"))(d.T)
	decided := func() bool {
		var activated, events, ends int
		if err := db.QueryRowContext(d.Context(), d.rebind(`SELECT (SELECT COUNT(*) FROM signing_keys WHERE kid = ? AND activates_at < 253402300799000 AND activates_at >= created_at + 300000),
			(SELECT COUNT(*) FROM audit_events WHERE event = 'key.activated' AND target = ?),
			(SELECT COUNT(*) FROM signing_keys f JOIN signing_keys n ON n.activates_at = f.superseded_at WHERE n.kid = ?)`), made.KID, made.KID, made.KID).
			Scan(&activated, &events, &ends); err != nil {
			d.Fatal(err)
		}
		if activated != events || activated != ends {
			d.Fatalf("a key was activated in part: %d activated, %d events, %d ends", activated, events, ends)
		}
		return activated == 1
	}
	step, killed := int64(6), 0
	if nightly(d.T) {
		step = 1
	}
	for n := 1 + rand.N(step); !decided(); n += step {
		at := d.hold(d.proxy, "", n)
		failed := make(chan error, 1)
		go func() {
			_, err := admin.ActivateSigningKey(d.Context(), made.KID)
			failed <- err
		}()
		select {
		case err := <-failed:
			must(0, err)(d.T)
		case <-at.reached:
		case <-time.After(readyEver):
			d.Fatal("the activation does nothing")
		}
		node.Kill()
		killed++
		at.release()
		must(0, node.Restart())(d.T)
		must(node.Ready(readyEver))(d.T)
	}
	d.Logf("killed %d times during the activation", killed)
	d.sameKeys([]*faults.Process{node, other}, made.KID)
	d.oneEach(admin)
}
