package rest_test

import (
	"fmt"
	"strings"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

const goodPassword = "a long password"

// ownPermissions are all that the contract names in section 3.
func ownPermissions() []string {
	list := []string{identity.PermissionAdmin}
	for _, resource := range []string{"configuration", "users", "clients", "roles", "audiences", "keys", "sessions", "tokens", "audit", "throttles", "health"} {
		list = append(list, "identity:"+resource+":read", "identity:"+resource+":write")
	}
	return list
}

// call sends a request with a bearer token.
func (d *desk) call(bearer, method, path, body string, headers ...string) identitytest.Response {
	d.Helper()
	return d.Do(method, path, body, append([]string{"Authorization", "Bearer " + bearer}, headers...)...)
}

// asAdmin sends a request with the administrator's token.
func (d *desk) asAdmin(method, path, body string, headers ...string) identitytest.Response {
	d.Helper()
	return d.call(d.bearer, method, path, body, headers...)
}

// machine makes a client that holds these permissions directly and returns a token of
// it for this service.
func (d *desk) machine(id string, permissions ...string) string {
	d.Helper()
	return d.machineOf(d.Service, id, d.Issuer, permissions...)
}

// machineOf is machine for any service and any audience.
func (d *desk) machineOf(s *identitytest.Service, id, audience string, permissions ...string) string {
	d.Helper()
	_, secret := s.AddClient(admin.NewClient{ID: id, Permissions: permissions})
	return s.Token(audience, map[string]string{"client_id": id, "client_secret": secret})
}

// made creates something as administrator and returns its id.
func (d *desk) made(path string, members map[string]any) string {
	d.Helper()
	r := d.asAdmin("POST", path, object(members))
	if r.Status != 201 {
		d.Fatalf("POST %s %v: status %d %s", path, members, r.Status, r.Body)
	}
	o := d.Object(r)
	if id, ok := o["client_id"].(string); ok {
		return id
	}
	id, _ := o["id"].(string)
	return id
}

// user, client and role make one and return its path. Members are laid over those that
// must be there.
func (d *desk) user(name string, members map[string]any) string {
	d.Helper()
	return "/api/users/" + d.made("/api/users", over(map[string]any{"username": name, "password": goodPassword}, members))
}

func (d *desk) client(id string, members map[string]any) string {
	d.Helper()
	return "/api/clients/" + d.made("/api/clients", over(map[string]any{"client_id": id, "name": id}, members))
}

func (d *desk) role(name string, permissions ...string) string {
	d.Helper()
	return "/api/roles/" + d.made("/api/roles", map[string]any{"name": name, "permissions": list(permissions...)})
}

func over(members, more map[string]any) map[string]any {
	for name, value := range more {
		members[name] = value
	}
	return members
}

// list is never null as JSON.
func list(items ...string) []string { return append([]string{}, items...) }

// get returns a resource as administrator.
func (d *desk) get(path string) map[string]any {
	d.Helper()
	r := d.asAdmin("GET", path, "")
	if r.Status != 200 {
		d.Fatalf("GET %s: status %d %s", path, r.Status, r.Body)
	}
	return d.Object(r)
}

// texts reads a list of strings.
func texts(v any) []string {
	items, _ := v.([]any)
	all := []string{}
	for _, item := range items {
		all = append(all, fmt.Sprint(item))
	}
	return all
}

// last is the id at the end of a path.
func last(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
