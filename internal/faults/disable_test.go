package faults_test

import (
	"fmt"
	"slices"
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
			d.takeAway(clients, map[string]taken{
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
			})
		}
		d.newKey(work, clients)
		work.stop()
		work.judge(d.T, clients...)
	})
}

// taken is something that is used, and taken away.
type taken struct {
	use  func(c *faults.Client) error
	take func() error
}

// takeAway uses things on every node, takes them away, all at the same time, and goes on
// until well after they must be gone. It logs when the last success of each began, after
// the acknowledgement.
func (d *database) takeAway(clients []*faults.Client, things map[string]taken) {
	d.Helper()
	uses := map[string]*usage{}
	over := make(chan struct{})
	for what, thing := range things {
		uses[what] = d.goOnUsing(clients, thing.use, over)
	}
	for what := range things {
		within(d.T, readyEver, "all use the "+what, func() bool { return uses[what].least(200) > 0 })
	}
	acknowledged := map[string]time.Time{}
	for what, thing := range things {
		must(0, thing.take())(d.T)
		acknowledged[what] = time.Now()
	}
	time.Sleep(faults.Bound + 300*time.Millisecond)
	close(over)
	for what, u := range uses {
		u.using.Wait()
		// Some nodes may have answered nothing but 429: those who are refused everywhere use up
		// the attempts that their name has. What is in verified memory needs none.
		if u.least(401, 429) == 0 || u.all(401) == 0 {
			d.Errorf("%s: a node has refused nothing: %v", what, u.answers)
		}
		d.Logf("%s: the last success began %v after the acknowledgement", what, u.last.Sub(acknowledged[what]))
	}
}

// usage is what using one thing on every node has come to.
type usage struct {
	using sync.WaitGroup

	mu      sync.Mutex
	last    time.Time     // when the last success began
	answers []map[int]int // by node and status
}

// goOnUsing uses something on every node until it is over.
func (d *database) goOnUsing(clients []*faults.Client, use func(c *faults.Client) error, over <-chan struct{}) *usage {
	d.Helper()
	u := &usage{answers: make([]map[int]int, len(clients))}
	for i, c := range clients {
		must(0, use(c))(d.T) // it is in every memory
		u.answers[i] = map[int]int{}
		u.using.Go(func() {
			for {
				began := time.Now()
				err := use(c)
				u.mu.Lock()
				if err == nil {
					u.last = began
					u.answers[i][200]++
				} else {
					u.answers[i][status(err)]++
				}
				u.mu.Unlock()
				select {
				case <-over:
					return
				case <-d.Context().Done(): // the test has failed
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		})
	}
	return u
}

// least is how often the node that has answered with one of the statuses least often did.
func (u *usage) least(statuses ...int) int { return slices.Min(u.count(statuses...)) }

// all is how often all nodes together did.
func (u *usage) all(statuses ...int) (n int) {
	for _, of := range u.count(statuses...) {
		n += of
	}
	return n
}

func (u *usage) count(statuses ...int) []int {
	u.mu.Lock()
	defer u.mu.Unlock()
	counts := make([]int, len(u.answers))
	for i, answers := range u.answers {
		for _, status := range statuses {
			counts[i] += answers[status]
		}
	}
	return counts
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
