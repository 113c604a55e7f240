package identitytest_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// At shutdown nothing waits that was answered: it is in the database then, once each.
func TestShutdownStoresEvents(t *testing.T) {
	s := identitytest.New(t)
	s.AddUser("ann", "a long enough password")
	var answered sync.Map
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 25 {
				answered.Store(s.Post("/auth/refresh", map[string]string{"refresh_token": "idr_x"}).Header.Get("X-Request-Id"), true)
				answered.Store(s.Post("/auth/login", map[string]string{"username": "ann", "password": "a long enough password"}).Header.Get("X-Request-Id"), true)
			}
		})
	}
	all.Wait()
	s.Stop()
	dump := string(s.Dump())
	n := 0
	answered.Range(func(id, _ any) bool {
		n++
		if strings.Count(dump, fmt.Sprint(id)) != 1 {
			t.Errorf("the request %s is %d times in the database", id, strings.Count(dump, fmt.Sprint(id)))
		}
		return true
	})
	if n != 400 {
		t.Errorf("%d answers", n)
	}
}
