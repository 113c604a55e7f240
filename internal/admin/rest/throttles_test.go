package rest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

// Administrators see the names on which attempts wait, and can clear them; the audit tells
// of both, and holds nothing that strangers have typed.
func TestThrottles(t *testing.T) {
	const typed = "correct-horse-battery" // a password in the wrong field
	d := newDesk(t)
	user := d.user("alice", nil)
	d.client("machine", map[string]any{"client_secret": "a secret that was chosen"})
	d.Login("alice", goodPassword, "")
	for range 2 { // below the first wait nothing is listed
		d.login("bob", "a wrong password")
	}
	d.throttle(typed)
	d.throttle("alice") // at the address that is familiar
	for range 3 {
		d.Post("/auth/token", map[string]string{"client_id": "machine", "client_secret": "a guess", "audience": "a"})
	}
	d.Clock.Move(time.Second)
	d.login("alice", "a wrong password")
	now := d.Clock.Now()

	var page api.Page[api.Throttle]
	r := d.asAdmin("GET", "/api/throttles", "")
	if err := json.Unmarshal(r.Body, &page); err != nil || r.Status != http.StatusOK {
		t.Fatalf("status %d, %v: %s", r.Status, err, r.Body)
	}
	got := map[string]api.Throttle{}
	for _, one := range page.Data {
		got[one.Name] = one // of nobody's there is one
	}
	familiar := identity.UserThrottle("alice", "alice").From("127.0.0.1").ID
	want := map[string]api.Throttle{
		"alice":   {ID: familiar, Kind: "user", Name: "alice", Source: "127.0.0.1", Attempts: 4, Until: now.Add(time.Second), UpdatedAt: now},
		"":        {ID: identity.UserThrottle(typed, typed).ID, Kind: "user", Attempts: 3, Until: now, UpdatedAt: now.Add(-time.Second)},
		"machine": {ID: identity.ClientThrottle("machine", "").ID, Kind: "client", Name: "machine", Attempts: 3, Until: now, UpdatedAt: now.Add(-time.Second)},
	}
	if diff := cmp.Diff(want, got); diff != "" || page.Data[0].Name != "alice" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	if status := d.login("alice", goodPassword).Status; status != http.StatusOK { // on the name's account, which is open
		t.Errorf("status %d", status)
	}
	d.throttle("carol")
	id := identity.UserThrottle("carol", "carol").ID
	d.wantStatus("before it is cleared", d.login("carol", "x"), http.StatusTooManyRequests)
	d.wantStatus("clear", d.asAdmin("DELETE", "/api/throttles/"+id, ""), http.StatusNoContent)
	d.wantStatus("clear again", d.asAdmin("DELETE", "/api/throttles/"+id, ""), http.StatusNotFound)
	d.wantStatus("after", d.login("carol", "x"), http.StatusUnauthorized)

	events := string(d.asAdmin("GET", "/api/audit?event=throttle.reached", "").Body)
	for text, want := range map[string]int{last(user): 1, `"target":"machine"`: 1, `"target":""`: 2, typed: 0, familiar: 1, `"wait":1`: 4, `"outcome":"failure"`: 4} {
		if n := strings.Count(events, text); n != want {
			t.Errorf("the audit has %q %d times, want %d\n%s", text, n, want, events)
		}
	}
	if cleared := string(d.asAdmin("GET", "/api/audit?event=throttle.cleared", "").Body); strings.Count(cleared, id) != 1 {
		t.Errorf("the audit does not have that it was cleared: %s", cleared)
	}
	if metrics := string(d.Get("/metrics").Body); !strings.Contains(metrics, `identity_rate_limited_total{policy="name"} 1`+"\n") {
		t.Error("the metrics do not count what was refused")
	}
}

// However many names are invented, the audit grows by a bounded number of events.
func TestInventedNamesDoNotFloodTheAudit(t *testing.T) {
	d := newDesk(t)
	for i := range 105 {
		d.throttle("name-" + strings.Repeat("x", i))
	}
	events := d.walk("/api/audit?event=throttle.reached", 200, nil)
	if len(events) != 100 {
		t.Errorf("%d events, want 100", len(events))
	}
}
