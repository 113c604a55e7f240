package rest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

type event struct {
	ID, Event, Outcome, Actor, Target, IP string
	RequestID                             string `json:"request_id"`
	At                                    time.Time
	Detail                                struct{ Before, After map[string]any }
}

// events returns what the audit has for a query.
func (d *desk) events(query string) []event {
	d.Helper()
	d.must(d.StoreEvents(d.Context())) // those of refusals come late
	r := d.asAdmin("GET", "/api/audit?limit=200&"+query, "")
	var page struct{ Data []event }
	if r.Status != 200 {
		d.Fatalf("audit %s: status %d %s", query, r.Status, r.Body)
	}
	decoder := json.NewDecoder(bytes.NewReader(r.Body))
	decoder.UseNumber()
	d.must(decoder.Decode(&page))
	return page.Data
}

// Every route that changes anything leaves exactly one event, and none when it is
// refused.
func TestEveryChangeIsRecorded(t *testing.T) {
	d := newDesk(t)
	key := func() string { return d.Key(jose.ES256).Public().PEM() }
	const auditor = "auditor"
	d.bearer = d.machine(auditor, "identity:admin") // whose token outlives every session
	user, role := d.user("u", nil), d.role("r", "a")
	client := d.client("c", map[string]any{"public_key": key(), "client_secret": "a secret that was chosen"})
	audience := "/api/audiences/" + d.made("/api/audiences", map[string]any{"audience": "a", "name": "a"})
	d.wantStatus("a secret", d.asAdmin("POST", client+"/secrets", "{}"), 201)
	d.wantStatus("a key", d.asAdmin("POST", client+"/keys", object(map[string]any{"public_key": key()})), 201)
	c := d.get(client)
	type change struct {
		route, path string
		body        map[string]any
		event       string
		target      string   // empty: of the answer
		before      []string // members that the detail shows
		after       []string
		refused     string // a body that is refused, or "If-Match"
	}
	signing := d.Key(jose.ES256)
	leaver := d.user("leaver", nil)
	session := "/api/sessions/" + sidOf(t, d.Login("leaver", goodPassword, ""))
	d.Login("leaver", goodPassword, "")
	spare := func() string {
		kid, _ := d.Object(d.asAdmin("POST", "/api/keys", `{"algorithm":"ES256"}`))["kid"].(string)
		return "/api/keys/" + kid
	}
	next, unused := spare(), spare()
	d.throttle("stranger")
	throttled := "/api/throttles/" + identity.UserThrottle("stranger", "stranger").ID
	changes := []change{
		{"POST /api/users", "/api/users", map[string]any{"username": "new", "password": canary}, "user.created", "", nil, []string{"username", "permissions", "enabled"}, `{"username":"u","password":"` + canary + `"}`},
		{"PATCH /api/users/{id}", user, map[string]any{"password": canary, "permissions": list("x")}, "user.updated", last(user), []string{"permissions"}, []string{"password", "permissions"}, "If-Match"},
		{"DELETE /api/users/{id}", user, nil, "user.deleted", last(user), []string{"username", "permissions"}, nil, "If-Match"},
		{"POST /api/clients", "/api/clients", map[string]any{"client_id": "new", "name": "x", "client_secret": canary}, "client.created", "new", nil, []string{"name", "require", "secrets"}, `{"client_id":"c","name":"x","client_secret":"` + canary + `"}`},
		{"PATCH /api/clients/{id}", client, map[string]any{"name": "renamed"}, "client.updated", "c", []string{"name"}, []string{"name"}, "If-Match"},
		{"POST /api/clients/{id}/secrets", client + "/secrets", map[string]any{"label": "next"}, "client.secret.created", "c", nil, []string{"id", "label"}, `{"client_secret":"` + canary + `"}`},
		{"DELETE /api/clients/{id}/secrets/{sid}", client + "/secrets/" + first(c["secrets"]), nil, "client.secret.deleted", "c", []string{"id"}, nil, "If-Match"},
		{"POST /api/clients/{id}/keys", client + "/keys", map[string]any{"public_key": key(), "label": "next"}, "client.key.created", "c", nil, []string{"id", "kid", "label"}, `{"public_key":"` + canary + `"}`},
		{"DELETE /api/clients/{id}/keys/{kid}", client + "/keys/" + first(c["keys"]), nil, "client.key.deleted", "c", []string{"id", "kid"}, nil, "If-Match"},
		{"DELETE /api/clients/{id}", client, nil, "client.deleted", "c", []string{"name", "secrets", "keys"}, nil, "If-Match"},
		{"POST /api/roles", "/api/roles", map[string]any{"name": "new", "permissions": list("b")}, "role.created", "", nil, []string{"name", "permissions"}, `{"name":"r","permissions":[]}`},
		{"PATCH /api/roles/{id}", role, map[string]any{"permissions": list("b")}, "role.updated", last(role), []string{"permissions"}, []string{"permissions"}, "If-Match"},
		{"DELETE /api/roles/{id}", role, nil, "role.deleted", last(role), []string{"name", "permissions"}, nil, "If-Match"},
		{"POST /api/audiences", "/api/audiences", map[string]any{"audience": "b", "name": "b"}, "audience.created", "", nil, []string{"audience", "name"}, `{"audience":"a","name":"x"}`},
		{"PATCH /api/audiences/{id}", audience, map[string]any{"token_expiration": 60}, "audience.updated", last(audience), []string{"token_expiration"}, []string{"token_expiration"}, "If-Match"},
		{"DELETE /api/audiences/{id}", audience, nil, "audience.deleted", last(audience), []string{"audience"}, nil, "If-Match"},
		{"POST /api/configuration", path, map[string]any{"private_key": pemOf("PRIVATE KEY", signing.PKCS8())}, "configuration.updated", "-", []string{"kid"}, []string{"kid", "private_key"}, "If-Match"},
		{"PATCH /api/configuration", path, map[string]any{"jwt_expiration": 600}, "configuration.updated", "-", []string{"jwt_expiration"}, []string{"jwt_expiration"}, "If-Match"},
	}
	changes = append(changes,
		change{"DELETE /api/sessions/{id}", session, nil, "session.ended", last(session), []string{"user_id", "audience", "refreshes"}, nil, "{}"},
		change{"DELETE /api/users/{id}/sessions", leaver + "/sessions", nil, "user.sessions.ended", last(leaver), nil, []string{"sessions"}, "{}"},
		change{"DELETE /api/sessions", "/api/sessions", nil, "sessions.ended", "-", nil, []string{"epoch"}, "{}"},
		change{"POST /api/keys", "/api/keys", map[string]any{"algorithm": "ES384"}, "key.created", "", nil, []string{"kid", "algorithm"}, `{"algorithm":"none"}`},
		change{"POST /api/keys/{id}/activate", next + "/activate", nil, "key.activated", last(next), []string{"activates_at"}, []string{"activates_at"}, `{"now":1}`},
		change{"DELETE /api/throttles/{id}", throttled, nil, "throttle.cleared", last(throttled), []string{"kind", "attempts"}, nil, "{}"},
		change{"POST /api/declaration", "/api/declaration", map[string]any{"version": 1, "configuration": map[string]any{"jwt_expiration": 601}}, "configuration.updated", "-", []string{"jwt_expiration"}, []string{"jwt_expiration"}, `{"version":2}`},
		change{"POST /api/revocations", "/api/revocations", map[string]any{"kind": "jti", "value": "some-jti"}, "token.revoked", "some-jti", nil, nil, `{"kind":"all","value":"x"}`},
		change{"POST /api/leak", "/api/leak", map[string]any{"found": canary}, "leak.examined", "-", nil, []string{"kind", "good", "owners"}, `{"found":""}`},
		change{"DELETE /api/keys/{id}", unused, nil, "key.deleted", last(unused), []string{"kid", "algorithm"}, nil, "{}"},
	)
	for _, route := range d.table() {
		name := route.Method + " " + route.Pattern
		if route.Method != http.MethodGet && !slices.ContainsFunc(changes, func(c change) bool { return c.route == name }) {
			t.Errorf("%s: nothing says what it records", name)
		}
	}
	answers := []identitytest.Response{}
	for i, c := range changes {
		method, _, _ := strings.Cut(c.route, " ")
		body := ""
		if c.body != nil {
			body = object(c.body)
		}
		d.wantUnchanged(c.route, func() {
			refused, headers := c.refused, []string(nil)
			if refused == "If-Match" {
				refused, headers = body, []string{"If-Match", `"stale"`}
			}
			r := d.asAdmin(method, c.path, refused, headers...)
			if r.Status < 400 {
				t.Errorf("%s was not refused: %d", c.route, r.Status)
			}
			answers = append(answers, r)
		})
		rid := fmt.Sprintf("rid-%d", i)
		before := len(d.events(""))
		r := d.asAdmin(method, c.path, body, "X-Request-Id", rid)
		if r.Status >= 300 {
			t.Errorf("%s: %d %s", c.route, r.Status, r.Body)
			continue
		}
		answers = append(answers, r)
		target := c.target
		switch target {
		case "-": // there is one of it
			target = ""
		case "":
			made := d.Object(r)
			target, _ = made["id"].(string)
			if kid, isKey := made["kid"].(string); isKey {
				target = kid
			}
		}
		got := d.events("request_id=" + rid)
		if len(got) != 1 || len(d.events("")) != before+1 {
			t.Errorf("%s left %d events", c.route, len(d.events(""))-before)
			continue
		}
		e := got[0]
		if e.Event != c.event || e.Actor != auditor || e.Target != target || e.IP != "127.0.0.1" || e.Outcome != "success" || e.RequestID != rid || !e.At.Equal(d.Clock.Now()) {
			t.Errorf("%s was recorded as %+v", c.route, e)
		}
		shows := func(side string, members map[string]any, want []string) {
			if (members == nil) != (want == nil) {
				t.Errorf("%s: %s is %v", c.route, side, members)
			}
			for _, m := range want {
				if _, there := members[m]; !there {
					t.Errorf("%s: %s is %v, without %s", c.route, side, members, m)
				}
			}
		}
		shows("before", e.Detail.Before, c.before)
		shows("after", e.Detail.After, c.after)
		for _, secret := range []string{"password", "private_key"} {
			if v, there := e.Detail.After[secret]; there && v != "[redacted]" {
				t.Errorf("%s: %s is %v", c.route, secret, v)
			}
		}
	}
	whole := d.asAdmin("GET", "/api/audit?limit=200", "")
	for _, a := range answers {
		var made struct {
			Secret string `json:"client_secret"`
		}
		if json.Unmarshal(a.Body, &made); made.Secret != "" && made.Secret != canary {
			d.WantNoCanary(made.Secret, whole)
		}
	}
	shown := slices.DeleteFunc(answers, func(r identitytest.Response) bool {
		return strings.Contains(string(r.Body), `"client_secret":"`+canary)
	})
	if len(shown) != len(answers)-1 {
		t.Errorf("%d of %d answers show the chosen secret, want one", len(answers)-len(shown), len(answers))
	}
	d.WantNoCanary(canary, append(shown, whole)...)
	d.WantNoCanary("$argon2", append(answers, whole)...)
	d.wantNoKeyMaterial("audit", pemOf("PRIVATE KEY", signing.PKCS8()), signing.Public(), whole)
}

// forgetRequests forgets the events of requests that changed nothing.
func (d *desk) forgetRequests() {
	d.Helper()
	d.must(d.StoreEvents(d.Context()))
	d.Change("configuration", "", `DELETE FROM audit_events WHERE event IN ('login.succeeded', 'request.refused')`)
}

func TestAuditFilters(t *testing.T) {
	d := newDesk(t)
	start := d.Clock.Now()
	d.user("one", map[string]any{"permissions": []string{"identity:admin"}})
	one := d.Login("one", goodPassword, "")
	d.Clock.Move(time.Second)
	two := d.user("two", nil)
	d.Clock.Move(time.Second)
	d.wantStatus("by one", d.call(one, "PATCH", two, `{"enabled":false}`, "X-Request-Id", "the-one"), 200)
	d.Clock.Move(time.Second)
	d.role("three")
	d.forgetRequests()
	all := d.events("")
	slices.Reverse(all)
	names := func(events []event) string {
		list := []string{}
		for _, e := range events {
			list = append(list, e.Event)
		}
		return strings.Join(list, " ")
	}
	if got := names(all); got != "user.created user.created user.updated role.created" {
		t.Fatalf("the audit has %s", got)
	}
	at := func(d time.Duration) string { return url.QueryEscape(start.Add(d).Format(time.RFC3339Nano)) }
	for _, bad := range []string{"outcome=maybe", "outcome=", "ip=x", "ip=", "ip=127.0.0.0/8"} {
		name, _, _ := strings.Cut(bad, "=")
		d.wantProblem(bad, d.asAdmin("GET", "/api/audit?"+bad, ""), 422, "invalid_request", fault{name, "invalid_value"})
	}
	d.forgetRequests()
	for query, want := range map[string]string{
		"event=user.created":              "user.created user.created",
		"event=user":                      "",
		"event=user.%25":                  "",
		"event=user.created%27":           "",
		"actor=" + all[2].Actor:           "user.updated",
		"actor=" + all[0].Actor:           "role.created user.created user.created",
		"target=" + last(two):             "user.updated user.created",
		"target=nobody":                   "",
		"outcome=success":                 names([]event{all[3], all[2], all[1], all[0]}),
		"outcome=failure":                 "",
		"ip=127.0.0.1":                    names([]event{all[3], all[2], all[1], all[0]}),
		"ip=127.0.0.2":                    "",
		"request_id=the-one":              "user.updated",
		"request_id=the_one":              "",
		"from=" + at(0):                   names([]event{all[3], all[2], all[1], all[0]}),
		"from=" + at(time.Second):         "role.created user.updated user.created",
		"from=" + at(time.Second+1000000): "role.created user.updated",
		"to=" + at(time.Second):           "user.created",
		"to=" + at(0):                     "",
		"from=" + at(time.Second) + "&to=" + at(3*time.Second):                                                         "user.updated user.created",
		"from=" + at(2*time.Second) + "&to=" + at(time.Second):                                                         "",
		"to=0001-01-01T00:00:00Z":                                                                                      "",
		"from=0001-01-01T00:00:00Z&event=role.created":                                                                 "role.created",
		"event=user.created&target=" + last(two) + "&actor=" + all[0].Actor:                                            "user.created",
		"event=role.created&target=" + last(two):                                                                       "",
		"from=" + url.QueryEscape(start.In(time.FixedZone("", 7200)).Format(time.RFC3339Nano)) + "&event=user.updated": "user.updated",
	} {
		if got := names(d.events(query)); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
		for _, limit := range []int{1, 2} {
			if ids := d.walk("/api/audit?"+query, limit, nil); len(ids) != len(strings.Fields(want)) {
				t.Errorf("%s by %d: %d events, want %d", query, limit, len(ids), len(strings.Fields(want)))
			}
		}
	}
}
