package identitytest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/store/storetest"
)

// refusal is a request that is refused, and what the audit says of it.
type refusal struct {
	name  string
	send  func() identitytest.Response
	check identity.Check
	// actor and credential are in the event, facts among its facts.
	actor, credential string
	facts             map[string]any
}

// whyDesk is a service with a client of each kind.
type whyDesk struct {
	*identitytest.Service
	*testing.T
	key, other jose.PrivateKey
	keyID      string
	generated  string
	expired    string // a secret that has expired
	ids        map[string]string
}

func newWhyDesk(t *testing.T) *whyDesk {
	// Whole seconds, as claims have.
	clock := storetest.NewClock(time.Now().UTC().Truncate(time.Second))
	d := &whyDesk{T: t, Service: identitytest.New(t, identitytest.Options{Clock: clock}), ids: map[string]string{}}
	d.key, d.other = d.Key(jose.ES256), d.Key(jose.ES256)
	signing, _ := d.AddClient(admin.NewClient{ID: "signing", PublicKey: d.key.Public().PEM()})
	d.keyID = signing.Keys[0].ID
	_, d.generated = d.AddClient(admin.NewClient{ID: "generated"})
	d.Clock.Move(time.Second)
	made := d.Object(d.Do("POST", "/api/clients/generated/secrets", fmt.Sprintf(`{"label":"old","expires_at":%q}`, d.Clock.Now().Add(time.Minute).Format(time.RFC3339)),
		"Authorization", "Bearer "+d.AdminToken()))
	d.expired = made["client_secret"].(string)
	d.ids["ann"] = d.AddUser("ann", "a long enough password").ID
	d.Clock.Move(2 * time.Minute)
	return d
}

func (d *whyDesk) token(members map[string]string) func() identitytest.Response {
	return func() identitytest.Response {
		body := map[string]string{"audience": "orders"}
		maps.Copy(body, members)
		return d.Post("/auth/token", body)
	}
}

// signed sends an assertion with changes in its claims.
func (d *whyDesk) signed(changes map[string]any) func() identitytest.Response {
	return d.token(map[string]string{"client_id": "signing", "signature": d.Assertion(d.key, "signing", changes)})
}

func (d *whyDesk) bearer(token string) func() identitytest.Response {
	return func() identitytest.Response { return d.Get("/api/users", "Authorization", token) }
}

// event returns the one event of a refusal, as /api/audit has it.
func (d *whyDesk) event(requestID string) (api.Event, api.EventDetail) {
	d.Helper()
	if err := d.StoreEvents(d.Context()); err != nil {
		d.Fatal(err)
	}
	var page api.Page[api.Event]
	r := d.Get("/api/audit?event=request.refused&request_id="+requestID, "Authorization", "Bearer "+d.AdminToken())
	if err := json.Unmarshal(r.Body, &page); err != nil || len(page.Data) != 1 {
		d.Fatalf("%d events of the request, want 1: %v\n%s", len(page.Data), err, r.Body)
	}
	var detail api.EventDetail
	if err := json.Unmarshal(page.Data[0].Detail, &detail); err != nil {
		d.Fatal(err)
	}
	return page.Data[0], detail
}

// want compares what was answered, and what the audit has of it.
func (d *whyDesk) want(r refusal) {
	d.Helper()
	answer := r.send()
	problem := d.Object(answer)
	id, _ := problem["request_id"].(string)
	if answer.Status < 400 || id == "" || id != answer.Header.Get("X-Request-Id") {
		d.Errorf("%s: answered with %d and the request_id %q of %q", r.name, answer.Status, id, answer.Header.Get("X-Request-Id"))
		return
	}
	e, detail := d.event(id)
	if detail.Check != string(r.check) || e.Actor != r.actor || detail.Credential != r.credential || e.Outcome != "failure" || e.IP != "127.0.0.1" ||
		detail.Status != answer.Status || detail.Code != problem["code"] || detail.Reason == "" {
		d.Errorf("%s: want %s of %q by %q\n%+v\n%s", r.name, r.check, r.actor, r.credential, e, e.Detail)
	}
	if strings.Contains(string(answer.Body), detail.Reason) && r.check != identity.RefusedPermission {
		d.Errorf("%s: the caller is told: %s", r.name, answer.Body)
	}
	facts := map[string]any{}
	_ = json.Unmarshal(detail.Facts, &facts) // none, where there are none
	for name, want := range r.facts {
		if got := fmt.Sprint(facts[name]); got != fmt.Sprint(want) {
			d.Errorf("%s: the fact %s is %s, want %v", r.name, name, got, want)
		}
	}
}

// event is one of the audit, read.
type event struct {
	api.Event
	detail api.EventDetail
}

// events returns all that a query finds, after all has been stored.
func (d *whyDesk) events(query string) []event {
	d.Helper()
	if err := d.StoreEvents(d.Context()); err != nil {
		d.Fatal(err)
	}
	var events []event
	bearer := "Bearer " + d.AdminToken()
	for cursor := ""; ; {
		var page api.Page[api.Event]
		r := d.Get("/api/audit?limit=200&"+query+cursor, "Authorization", bearer)
		if err := json.Unmarshal(r.Body, &page); err != nil || r.Status != http.StatusOK {
			d.Fatalf("%v: %s", err, r.Body)
		}
		for _, e := range page.Data {
			one := event{Event: e}
			if err := json.Unmarshal(e.Detail, &one.detail); err != nil {
				d.Fatal(err)
			}
			events = append(events, one)
		}
		if page.NextCursor == nil {
			return events
		}
		cursor = "&cursor=" + *page.NextCursor
	}
}
