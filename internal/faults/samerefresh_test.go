package faults_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// TestSameRefresh uses each refresh token of a session many times at once, on two nodes:
// all get the same next one, and one refresh is counted.
func TestSameRefresh(t *testing.T) {
	onEach(t, func(d *database) {
		nodes := d.nodes(2)
		work := d.newLoad(nodes[0])
		clients := d.onEachNode(nodes, work)
		must(work.admin.CreateUser(d.Context(), api.CreateUserRequest{Username: "ann", Password: firstPassword}))(d.T)
		s := must(clients[0].Login(d.Context(), "ann", firstPassword, "shop"))(d.T)
		chain, parallel := rounds(t)/4, 8
		for i := range chain {
			next := make([]faults.Session, parallel)
			failed := make([]error, parallel)
			var using sync.WaitGroup
			for k := range parallel {
				using.Go(func() { next[k], failed[k] = clients[k%2].Refresh(d.Context(), s) })
			}
			using.Wait()
			must(0, errors.Join(failed...))(d.T)
			for _, other := range next {
				if other.RefreshToken != next[0].RefreshToken || *other.RefreshesLeft != *s.RefreshesLeft-1 {
					d.Fatalf("token %d has more than one successor, or %d refreshes are left of %d", i, *other.RefreshesLeft, *s.RefreshesLeft)
				}
			}
			s = next[0]
		}
		if n := one[int](d, d.open(), `SELECT counter FROM sessions WHERE id = ?`, s.ID); n != chain {
			d.Errorf("%d refreshes are counted of %d", n, chain)
		}
		work.judge(d.T, clients...)
	})
}

// onEachNode is a client of each node, all in the ledger of a load.
func (d *database) onEachNode(nodes []*faults.Process, work *load) []*faults.Client {
	d.Helper()
	clients := make([]*faults.Client, len(nodes))
	for i, node := range nodes {
		clients[i] = newClient(d.T, node.URL, work.ledger.With(fmt.Sprint("node ", i)))
	}
	return clients
}

// leaver is somebody with a session that is about to be ended.
type leaver struct {
	api.User
	session faults.Session // its access token is for this service
}

// TestEndedElsewhere ends sessions on one node in every way, and uses them on the other:
// a refresh is refused from the first one on, because the database decides, and an access
// token after a second at the latest.
func TestEndedElsewhere(t *testing.T) {
	onEach(t, func(d *database) {
		nodes, ctx := d.nodes(2), d.Context()
		work := d.newLoad(nodes[0])
		clients := d.onEachNode(nodes, work)
		leavers := map[string]leaver{}
		end := func(how string, l leaver, err error) {
			d.Helper()
			must(0, err)(d.T)
			_, err = clients[1].Refresh(ctx, l.session)
			wantStatus(d.T, how+": the refresh", err, http.StatusUnauthorized)
			leavers[how] = l
		}
		last := d.leaver(work, clients[1], "all")
		for _, node := range nodes {
			if found := bearer(d.T, node, last.session.Token); found != http.StatusOK { // it is in every memory
				d.Fatalf("before anything has ended: %d", found)
			}
		}
		for how, do := range map[string]func(l leaver) error{
			"logout":   func(l leaver) error { return clients[0].Logout(ctx, l.session) },
			"session":  func(l leaver) error { return work.admin.EndSession(ctx, l.session.ID) },
			"sessions": func(l leaver) error { return work.admin.EndSessionsOf(ctx, l.User) },
			"disable":  func(l leaver) error { return work.admin.EnableUser(ctx, l.User, false) },
			"delete":   func(l leaver) error { return work.admin.DeleteUser(ctx, l.User) },
			"password": func(l leaver) error { return clients[0].ChangePassword(ctx, l.Username, firstPassword, secondPassword) },
			"reset": func(l leaver) error {
				next := secondPassword
				_, err := work.admin.PatchUser(ctx, l.User, api.UserPatch{Password: &next})
				return err
			},
		} {
			l := d.leaver(work, clients[1], how)
			end(how, l, do(l))
		}
		last.session = must(clients[1].Refresh(ctx, last.session))(d.T) // the others' ends were not this one's
		end("all", last, work.admin.EndAllSessions(ctx))
		time.Sleep(faults.Bound)
		for how, l := range leavers {
			for i, node := range nodes {
				if found := bearer(d.T, node, l.session.Token); found != http.StatusUnauthorized {
					d.Errorf("%s: node %d answers %d to an access token", how, i, found)
				}
			}
		}
		must(0, work.admin.Authorize(ctx, "admin", adminPassword))(d.T)
		work.judge(d.T, clients...)
	})
}

// leaver makes a user and logs them in on a node, where they may look at users.
func (d *database) leaver(work *load, c *faults.Client, name string) leaver {
	d.Helper()
	ctx := d.Context()
	user := must(work.admin.CreateUser(ctx, api.CreateUserRequest{
		Username: name, Password: firstPassword, Permissions: api.List[string]{string(identity.PermissionUsersRead)},
	}))(d.T)
	begun := must(c.Login(ctx, name, firstPassword, ""))(d.T)
	return leaver{user, must(c.Refresh(ctx, begun))(d.T)}
}
