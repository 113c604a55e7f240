package faults_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestKilledEvents kills a node after it has answered: the audit lacks at most what was
// answered since its last batch, and nothing of any batch before.
func TestKilledEvents(t *testing.T) {
	onEach(t, func(d *database) {
		node := d.ready()
		db := d.open()
		refused := func() string {
			r := must(http.NewRequestWithContext(d.Context(), http.MethodPost, node.URL()+"/auth/refresh", strings.NewReader(`{"refresh_token":"x"}`)))(d.T)
			r.Header.Set("Content-Type", "application/json")
			answer := must(http.DefaultTransport.RoundTrip(r))(d.T)
			defer answer.Body.Close()
			if answer.StatusCode != http.StatusUnauthorized {
				d.Fatalf("status %d", answer.StatusCode)
			}
			return answer.Header.Get("X-Request-Id")
		}
		stored := func(id string) bool {
			return one[int](d, db, `SELECT COUNT(*) FROM audit_events WHERE request_id = ?`, id) == 1
		}
		for range 3 {
			var before []string
			for range 20 {
				before = append(before, refused())
			}
			last := before[len(before)-1]
			within(d.T, readySoon, "the batch is stored", func() bool { return stored(last) })
			after := refused()
			node.Kill()
			for _, id := range before {
				if !stored(id) {
					d.Errorf("the request %s is lost, though one of a later batch is stored", id)
				}
			}
			d.Logf("what was answered right before the kill is stored: %v", stored(after))
			d.whole()
			if err := node.Restart(); err != nil {
				d.Fatal(err)
			}
			must(node.Ready(readyEver))(d.T)
		}
	})
}
