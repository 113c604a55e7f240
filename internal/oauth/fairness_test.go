package oauth_test

import (
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// The attack: one address keeps the one slot and the whole queue for hashing full. A
// login from another address and a machine are never sent away for it.
func TestStormFromOneAddress(t *testing.T) {
	s := identitytest.New(t, identitytest.Options{
		Hashing:        argon2.Config{Params: argon2.Params{Memory: 4 << 10, Time: 1, Threads: 1}, Slots: 1, Queue: 6, Wait: time.Minute},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	s.AddUser("alice", password)
	var names atomic.Int64 // each of which is asked once, and so not throttled
	another := func() string { return "nobody-" + strconv.FormatInt(names.Add(1), 10) }
	stop := make(chan struct{})
	var storm sync.WaitGroup
	for i := range 12 {
		storm.Go(func() {
			from := "2001:db8::" + strconv.FormatInt(int64(i+1), 16) // all of one /64
			for {
				select {
				case <-stop:
					return
				default:
					s.Do("POST", "/auth/login", object("username", another(), "password", canary), "X-Forwarded-For", from)
				}
			}
		})
	}
	full := func() uint64 { return s.Installation.Pool.Stats().Lines[argon2.People].Full }
	for before := full(); full() < before+20; { // the queue is full for good
		time.Sleep(time.Millisecond)
	}
	for range 5 {
		if r := s.Do("POST", "/auth/login", object("username", "alice", "password", password), "X-Forwarded-For", "2001:db8:0:1::1"); r.Status != 200 {
			t.Errorf("a login from another network: status %d", r.Status)
		}
		r := s.Do("POST", "/auth/token", object("client_id", another(), "client_secret", canary, "audience", "x"), "X-Forwarded-For", "2001:db8::1")
		if r.Status != 401 {
			t.Errorf("a machine, from the network of the storm: status %d", r.Status)
		}
	}
	close(stop)
	storm.Wait()
	if lines := s.Installation.Pool.Stats().Lines; lines[argon2.Machines] != (argon2.LineStats{}) {
		t.Errorf("machines: %+v", lines[argon2.Machines])
	}
}
