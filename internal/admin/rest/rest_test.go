package rest_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin/rest"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

const path = "/api/configuration"

// desk is a running service as an administrator sees it.
type desk struct {
	*identitytest.Service
	*testing.T
	bearer string // of the administrator
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	s := identitytest.New(t)
	return &desk{Service: s, T: t, bearer: s.AdminToken()}
}

// send sends a request with the administrator's token.
func (d *desk) send(method, body string, headers ...string) identitytest.Response {
	d.Helper()
	return d.Do(method, path, body, append([]string{"Authorization", "Bearer " + d.bearer}, headers...)...)
}

// object encodes members as a JSON object.
func object(members map[string]any) string {
	text, _ := json.Marshal(members)
	return string(text)
}

// fault is one entry of "errors".
type fault struct{ Member, Type string }

// wantProblem expects a problem document with a status, a code and these faults.
func (d *desk) wantProblem(what string, r identitytest.Response, status int, code string, faults ...fault) {
	d.Helper()
	var problem struct {
		Status int
		Code   string
		Errors []struct {
			Loc  []string
			Type string
		}
	}
	if err := json.Unmarshal(r.Body, &problem); err != nil || r.Header.Get("Content-Type") != "application/problem+json" {
		d.Errorf("%s: status %d, no problem document", what, r.Status)
		return
	}
	if r.Status != status || problem.Status != status || problem.Code != code {
		d.Errorf("%s: %d %s, want %d %s: %s", what, r.Status, problem.Code, status, code, r.Body)
	}
	var got []fault
	for _, e := range problem.Errors {
		got = append(got, fault{strings.Join(e.Loc[1:], "."), e.Type})
	}
	if diff := cmp.Diff(faults, got); diff != "" {
		d.Errorf("%s: faults (-want +got)\n%s", what, diff)
	}
}

func (d *desk) wantStatus(what string, r identitytest.Response, status int) {
	d.Helper()
	if r.Status != status {
		d.Errorf("%s: status %d, want %d: %s", what, r.Status, status, r.Body)
	}
}

// wantUnchanged runs what must not store anything.
func (d *desk) wantUnchanged(what string, fn func()) {
	d.Helper()
	before := d.Tables()
	fn()
	if !maps.Equal(before, d.Tables()) {
		d.Errorf("%s: something was stored", what)
	}
}

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// table returns every route of the interface.
func (d *desk) table() []rest.Route {
	d.Helper()
	handler, err := rest.New(d.Installation.Admin, rest.Local(identity.Caller{}))
	d.must(err)
	return handler.Table()
}

// A route without a permission is open to everybody who has any token.
func TestEveryRouteHasPermission(t *testing.T) {
	for _, route := range newDesk(t).table() {
		name := route.Method + " " + route.Pattern
		if identity.CheckPermissions([]string{route.Permission}) != nil || !identity.OwnPermission(route.Permission) {
			t.Errorf("%s needs %q, which is no permission of this service", name, route.Permission)
		}
		if read := strings.HasSuffix(route.Permission, ":read"); read != (route.Method == http.MethodGet) && route.Permission != identity.PermissionAdmin {
			t.Errorf("%s needs %s", name, route.Permission)
		}
		if !strings.HasPrefix(route.Pattern, "/api/") {
			t.Errorf("%s is not under /api", name)
		}
	}
}

// everyPermission is every permission of this service but one.
func everyPermission(but string) (list []string) {
	for _, p := range []string{
		identity.PermissionConfigurationRead, identity.PermissionConfigurationWrite, identity.PermissionUsersRead,
		identity.PermissionUsersWrite, identity.PermissionClientsRead, identity.PermissionClientsWrite,
		"identity:roles:read", "identity:roles:write", "identity:audiences:read", "identity:audiences:write", "identity:keys:read",
		"identity:keys:write", "identity:sessions:read", "identity:sessions:write", "identity:audit:read", "identity:throttles:write",
	} {
		if p != but {
			list = append(list, p)
		}
	}
	return list
}

// Every route refuses everybody who may not, before it looks at anything else.
func TestAuthorisation(t *testing.T) {
	const (
		bearer  = `Bearer realm="identity"`
		invalid = bearer + `, error="invalid_token"`
		scope   = bearer + `, error="insufficient_scope"`

		password = "a long password"
	)
	d := newDesk(t)
	elsewhere := identitytest.New(t, identitytest.Options{Issuer: "https://other.test"})
	twin := identitytest.New(t) // another installation that calls itself the same
	d.AddUser("nobody", password)
	d.AddUser("shopper", password, "orders:write", "admin", "identity.admin")
	expired := d.AdminToken()
	d.Clock.Move(900 * time.Second)
	d.bearer = d.AdminToken()
	foreign, same := elsewhere.AdminToken(), twin.AdminToken()
	forUs := elsewhere.Login(elsewhere.AdminUsername, elsewhere.AdminPassword.Reveal(), d.Issuer)
	for i, route := range d.table() {
		others := fmt.Sprintf("others%d", i)
		d.AddUser(others, password, everyPermission(route.Permission)...)
		before := d.Tables("sessions") // of those who log in below
		for _, tc := range []struct {
			name, authorization string
			status              int
			code, challenge     string
		}{
			{"none", "", 401, "invalid_token", bearer},
			{"another scheme", "Basic YWRtaW46YWRtaW4=", 401, "invalid_token", bearer},
			{"no token", "Bearer ", 401, "invalid_token", invalid},
			{"two tokens", "Bearer " + d.bearer + " " + d.bearer, 401, "invalid_token", invalid},
			{"not a token", "Bearer abc", 401, "invalid_token", invalid},
			{"cut", "Bearer " + d.bearer[:len(d.bearer)-4], 401, "invalid_token", invalid},
			{"expired", "Bearer " + expired, 401, "invalid_token", invalid},
			{"for another audience", "Bearer " + d.Login(d.AdminUsername, d.AdminPassword.Reveal(), "orders"), 401, "invalid_token", invalid},
			{"of another issuer", "Bearer " + foreign, 401, "invalid_token", invalid},
			{"of another installation", "Bearer " + same, 401, "invalid_token", invalid},
			{"of another installation, for us", "Bearer " + forUs, 401, "invalid_token", invalid},
			{"without permission", "Bearer " + d.Login("nobody", password, ""), 403, "insufficient_permission", scope},
			{"with permissions of others", "Bearer " + d.Login("shopper", password, ""), 403, "insufficient_permission", scope},
			{"with every other permission", "Bearer " + d.Login(others, password, ""), 403, "insufficient_permission", scope},
		} {
			name := fmt.Sprintf("%s %s: %s", route.Method, route.Pattern, tc.name)
			for _, body := range []string{"", `{"jwt_expiration":60}`, `{`} {
				if route.Method == http.MethodGet && body != "" {
					continue
				}
				var headers []string
				if tc.authorization != "" {
					headers = []string{"Authorization", tc.authorization}
				}
				r := d.Do(route.Method, route.Pattern, body, headers...)
				d.wantProblem(name, r, tc.status, tc.code)
				if got := r.Header.Get("WWW-Authenticate"); got != tc.challenge {
					t.Errorf("%s: WWW-Authenticate %q, want %q", name, got, tc.challenge)
				}
			}
		}
		if !maps.Equal(before, d.Tables("sessions")) {
			t.Errorf("%s %s: something was stored", route.Method, route.Pattern)
		}
		d.AddUser(fmt.Sprintf("just%d", i), password, route.Permission)
		r := d.Do(route.Method, route.Pattern, "", "Authorization", "bearer "+d.Login(fmt.Sprintf("just%d", i), password, ""))
		if r.Status == http.StatusUnauthorized || r.Status == http.StatusForbidden {
			t.Errorf("%s %s with just %s: status %d", route.Method, route.Pattern, route.Permission, r.Status)
		}
	}
	for _, place := range []string{path + "?access_token=" + d.bearer} {
		d.wantProblem("token in the query", d.Get(place), 401, "invalid_token")
	}
}

// Each request has every fault but those that were taken away before: what is
// answered is the first that is left.
func TestOrderOfChecks(t *testing.T) {
	d := newDesk(t)
	d.AddUser("reader", "a long password", identity.PermissionConfigurationRead)
	auth := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	reader, admin := auth(d.Login("reader", "a long password", "")), auth(d.bearer)
	text, stale := []string{"Content-Type", "text/plain"}, []string{"If-Match", `"stale"`}
	big := strings.Repeat("{", web.MaxBody+1)
	join := func(lists ...[]string) (all []string) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	d.wantUnchanged("faults", func() {
		for _, tc := range []struct {
			name, method, path, body string
			headers                  []string
			status                   int
			code                     string
			faults                   []fault
		}{
			{"no route", "DELETE", path + "/x?y=1", big, join(text, stale), 404, "not_found", nil},
			{"a trailing slash", "DELETE", path + "/?y=1", big, join(text, stale), 404, "not_found", nil},
			{"no such method", "DELETE", path + "?y=1", big, join(text, stale), 405, "method_not_allowed", nil},
			{"too large", "POST", path + "?y=1", big, join(text, stale), 413, "payload_too_large", nil},
			{"nobody", "POST", path + "?y=1", "{", join(text, stale), 401, "invalid_token", nil},
			{"a reader", "POST", path + "?y=1", "{", join(text, stale, reader), 403, "insufficient_permission", nil},
			{"another type", "POST", path + "?y=1", "{", join(text, stale, admin), 415, "unsupported_media_type", nil},
			{"no JSON", "POST", path + "?y=1", "{", join(stale, admin), 400, "invalid_json", nil},
			{"a query", "POST", path + "?y=1", `{"jwt_expiration":60}`, join(stale, admin), 422, "invalid_request", []fault{{"y", "unknown"}}},
			{"a bad value", "POST", path, `{"jwt_expiration":1}`, join(stale, admin), 422, "invalid_request", []fault{{"jwt_expiration", "invalid_value"}}},
			{"stale", "POST", path, `{"jwt_expiration":60}`, join(stale, admin), 412, "precondition_failed", nil},
		} {
			r := d.Do(tc.method, tc.path, tc.body, tc.headers...)
			d.wantProblem(tc.name, r, tc.status, tc.code, tc.faults...)
			if allow := r.Header.Get("Allow"); (tc.status == 405) != (allow == "GET, HEAD, PATCH, POST") {
				t.Errorf("%s: Allow %q", tc.name, allow)
			}
		}
	})
	d.wantStatus("none", d.Do("POST", path, `{"jwt_expiration":60}`, admin...), 201)
}

func TestNewNeedsAll(t *testing.T) {
	if _, err := rest.New(nil, nil); err == nil {
		t.Error("made of nothing")
	}
	if _, err := rest.New(newDesk(t).Installation.Admin, nil); err == nil {
		t.Error("made without an issuer: nobody would be checked")
	}
}

// kidOf returns the key id of a token.
func kidOf(t *testing.T, token string) string {
	t.Helper()
	m, err := jose.Parse(token, jose.SigningAlgorithms())
	if err != nil {
		t.Fatal(err)
	}
	return m.KID()
}
