package rest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// rule is the permission that the contract asks for, by the resource that a path ends
// in; empty for a path of which it says nothing.
func rule(method, pattern string) string {
	verb := "write"
	if method == http.MethodGet {
		verb = "read"
	}
	of := map[string]string{
		"configuration": "configuration", "users": "users", "clients": "clients", "secrets": "clients", "roles": "roles",
		"audiences": "audiences", "sessions": "sessions", "audit": "audit", "throttles": "throttles", "revocations": "tokens", "health-report": "health",
	}
	if strings.HasPrefix(pattern, "/api/clients/{id}/keys") {
		of["keys"] = "clients"
	} else if of["keys"] = "keys"; verb == "write" && strings.HasPrefix(pattern, "/api/keys") {
		return identity.PermissionAdmin
	}
	if method == http.MethodDelete && pattern == "/api/sessions" || pattern == "/api/leak" || pattern == "/api/declaration" { // of all, whoever's
		return identity.PermissionAdmin
	}
	segments := strings.Split(pattern, "/")
	for i := len(segments) - 1; i >= 0; i-- {
		if resource := of[segments[i]]; resource != "" {
			return "identity:" + resource + ":" + verb
		}
	}
	return ""
}

// places makes one of everything and returns the path of what is there for each
// pattern.
func (d *desk) places() *strings.Replacer {
	client := d.client("place", map[string]any{"public_key": d.Key(jose.ES256).Public().PEM(), "client_secret": "a secret that was chosen"})
	key, _ := d.get(client)["keys"].([]any)[0].(map[string]any)["id"].(string)
	secret, _ := d.get(client)["secrets"].([]any)[0].(map[string]any)["id"].(string)
	user := d.user("place", nil)
	signing, _ := d.Object(d.asAdmin("POST", "/api/keys", `{"algorithm":"ES256"}`))["kid"].(string)
	return strings.NewReplacer(
		"/users/{id}", "/users/"+last(user), "/sessions/{id}", "/sessions/"+sidOf(d.T, d.Login("place", goodPassword, "")),
		"/api/keys/{id}", "/api/keys/"+signing, "/clients/{id}", "/clients/place", "{sid}", secret, "{kid}", key,
		"/roles/{id}", "/roles/"+last(d.role("place")),
		"/throttles/{id}", "/throttles/"+d.throttle("place"),
		"/audiences/{id}", "/audiences/"+d.made("/api/audiences", map[string]any{"audience": "place", "name": "place"}),
	)
}

// throttle makes attempts on a name wait, and returns the id of its throttle.
func (d *desk) throttle(name string) string {
	d.Helper()
	for range identity.ThrottledFrom {
		if status := d.Post("/auth/login", map[string]string{"username": name, "password": "a wrong password"}).Status; status != http.StatusUnauthorized {
			d.Fatalf("an attempt on %s was answered with %d", name, status)
		}
	}
	return identity.UserThrottle(name, name).ID
}

// kind is a kind of bearer token: one for each permission that its bearer holds, or
// seems to hold.
type kind struct {
	name   string
	tokens map[string]string
	status int // zero: by the permission
	code   string
}

// Every route, every kind of token, and every single permission with those kinds that
// carry any. Who is refused whatever they hold is asked with the two permissions that
// would open the door: with another, a door that is wrong would look right.
func TestMatrix(t *testing.T) {
	d := newDesk(t)
	foreign := identitytest.New(t, identitytest.Options{Issuer: "https://other.test"})
	twin := identitytest.New(t) // another installation that calls itself the same
	place := d.places()
	kinds := map[string]*kind{}
	for _, k := range []kind{
		{name: "none", status: 401, code: "invalid_token"},
		{name: "malformed", status: 401, code: "invalid_token"},
		{name: "expired", status: 401, code: "invalid_token"},
		{name: "foreign issuer", status: 401, code: "invalid_token"},
		{name: "foreign issuer, for us", status: 401, code: "invalid_token"},
		{name: "same name, other keys", status: 401, code: "invalid_token"},
		{name: "other audience", status: 401, code: "invalid_token"},
		{name: "payload edited", status: 401, code: "invalid_token"},
		{name: "disabled", status: 401, code: "invalid_token"},
		{name: "deleted", status: 401, code: "invalid_token"},
		{name: "permission removed", status: 403, code: "insufficient_permission"},
		{name: "role removed", status: 403, code: "insufficient_permission"},
		{name: "machine"},
		{name: "person"},
		{name: "by a role"},
	} {
		k.tokens = map[string]string{}
		kinds[k.name] = &k
	}
	for i, p := range ownPermissions() {
		kinds["expired"].tokens[p] = d.machine(fmt.Sprintf("expired%d", i), p)
	}
	d.Clock.Move(900 * time.Second)
	d.bearer = d.AdminToken()
	nobody := d.machine("nobody")
	for i, p := range ownPermissions() {
		set := func(name, token string) { kinds[name].tokens[p] = token }
		id := func(what string) string { return fmt.Sprintf("%s%d", what, i) }
		set("none", "")
		set("malformed", kinds["expired"].tokens[p][:40])
		set("foreign issuer", d.machineOf(foreign, id("f"), foreign.Issuer, p))
		set("foreign issuer, for us", d.machineOf(foreign, id("g"), d.Issuer, p))
		set("same name, other keys", d.machineOf(twin, id("machine"), d.Issuer, p))
		set("other audience", d.machineOf(d.Service, id("a"), "orders", p))
		set("payload edited", edited(t, nobody, p))
		set("disabled", d.machine(id("disabled"), p))
		d.wantStatus("disabling", d.asAdmin("PATCH", "/api/clients/"+id("disabled"), `{"enabled":false}`), 200)
		set("deleted", d.machine(id("deleted"), p))
		d.wantStatus("deleting", d.asAdmin("DELETE", "/api/clients/"+id("deleted"), ""), 204)
		set("permission removed", d.machine(id("removed"), p))
		d.wantStatus("removing", d.asAdmin("PATCH", "/api/clients/"+id("removed"), `{"permissions":["orders:read"]}`), 200)
		set("machine", d.machine(id("machine"), p))
		d.AddUser(id("person"), goodPassword, p)
		set("person", d.Login(id("person"), goodPassword, ""))
		d.role(id("role"), p)
		d.user(id("by-role"), map[string]any{"roles": []string{id("role")}})
		set("by a role", d.Login(id("by-role"), goodPassword, ""))
		gone := d.role(id("gone"), p)
		d.user(id("without-role"), map[string]any{"roles": []string{id("gone")}})
		set("role removed", d.Login(id("without-role"), goodPassword, ""))
		d.wantStatus("removing the role", d.asAdmin("DELETE", gone, ""), 204)
	}
	passed, want := 0, 0
	before := d.Tables()
	for _, route := range d.table() {
		if rule(route.Method, route.Pattern) != route.Permission || route.Permission == "" {
			t.Errorf("%s %s needs %q, and no rule says so", route.Method, route.Pattern, route.Permission)
		}
		opening := slices.Compact([]string{route.Permission, identity.PermissionAdmin})
		want += 3 * len(opening)
		for _, k := range kinds {
			asked := opening
			if k.status == 0 {
				asked = ownPermissions()
			}
			for _, p := range asked {
				status, code, body := k.status, k.code, "{"
				if status == 0 && p != route.Permission && p != identity.PermissionAdmin {
					status, code = 403, "insufficient_permission"
				}
				if route.Method == http.MethodGet {
					body = ""
				}
				path := place.Replace(route.Pattern)
				var headers []string
				if k.name != "none" {
					headers = []string{"Authorization", "Bearer " + k.tokens[p]}
				}
				r := d.Do(route.Method, path, body, headers...)
				name := fmt.Sprintf("%s %s with %s: %s", route.Method, path, p, k.name)
				if status != 0 {
					d.wantProblem(name, r, status, code)
					if r.Header.Get("WWW-Authenticate") == "" {
						t.Errorf("%s: no WWW-Authenticate", name)
					}
					continue
				}
				passed++
				// Past the door what is wrong with the request is told.
				if want := map[string]int{"GET": 200, "POST": 400, "PATCH": 400, "DELETE": 422}[route.Method]; r.Status != want {
					t.Errorf("%s: status %d, want %d: %s", name, r.Status, want, r.Body)
				}
			}
		}
	}
	if passed != want {
		t.Errorf("%d requests passed the door, want %d", passed, want)
	}
	if !maps.Equal(before, d.Tables()) {
		t.Error("something was stored")
	}
}

// edited returns a token whose payload says more than was signed.
func edited(t *testing.T, token, permission string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	claims := map[string]any{}
	if err != nil || json.Unmarshal(payload, &claims) != nil || !slices.Equal(texts(claims["permissions"]), nil) {
		t.Fatalf("no token without permissions: %s", payload)
	}
	claims["permissions"] = []string{permission}
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(object(claims)))
	return strings.Join(parts, ".")
}

// What the running service serves under /api is what the table says, and no more.
func TestNoRouteBesideTheTable(t *testing.T) {
	d := newDesk(t)
	place := d.places()
	methods := map[string][]string{}
	for _, route := range d.table() {
		methods[route.Pattern] = append(methods[route.Pattern], route.Method)
		if route.Method == http.MethodGet {
			methods[route.Pattern] = append(methods[route.Pattern], http.MethodHead)
		}
	}
	for pattern, served := range methods {
		slices.Sort(served)
		for _, method := range []string{"OPTIONS", "PUT", "DELETE", "PATCH", "POST", "GET", "HEAD", "TRACE", "QUERY"} {
			if slices.Contains(served, method) {
				continue
			}
			r := d.asAdmin(method, place.Replace(pattern), "")
			if r.Status != 405 || r.Header.Get("Allow") != strings.Join(served, ", ") {
				t.Errorf("%s %s: status %d, Allow %q, want %v", method, pattern, r.Status, r.Header.Get("Allow"), served)
			}
		}
	}
	// Whatever description of itself the service gives names no other.
	var described struct {
		Paths map[string]map[string]any
	}
	if r := d.Get("/openapi.json"); r.Status == 200 {
		d.must(json.Unmarshal(r.Body, &described))
	}
	for path := range described.Paths {
		if strings.HasPrefix(path, "/api") && methods[path] == nil {
			t.Errorf("%s is described and not in the table", path)
		}
	}
	// Nor do other spellings of a route get past its door.
	for _, path := range []string{
		"/api", "/api/", "/api/users/", "//api/users", "/api//users", "/api/./users", "/api/users/../users", "/api/%75sers", "/api%2fusers",
		"/api/users;x=1", "/API/users", "/api/users/%2e%2e/clients", "/api/..;/api/users", "/api/users%00", "/auth/../api/users", "/api/users/x/y",
	} {
		for _, bearer := range []string{"", d.bearer} {
			var headers []string
			if bearer != "" {
				headers = []string{"Authorization", "Bearer " + bearer}
			}
			d.wantProblem(path, d.Do("GET", path, "", headers...), 404, "not_found")
		}
	}
	// HEAD is GET without a body, for those who may.
	for pattern, served := range methods {
		if !slices.Contains(served, http.MethodHead) {
			continue
		}
		d.wantStatus("HEAD "+pattern, d.Do("HEAD", place.Replace(pattern), ""), 401)
		if r := d.asAdmin("HEAD", place.Replace(pattern), ""); r.Status != 200 || len(r.Body) != 0 {
			t.Errorf("HEAD %s: status %d with %d bytes", pattern, r.Status, len(r.Body))
		}
	}
	// And no header turns one method into another.
	d.wantUnchanged("method override", func() {
		for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
			d.wantStatus(name, d.asAdmin("GET", place.Replace("/api/users/{id}"), "", name, "DELETE"), 200)
		}
		d.wantProblem("?_method", d.asAdmin("GET", place.Replace("/api/users/{id}")+"?_method=DELETE", ""), 422, "invalid_request", fault{"_method", "unknown"})
	})
}
