package faults_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// TestDisable takes things away on one of three nodes, under load, and looks when they
// are gone on every one. The rules say when they must be: nothing that was asked for a
// second after the acknowledgement may succeed. That bound needs no slack for a slow
// machine: what counts is when a request begins.
func TestDisable(t *testing.T) {
	onEach(t, func(d *database) {
		nodes := d.nodes(3)
		work := d.newLoad(nodes[0])
		work.start(d.Context(), 1)
		defer work.stop()
		clients := []*faults.Client{}
		for i, node := range nodes {
			clients = append(clients, newClient(d.T, node.URL, work.ledger.With(fmt.Sprint("node ", i))))
		}
		ctx := d.Context()
		times := 1
		if nightly(t) {
			times = 10
		}
		for i := range times {
			name := fmt.Sprintf("leaver-%d", i)
			user := must(work.admin.CreateUser(ctx, api.CreateUserRequest{Username: name, Password: firstPassword}))(d.T)
			disabled := must(work.admin.CreateClient(ctx, api.CreateClientRequest{ClientID: name + "-disabled", Name: name}))(d.T)
			rotated := must(work.admin.CreateClient(ctx, api.CreateClientRequest{ClientID: name + "-rotated", Name: name}))(d.T)
			second := must(work.admin.AddSecret(ctx, rotated.ClientID, "second"))(d.T)
			for what, c := range map[string]struct {
				use  func(c *faults.Client) error
				take func() error
			}{
				"user": {
					func(c *faults.Client) error { _, err := c.Login(ctx, name, firstPassword, "shop"); return err },
					func() error { return work.admin.EnableUser(ctx, user, false) },
				},
				"client": {
					func(c *faults.Client) error {
						_, err := c.Token(ctx, faults.Secret(disabled.ClientID, disabled.ClientSecret), "shop")
						return err
					},
					func() error { return work.admin.EnableClient(ctx, disabled.ClientID, false) },
				},
				"secret": {
					func(c *faults.Client) error {
						_, err := c.Token(ctx, faults.Secret(rotated.ClientID, second.Secret), "shop")
						return err
					},
					func() error { return work.admin.DeleteSecret(ctx, rotated.ClientID, second.ClientSecret) },
				},
			} {
				d.Logf("%s: the last success began %v after the acknowledgement", what, d.takeAway(clients, c.use, c.take))
			}
		}
		d.newKey(work, clients)
		work.stop()
		work.judge(d.T, clients...)
	})
}

// takeAway uses something on every node, takes it away and goes on until well after it
// must be gone. It returns when the last success began, after the acknowledgement.
func (d *database) takeAway(clients []*faults.Client, use func(c *faults.Client) error, take func() error) time.Duration {
	d.Helper()
	var mu sync.Mutex
	var last time.Time
	successes, refusals := make([]int, len(clients)), make([]int, len(clients))
	var using sync.WaitGroup
	over := make(chan struct{})
	for i, c := range clients {
		must(0, use(c))(d.T) // it is in every memory
		using.Go(func() {
			for {
				began := time.Now()
				err := use(c)
				mu.Lock()
				if err == nil {
					successes[i]++
					last = began
				} else if status(err) == 401 {
					refusals[i]++
				}
				mu.Unlock()
				select {
				case <-over:
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		})
	}
	within(d.T, readyEver, "all use it", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return successes[0] > 0 && successes[1] > 0 && successes[2] > 0
	})
	err := take()
	acknowledged := time.Now()
	time.Sleep(faults.Bound + 300*time.Millisecond)
	close(over)
	using.Wait()
	must(0, err)(d.T)
	for i, n := range refusals {
		if n == 0 {
			d.Errorf("node %d has refused nothing", i)
		}
	}
	return last.Sub(acknowledged)
}

// newKey imports a key: each node publishes it before any node signs with it, and all do
// that within two seconds.
func (d *database) newKey(work *load, clients []*faults.Client) {
	d.Helper()
	const promise = 2 * time.Second
	must(work.admin.CreateClient(d.Context(), api.CreateClientRequest{ClientID: "robot", Name: "Robot", PublicKey: work.key.Public()}))(d.T)
	var signing sync.WaitGroup
	kid := importKey(d.T, work.admin)
	acknowledged := time.Now()
	for i, c := range clients {
		signing.Go(func() {
			for first := true; ; {
				began := time.Since(acknowledged)
				proof, err := work.key.Assertion("robot", issuer)
				if err != nil {
					d.Error(err)
					return
				}
				issued, err := c.Token(d.Context(), proof, "shop")
				if err != nil {
					d.Errorf("node %d: %v", i, err)
					return
				}
				isNew := signedBy(d.T, issued.Token) == kid
				if isNew && first {
					first = false
					d.Logf("node %d signs with the new key after %v", i, began)
					for j, other := range clients {
						if keys := get(d.T, other.URL(), "/.well-known/jwks.json").body; !strings.Contains(keys, kid) {
							d.Errorf("node %d signs with a key that node %d does not publish", i, j)
						}
					}
				}
				if began > promise {
					if !isNew {
						d.Errorf("node %d signs with the former key %v after the import", i, began)
					}
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	signing.Wait()
}
