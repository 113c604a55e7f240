package faults_test

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/faults"
	"github.com/seed-60f9e3ad/identity/internal/seal"
)

// TestKilledRewrap kills `identity key rewrap` at any moment, and runs it again, until all
// is under the new key. Nodes that have both keys, in either order, go on meanwhile, and
// one without the old key does not start before that.
func TestKilledRewrap(t *testing.T) {
	onEach(t, func(d *database) {
		former, next := d.settings["ENCRYPTION_KEY"], seal.GenerateKey().Reveal()
		node := d.ready()
		d.manyKeys(node, 30)
		must(0, node.Terminate())(d.T)
		db := d.open()
		oldWrapper := one[string](d, db, `SELECT wrapper_id FROM sealed_secrets`)
		both := map[string]string{"ENCRYPTION_KEY": next + "," + former}
		other := map[string]string{"ENCRYPTION_KEY": former + "," + next}
		nodes := []*faults.Process{d.start(both), d.start(other)}
		for _, node := range nodes {
			must(node.Ready(readyEver))(d.T)
		}
		work := d.newLoad(nodes[0])
		clients := d.onEachNode(nodes, work)
		goOn := d.sessionGoesOn(work, clients)

		killed := 0
		for run, left := 1, d.under(db, oldWrapper); left > 0; run++ {
			if run == 500 {
				d.Fatalf("%d values are left after %d runs", left, run)
			}
			if d.killedRewrap(both, func() int { return left - d.under(db, oldWrapper) }) {
				killed++
			}
			left = d.under(db, oldWrapper)
			for i, keys := range []map[string]string{both, other} {
				if out, err := d.run(keys, "key", "rewrap", "--status", "--local", "-o", "json"); err != nil || strings.Contains(out, "missing") || strings.Contains(out, `"reason"`) {
					d.Errorf("after %d runs, with the keys in order %d: %v\n%s", run, i, err, out)
				}
			}
			if left >= 2 { // a dead process may have sent one more
				d.refuses(db, next)
			}
		}
		d.Logf("killed %d times", killed)
		if killed == 0 {
			d.Error("nothing was interrupted")
		}
		goOn()
		// What was not killed has nothing to do, and says so.
		if out, err := d.run(both, "key", "rewrap", "--local", "-o", "json"); err != nil || !strings.Contains(out, `"others_needed": false`) {
			d.Errorf("at the end: %v\n%s", err, out)
		}
		d.refuses(db, former)
		last := d.start(map[string]string{"ENCRYPTION_KEY": next})
		must(last.Ready(readyEver))(d.T)
		third := newClient(d.T, last.URL, work.ledger.With("last"))
		s := must(clients[1].Login(d.Context(), "ann", firstPassword, "shop"))(d.T)
		must(third.Refresh(d.Context(), s))(d.T)
		work.judge(d.T, append(clients, third)...)
	})
}

// manyKeys makes signing keys, so that there is a lot to rewrap: waiting ones, and ones
// that are to sign.
func (d *database) manyKeys(node *faults.Process, n int) {
	d.Helper()
	admin := d.administrator(node, newLedger(d.T))
	for i := range n {
		made := must(admin.MakeSigningKey(d.Context(), "ES256"))(d.T)
		if i%2 == 0 {
			must(admin.ActivateSigningKey(d.Context(), made.KID))(d.T)
		}
	}
}

// killedRewrap runs the command and kills it at some moment, unless it is done before. It
// reports whether it was killed. done counts the values that are rewrapped.
func (d *database) killedRewrap(keys map[string]string, done func() int) bool {
	d.Helper()
	ctx, kill := context.WithCancel(d.Context())
	defer kill()
	reached := make(chan struct{})
	if d.server == nil {
		// There are no messages to count: it is killed some time after it has begun.
		some := 1 + rand.IntN(5)
		go func() {
			defer close(reached)
			for done() < some && ctx.Err() == nil {
				time.Sleep(time.Millisecond)
			}
		}()
	} else {
		slow, most := faults.StartProxy(d.T, address(d.server)), int64(150)
		defer slow.Close()
		if nightly(d.T) {
			most = 60
		}
		at := d.hold(slow, "", 1+rand.N(most))
		defer at.release()
		reached, keys = at.reached, with(keys, "DATABASE_PORT", slow.Port())
	}
	go func() {
		select {
		case <-reached:
			kill()
		case <-ctx.Done():
		}
	}()
	out, err := d.runIn(ctx, keys, "key", "rewrap", "--local")
	if err != nil && ctx.Err() == nil {
		d.Fatalf("it ended by itself: %v\n%s", err, out)
	}
	return err != nil
}

// with is the settings and one more.
func with(settings map[string]string, name, value string) map[string]string {
	all := map[string]string{name: value}
	for name, value := range settings {
		all[name] = value
	}
	return all
}

// under counts the values that are sealed under an encryption key.
func (d *database) under(db *sql.DB, wrapper string) int {
	d.Helper()
	return one[int](d, db, `SELECT (SELECT COUNT(*) FROM signing_keys WHERE private_wrapper_id = ?) + (SELECT COUNT(*) FROM sealed_secrets WHERE wrapper_id = ?)`, wrapper, wrapper)
}

// refuses expects that a node does not start with the encryption key alone, and changes
// nothing.
func (d *database) refuses(db *sql.DB, key string) {
	d.Helper()
	columns := d.columns(db)
	sealed := map[string][]string{"signing_keys": columns["signing_keys"], "sealed_secrets": columns["sealed_secrets"], "configuration": columns["configuration"]}
	before := d.rows(db, sealed)
	out, err := d.run(map[string]string{"ENCRYPTION_KEY": key, "HOST": "127.0.0.1", "PORT": "0"}, "serve")
	if err == nil || !strings.Contains(out, "ENCRYPTION_KEY") || !strings.Contains(out, "identity key rewrap") || strings.Contains(out, `"listening"`) {
		d.Errorf("a start without a key that is needed: %v\n%s", err, out)
	}
	if after := d.rows(db, sealed); !reflect.DeepEqual(before, after) {
		d.Errorf("a start that was refused changed\n%v\nto\n%v", before, after)
	}
}

// sessionGoesOn logs ann in and refreshes her session on one node after the other, until
// the function that it returns is called: no use may fail.
func (d *database) sessionGoesOn(work *load, clients []*faults.Client) (stop func()) {
	d.Helper()
	must(work.admin.CreateUser(d.Context(), api.CreateUserRequest{Username: "ann", Password: firstPassword}))(d.T)
	begun := must(clients[0].Login(d.Context(), "ann", firstPassword, "shop"))(d.T)
	over := make(chan struct{})
	var using sync.WaitGroup
	using.Go(func() {
		for i, s := 0, begun; ; i++ {
			select {
			case <-over:
				return
			case <-d.Context().Done(): // the test has failed
				return
			case <-time.After(50 * time.Millisecond):
			}
			var err error
			if *s.RefreshesLeft == 0 {
				s, err = clients[i%len(clients)].Login(d.Context(), "ann", firstPassword, "shop")
			} else {
				s, err = clients[i%len(clients)].Refresh(d.Context(), s)
			}
			if err != nil {
				d.Errorf("use %d of the session: %v", i, err)
				return
			}
		}
	})
	return func() {
		close(over)
		using.Wait()
	}
}
