package rest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// Contract, section 3: nobody can grant a permission of this service that they do not
// hold, nor change a principal that holds one that they lack.

// above is what the victims hold and their attackers lack.
const above = "identity:keys:write"

// climbers are callers who may do nearly everything.
func (d *desk) climbers() map[string]string {
	almost := []string{}
	for _, p := range ownPermissions() {
		if p != above && p != identity.PermissionAdmin {
			almost = append(almost, p)
		}
	}
	d.role("almost", almost...)
	d.user("climber", map[string]any{"roles": []string{"almost"}})
	return map[string]string{
		"with the one permission":   d.machine("narrow", identity.PermissionUsersWrite, identity.PermissionClientsWrite, identity.PermissionRolesWrite),
		"with every other":          d.machine("broad", almost...),
		"with every other, by role": d.Login("climber", goodPassword, ""),
		"with what looks like it": d.machine("lookalike", identity.PermissionUsersWrite, identity.PermissionClientsWrite, identity.PermissionRolesWrite,
			"identity.admin", "identity_keys:write", "admin", "*", "identity"),
	}
}

// attempt is a request that an administrator may make and no climber.
type attempt struct{ name, method, path, body string }

// wantOnlyAdmin expects every climber to be refused with nothing stored, and the
// administrator to succeed with the same requests, one after another: so they were
// refused for nothing else.
func (d *desk) wantOnlyAdmin(climbers map[string]string, attempts ...attempt) {
	d.Helper()
	d.wantUnchanged(attempts[0].name+" and what follows", func() {
		for who, token := range climbers {
			for _, a := range attempts {
				d.wantProblem(a.name+" "+who, d.call(token, a.method, a.path, a.body), 403, "insufficient_permission")
			}
		}
	})
	for _, a := range attempts {
		if r := d.asAdmin(a.method, a.path, a.body); r.Status >= 300 {
			d.Errorf("%s as administrator: status %d %s", a.name, r.Status, r.Body)
		}
	}
}

// holders are the ways to hold a permission: members of a new principal, and what is
// done afterwards.
func (d *desk) holders() map[string]func(what string) (members map[string]any, after func()) {
	later := 0
	return map[string]func(what string) (map[string]any, func()){
		"directly": func(string) (map[string]any, func()) { return map[string]any{"permissions": []string{above}}, nil },
		"among others": func(string) (map[string]any, func()) {
			return map[string]any{"permissions": []string{"a", above, "z"}}, nil
		},
		"administrator": func(string) (map[string]any, func()) {
			return map[string]any{"permissions": []string{identity.PermissionAdmin}}, nil
		},
		"while disabled": func(string) (map[string]any, func()) {
			return map[string]any{"permissions": []string{above}, "enabled": false}, nil
		},
		"by a role": func(string) (map[string]any, func()) { return map[string]any{"roles": []string{"above"}}, nil },
		"by one of two roles": func(string) (map[string]any, func()) {
			return map[string]any{"roles": []string{"above", "harmless"}}, nil
		},
		"by a role that got it later": func(string) (map[string]any, func()) {
			later++
			name := fmt.Sprintf("later%d", later)
			path := d.role(name)
			return map[string]any{"roles": []string{name}}, func() {
				d.wantStatus("raising a role", d.asAdmin("PATCH", path, object(map[string]any{"permissions": []string{above}})), 200)
			}
		},
	}
}

func TestUsersAboveAreNotChanged(t *testing.T) {
	d := newDesk(t)
	climbers := d.climbers()
	d.role("above", above)
	d.role("harmless", "orders:read")
	n := 0
	for how, holder := range d.holders() {
		n++
		members, after := holder("user")
		path := d.user(fmt.Sprintf("victim%d", n), members)
		if after != nil {
			after()
		}
		var attempts []attempt
		for _, body := range []string{
			`{"password":"another long password"}`, `{"one_time":true}`, `{"enabled":false}`, `{"enabled":true}`, `{"permissions":["a"]}`,
			`{"permissions":[]}`, `{"roles":["harmless"]}`, `{"roles":[]}`, `{"audiences":[]}`, `{"metadata":{"a":1}}`, `{"username":"renamed%d"}`, `{}`,
		} {
			attempts = append(attempts, attempt{"user who holds it " + how + ": " + body, "PATCH", path, strings.ReplaceAll(body, "%d", fmt.Sprint(n))})
		}
		d.wantOnlyAdmin(climbers, append(attempts, attempt{"deleting a user who holds it " + how, "DELETE", path, ""})...)
	}
}

func TestClientsAboveAreNotChanged(t *testing.T) {
	d := newDesk(t)
	climbers := d.climbers()
	d.role("above", above)
	d.role("harmless", "orders:read")
	key := func() string { return d.Key(jose.ES256).Public().PEM() }
	n := 0
	for how, holder := range d.holders() {
		n++
		members, after := holder("client")
		path := d.client(fmt.Sprintf("victim%d", n), over(members, map[string]any{"public_key": key()}))
		for _, more := range []attempt{{path: "/secrets", body: "{}"}, {path: "/secrets", body: "{}"}, {path: "/keys", body: object(map[string]any{"public_key": key()})}} {
			d.wantStatus("another credential", d.asAdmin("POST", path+more.path, more.body), 201)
		}
		if after != nil {
			after()
		}
		c := d.get(path)
		attempts := []attempt{}
		for _, tc := range []struct{ method, below, body string }{
			{"PATCH", "", `{"name":"renamed"}`},
			{"PATCH", "", `{"enabled":false}`},
			{"PATCH", "", `{"enabled":true}`},
			{"PATCH", "", `{"require":["signature"]}`},
			{"PATCH", "", `{"static_signature":false}`},
			{"PATCH", "", `{"permissions":[]}`},
			{"PATCH", "", `{"roles":[]}`},
			{"PATCH", "", `{"audiences":["a"]}`},
			{"PATCH", "", `{"token_expiration":60}`},
			{"PATCH", "", `{"metadata":{"a":1}}`},
			{"PATCH", "", `{}`},
			{"POST", "/secrets", `{}`},
			{"POST", "/secrets", `{"client_secret":"a secret of the attacker"}`},
			{"POST", "/keys", object(map[string]any{"public_key": key()})},
			{"DELETE", "/secrets/" + first(c["secrets"]), ""},
			{"DELETE", "/keys/" + first(c["keys"]), ""},
			{"DELETE", "", ""},
		} {
			attempts = append(attempts, attempt{"client that holds it " + how + ": " + tc.method + " " + tc.below + " " + tc.body, tc.method, path + tc.below, tc.body})
		}
		d.wantOnlyAdmin(climbers, attempts...)
	}
}

// first is the id of the first of a list of resources.
func first(v any) string {
	items, _ := v.([]any)
	if len(items) == 0 {
		return ""
	}
	o, _ := items[0].(map[string]any)
	id, _ := o["id"].(string)
	return id
}

func TestNobodyGrantsWhatTheyLack(t *testing.T) {
	d := newDesk(t)
	climbers := d.climbers()
	d.role("above", above)
	d.role("root", identity.PermissionAdmin)
	d.role("harmless", "orders:read")
	n := 0
	for _, grant := range []string{
		`"permissions":["identity:keys:write"]`, `"permissions":["identity:admin"]`, `"permissions":["identity:users:write","identity:admin"]`,
		`"permissions":["a","identity:users:write","identity:keys:write","z"]`, `"roles":["above"]`, `"roles":["root"]`, `"roles":["harmless","above"]`,
		`"roles":["harmless","root"],"permissions":["a"]`,
	} {
		n++
		attempts := []attempt{
			{"making a user", "POST", "/api/users", fmt.Sprintf(`{"username":"new%d","password":"a long password",%s}`, n, grant)},
			{"making a disabled user", "POST", "/api/users", fmt.Sprintf(`{"username":"off%d","password":"a long password","enabled":false,"one_time":true,%s}`, n, grant)},
			{"making a client", "POST", "/api/clients", fmt.Sprintf(`{"client_id":"new%d","name":"x",%s}`, n, grant)},
			{"changing a user", "PATCH", d.user(fmt.Sprintf("low%d", n), nil), "{" + grant + "}"},
			{"changing a client", "PATCH", d.client(fmt.Sprintf("low%d", n), nil), "{" + grant + "}"},
		}
		if !strings.Contains(grant, "roles") {
			attempts = append(attempts,
				attempt{"making a role", "POST", "/api/roles", fmt.Sprintf(`{"name":"new%d",%s}`, n, grant)},
				attempt{"raising a role", "PATCH", d.role(fmt.Sprintf("low%d", n)), "{" + grant + "}"})
		}
		for i := range attempts {
			attempts[i].name += " with " + grant
		}
		d.wantOnlyAdmin(climbers, attempts...)
	}
}

// Who may not change a thing, and who asks for one that there is not, learns no more of
// what is wrong.
func TestRefusalComesFirst(t *testing.T) {
	d := newDesk(t)
	climbers := d.climbers()
	d.role("above", above)
	holds := map[string]any{"permissions": list(above)}
	user, client, role := d.user("u", holds), d.client("c", holds), d.role("r", above)
	d.wantUnchanged("refused", func() {
		for who, token := range climbers {
			for _, p := range []attempt{
				{path: user, method: "PATCH"}, {path: user, method: "DELETE"}, {path: client, method: "PATCH"}, {path: client, method: "DELETE"},
				{path: client + "/secrets", method: "POST"}, {path: client + "/keys", method: "POST"}, {path: client + "/secrets/nobody", method: "DELETE"},
				{path: client + "/keys/nobody", method: "DELETE"}, {path: role, method: "PATCH"}, {path: role, method: "DELETE"},
			} {
				for _, body := range []string{"{", `{"unknown":1}`, `{"password":"short"}`, `{"label":1}`} {
					for _, headers := range [][]string{nil, {"Content-Type", "text/plain"}, {"If-Match", `"stale"`}} {
						name := who + ": " + p.method + " " + p.path + " " + body
						d.wantProblem(name, d.call(token, p.method, p.path, body, headers...), 403, "insufficient_permission")
						nobody := strings.NewReplacer("/"+last(user), "/nobody", "/clients/c", "/clients/nobody", "/"+last(role), "/nobody").Replace(p.path)
						d.wantProblem(name+" of nobody", d.call(token, p.method, nobody, body, headers...), 404, "not_found")
					}
				}
			}
		}
	})
}

// What is no permission at all is refused to climbers too, and not repeated to them.
func TestUnknownPermissionIsNotRepeated(t *testing.T) {
	d := newDesk(t)
	low := d.user("low", nil)
	for who, token := range d.climbers() {
		for _, p := range []string{"identity:" + canary, "identity:\u202e" + canary, "identity:users:write " + canary, "identity:" + strings.Repeat(canary, 1000)} {
			d.wantUnchanged(who, func() {
				for _, a := range []attempt{
					{"user", "POST", "/api/users", object(map[string]any{"username": "u", "password": goodPassword, "permissions": list(p)})},
					{"client", "POST", "/api/clients", object(map[string]any{"name": "c", "permissions": list(p)})},
					{"role", "POST", "/api/roles", object(map[string]any{"name": "r", "permissions": list(p)})},
					{"change", "PATCH", low, object(map[string]any{"permissions": list(p)})},
				} {
					r := d.call(token, a.method, a.path, a.body)
					if r.Status != 403 && r.Status != 422 {
						t.Errorf("%s %s: status %d %s", a.name, who, r.Status, r.Body)
					}
					if r.Status == 403 {
						d.WantNoCanary(canary, r)
					}
				}
			})
		}
	}
}

// Whoever changes a role changes all who hold it.
func TestRolesAboveAreNotChanged(t *testing.T) {
	d := newDesk(t)
	climbers := d.climbers()
	d.role("above", above)
	n := 0
	for how, birth := range map[string]func() string{
		"that gives it": func() string { return d.role(fmt.Sprintf("r%d", n), above, "a") },
		"held by a user who holds it": func() string {
			path := d.role(fmt.Sprintf("r%d", n), "a")
			d.user(fmt.Sprintf("u%d", n), map[string]any{"permissions": []string{above}, "roles": []string{fmt.Sprintf("r%d", n)}})
			return path
		},
		"held by a disabled user who holds it": func() string {
			path := d.role(fmt.Sprintf("r%d", n), "a")
			d.user(fmt.Sprintf("u%d", n), map[string]any{"permissions": []string{above}, "roles": []string{fmt.Sprintf("r%d", n)}, "enabled": false})
			return path
		},
		"held by a client that holds it": func() string {
			path := d.role(fmt.Sprintf("r%d", n), "a")
			d.client(fmt.Sprintf("c%d", n), map[string]any{"permissions": []string{above}, "roles": []string{fmt.Sprintf("r%d", n)}})
			return path
		},
		"held by a user who holds it by another role": func() string {
			path := d.role(fmt.Sprintf("r%d", n), "a")
			d.user(fmt.Sprintf("u%d", n), map[string]any{"roles": []string{"above", fmt.Sprintf("r%d", n)}})
			return path
		},
		"held by a client that holds it by another role": func() string {
			path := d.role(fmt.Sprintf("r%d", n), "a")
			d.client(fmt.Sprintf("c%d", n), map[string]any{"roles": []string{"above", fmt.Sprintf("r%d", n)}})
			return path
		},
	} {
		n++
		path := birth()
		var attempts []attempt
		for _, body := range []string{
			`{"name":"renamed%d"}`, `{"permissions":[]}`, `{"permissions":["a"]}`, `{"permissions":["identity:users:write"]}`, `{"permissions":["a","orders:read"]}`, `{}`,
		} {
			attempts = append(attempts, attempt{"role " + how + ": " + body, "PATCH", path, strings.ReplaceAll(body, "%d", fmt.Sprint(n))})
		}
		d.wantOnlyAdmin(climbers, append(attempts, attempt{"deleting a role " + how, "DELETE", path, ""})...)
	}
}

// What a caller holds they may hand on, and those who hold no more they may change.
func TestWhatIsHeldMayBeHandedOn(t *testing.T) {
	d := newDesk(t)
	held := []string{identity.PermissionUsersWrite, identity.PermissionClientsWrite, identity.PermissionRolesWrite, above}
	caller := d.machine("giver", held...)
	d.role("harmless", "orders:read")
	for i, a := range []attempt{
		{"user", "POST", "/api/users", object(map[string]any{"username": "u", "password": goodPassword, "permissions": held, "roles": []string{"harmless"}})},
		{"client", "POST", "/api/clients", object(map[string]any{"client_id": "c", "name": "c", "permissions": held})},
		{"role", "POST", "/api/roles", object(map[string]any{"name": "r", "permissions": held})},
		{"user by role", "POST", "/api/users", object(map[string]any{"username": "v", "password": goodPassword, "roles": []string{"r", "harmless"}})},
		{"what is not ours", "POST", "/api/users", object(map[string]any{"username": "w", "password": goodPassword, "permissions": []string{"orders:admin", "identity.admin"}})},
	} {
		r := d.call(caller, a.method, a.path, a.body)
		d.wantStatus(a.name, r, 201)
		if i == 3 {
			id, _ := d.Object(r)["id"].(string)
			for _, body := range []string{`{"password":"another long password"}`, `{"enabled":false}`, `{"roles":["r"]}`, `{"permissions":["identity:keys:write"]}`, `{"roles":[],"permissions":[]}`} {
				d.wantStatus(body, d.call(caller, "PATCH", "/api/users/"+id, body), 200)
			}
			d.wantStatus("delete", d.call(caller, "DELETE", "/api/users/"+id, ""), 204)
		}
	}
}

// Tokens for this service carry who administers it: what the register says of them is
// for administrators, and never takes administration out of them.
func TestRegisterOfThisServiceItself(t *testing.T) {
	d := newDesk(t)
	keeper := d.machine("keeper", "identity:audiences:read", identity.PermissionAudiencesWrite, identity.PermissionConfigurationWrite)
	create := func(members map[string]any) string {
		return object(over(map[string]any{"audience": d.Issuer, "name": "us"}, members))
	}
	for _, members := range []map[string]any{{}, {"permissions": list()}, {"token_expiration": 2592000}, {"permissions": list(identity.PermissionAdmin)}} {
		d.wantUnchanged("by a keeper of audiences", func() {
			d.wantProblem("by a keeper of audiences", d.call(keeper, "POST", "/api/audiences", create(members)), 403, "insufficient_permission")
		})
	}
	d.wantUnchanged("without administrators", func() {
		d.wantProblem("none", d.asAdmin("POST", "/api/audiences", create(map[string]any{"permissions": list()})), 409, "conflict")
		d.wantProblem("others", d.asAdmin("POST", "/api/audiences", create(map[string]any{"permissions": ownPermissions()[1:]})), 409, "conflict")
	})
	path := "/api/audiences/" + d.made("/api/audiences", map[string]any{"audience": d.Issuer, "name": "us", "permissions": list(identity.PermissionAdmin)})
	for _, a := range []attempt{{"widening", "PATCH", path, `{"permissions":null}`}, {"renaming", "PATCH", path, `{"name":"x"}`}, {"deleting", "DELETE", path, ""}} {
		d.wantUnchanged(a.name, func() {
			d.wantProblem(a.name, d.call(keeper, a.method, a.path, a.body), 403, "insufficient_permission")
		})
	}
	d.wantUnchanged("shutting out", func() {
		d.wantProblem("shutting out", d.asAdmin("PATCH", path, `{"permissions":[]}`), 409, "conflict")
	})
	// Nor by taking the name of an audience that shuts administrators out.
	d.wantStatus("another", d.call(keeper, "POST", "/api/audiences", `{"audience":"https://next.test","name":"next","permissions":["orders:read"]}`), 201)
	d.wantUnchanged("taking its name", func() {
		d.wantProblem("taking its name", d.asAdmin("PATCH", "/api/configuration", `{"jwt_issuer":"https://next.test"}`), 409, "conflict")
	})
	d.wantStatus("as administrator", d.asAdmin("DELETE", path, ""), 204)
	d.bearer = d.AdminToken()
	d.wantStatus("still administering", d.asAdmin("GET", "/api/users", ""), 200)
}
