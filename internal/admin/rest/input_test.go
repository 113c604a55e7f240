package rest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

func TestOddIDs(t *testing.T) {
	d := newDesk(t)
	d.places()
	d.wantUnchanged("odd ids", func() {
		for _, kind := range []string{"users", "clients", "roles", "audiences"} {
			for _, id := range []string{
				"-1", "0", "1e9", "null", "undefined", "*", "%25", "%", "..", "%2e%2e", "../users", "..%2fusers", "%2f", "x%2fy", "a%00b", "%c3%28", "%ff", "'%20OR%201=1--",
				"place'--", "PLACE", "plac%65", "place%20", "place;v=1", strings.Repeat("a", 5000), "00000000-0000-7000-8000-000000000000", "%F0%9F%92%A9",
			} {
				for _, method := range []string{"GET", "PATCH", "DELETE"} {
					body := map[string]string{"PATCH": "{}"}[method]
					if id == "%" { // no client of Go's sends it
						continue
					}
					d.wantProblem(method+" "+kind+"/"+id, d.asAdmin(method, "/api/"+kind+"/"+id, body), 404, "not_found")
				}
			}
		}
		for _, below := range []string{"secrets", "keys"} {
			for _, id := range []string{"-1", "%2e%2e", "*", "'--", strings.Repeat("a", 5000)} {
				d.wantProblem("DELETE "+below+"/"+id, d.asAdmin("DELETE", "/api/clients/place/"+below+"/"+id, ""), 404, "not_found")
			}
			d.wantProblem("of nobody", d.asAdmin("GET", "/api/clients/nobody/"+below, ""), 404, "not_found")
		}
		d.wantProblem("a secret of nobody", d.asAdmin("POST", "/api/clients/nobody/secrets", "{}"), 404, "not_found")
	})
}

// Each member in turn is unknown, null and of every wrong type, on every route that
// takes it.
func TestMembers(t *testing.T) {
	d := newDesk(t)
	place := d.places()
	const text, flag, array, obj, num = "text", "true or false", "array", "object", "number"
	user := map[string]string{"username": text, "password": text, "one_time": flag, "enabled": flag, "permissions": array, "roles": array, "audiences": array, "metadata": obj}
	client := map[string]string{
		"name": text, "require": array, "static_signature": flag, "enabled": flag, "permissions": array, "roles": array, "audiences": array,
		"token_expiration": num, "metadata": obj,
	}
	values := map[string]string{text: `"x"`, flag: `true`, array: `["x"]`, obj: `{}`, num: `60`, "null": `null`, "numbers": `[1]`, "nested": `[["x"]]`, "mixed": `["x",null]`, "exponent": `6e1`, "fraction": `60.5`}
	d.wantUnchanged("wrong members", func() {
		for _, route := range []struct {
			method, path string
			members      map[string]string
			required     []string
			nullable     string
		}{
			{"POST", "/api/users", over2(user, "password_hash", text), []string{"username", "password"}, ""},
			{"PATCH", "/api/users/{id}", user, nil, ""},
			{"POST", "/api/clients", over2(client, "client_id", text, "client_secret", text), []string{"name"}, "token_expiration"},
			{"PATCH", "/api/clients/{id}", client, nil, "token_expiration"},
			{"POST", "/api/clients/{id}/secrets", map[string]string{"client_secret": text, "label": text, "expires_at": text}, nil, ""},
			{"POST", "/api/clients/{id}/keys", map[string]string{"label": text}, []string{"public_key"}, ""},
			{"POST", "/api/roles", map[string]string{"name": text, "permissions": array}, []string{"name", "permissions"}, ""},
			{"PATCH", "/api/roles/{id}", map[string]string{"name": text, "permissions": array}, nil, ""},
			{"POST", "/api/audiences", map[string]string{"audience": text, "name": text, "permissions": array, "token_expiration": num, "algorithm": text}, []string{"audience", "name"}, "permissions token_expiration algorithm"},
			{"PATCH", "/api/audiences/{id}", map[string]string{"name": text, "permissions": array, "token_expiration": num, "algorithm": text}, nil, "permissions token_expiration algorithm"},
		} {
			path, name := place.Replace(route.path), route.method+" "+route.path
			var missing []fault
			for _, m := range route.required {
				missing = append(missing, fault{m, "missing"})
			}
			if missing != nil {
				d.wantProblem(name+" with nothing", d.asAdmin(route.method, path, "{}"), 422, "invalid_request", missing...)
			}
			without := func(member string) (left []fault) {
				for _, f := range missing {
					if f.Member != member {
						left = append(left, f)
					}
				}
				return left
			}
			for member, kind := range route.members {
				if member == "password_hash" {
					continue // it stands for the password: see below
				}
				for other, value := range values {
					if other == kind || other == "null" && strings.Contains(route.nullable, member) {
						continue
					}
					r := d.asAdmin(route.method, path, fmt.Sprintf(`{%q:%s}`, member, value))
					d.wantFaultAmong(name+" "+member+" as "+other, r, fault{member, "wrong_type"}, without(member))
				}
				shouted := strings.ToUpper(member)
				d.wantFaultAmong(name+" "+shouted, d.asAdmin(route.method, path, fmt.Sprintf(`{%q:%s}`, shouted, values[kind])), fault{shouted, "unknown"}, missing)
			}
			for _, member := range []string{"id", "created_at", "updated_at", "version", "is_root", "password_hashes", "secrets", "last_login_at", "privileged", "hash"} {
				d.wantFaultAmong(name+" "+member, d.asAdmin(route.method, path, fmt.Sprintf(`{%q:"x"}`, member)), fault{member, "unknown"}, missing)
			}
			d.wantProblem(name+" with a query", d.asAdmin(route.method, path+"?dry_run=1", "{}"), 422, "invalid_request", append(missing, fault{"dry_run", "unknown"})...)
			for _, body := range []string{"", "[]", `"x"`, "null", "{}{}", `{"name":"a","name":"b"}`, "{\"name\":\"\xff\"}", `{"name":"\u0000"}`, `{"name":"\ud800"}`} {
				r := d.asAdmin(route.method, path, body, "Content-Type", "application/json")
				d.wantProblem(name+" "+body, r, 400, "invalid_json")
			}
			d.wantProblem(name+" as text", d.asAdmin(route.method, path, "{}", "Content-Type", "text/plain"), 415, "unsupported_media_type")
			if route.method == "POST" {
				d.wantProblem(name+" as a patch", d.asAdmin("POST", path, "{}", "Content-Type", "application/merge-patch+json"), 415, "unsupported_media_type")
			}
			d.wantProblem(name+" too large", d.asAdmin(route.method, path, `{"name":"`+strings.Repeat("a", 64<<10)+`"}`), 413, "payload_too_large")
		}
		// What is fixed at birth is no member of a patch.
		for _, body := range []string{`{"client_id":"x"}`, `{"public_key":"x"}`, `{"client_secret":"a secret of sixteen"}`} {
			r := d.asAdmin("PATCH", "/api/clients/place", body)
			d.wantStatus(body, r, 422)
		}
		d.wantProblem("another hash", d.asAdmin("PATCH", place.Replace("/api/users/{id}"), `{"password_hash":"x"}`), 422, "invalid_request", fault{"password_hash", "unknown"})
		d.wantProblem("another audience", d.asAdmin("PATCH", place.Replace("/api/audiences/{id}"), `{"audience":"x"}`), 422, "invalid_request", fault{"audience", "unknown"})
		d.wantProblem("password and hash", d.asAdmin("POST", "/api/users", `{"username":"u","password":"a long password","password_hash":"x"}`), 422, "invalid_request", fault{"password_hash", "invalid_value"})
	})
}

func over2(members map[string]string, more ...string) map[string]string {
	all := map[string]string{}
	for name, kind := range members {
		all[name] = kind
	}
	for i := 0; i+1 < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// wantFaultAmong expects a fault and these others, in any order.
func (d *desk) wantFaultAmong(what string, r identitytest.Response, want fault, others []fault) {
	d.Helper()
	if r.Status != 422 {
		d.Errorf("%s: status %d, want 422: %s", what, r.Status, r.Body)
		return
	}
	got := map[fault]bool{}
	problem := d.Object(r)
	items, _ := problem["errors"].([]any)
	for _, item := range items {
		e, _ := item.(map[string]any)
		loc := texts(e["loc"])
		kind, _ := e["type"].(string)
		got[fault{strings.Join(loc[1:], "."), kind}] = true
	}
	for _, f := range append([]fault{want}, others...) {
		if !got[f] {
			d.Errorf("%s: no fault %v: %s", what, f, r.Body)
		}
	}
	if len(got) != len(others)+1 {
		d.Errorf("%s: %d faults, want %d: %s", what, len(got), len(others)+1, r.Body)
	}
}

func TestMetadataBounds(t *testing.T) {
	d := newDesk(t)
	for _, path := range []string{d.user("u", nil), d.client("c", nil)} {
		fits := `{"metadata":{"a":"` + strings.Repeat("x", 4096-len(`{"a":""}`)) + `"}}`
		d.wantUnchanged("too large", func() {
			d.wantProblem("4097 bytes", d.asAdmin("PATCH", path, strings.Replace(fits, "xx", "xxx", 1)), 422, "invalid_request", fault{"metadata", "invalid_value"})
			for _, depth := range []int{17, 6000} {
				deep := strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
				d.wantProblem("too deep", d.asAdmin("PATCH", path, `{"metadata":`+deep+"}"), 400, "invalid_json")
			}
			d.wantProblem("lists too deep", d.asAdmin("PATCH", path, `{"metadata":{"a":`+strings.Repeat("[", 30000)+strings.Repeat("]", 30000)+"}}"), 400, "invalid_json")
			d.wantProblem("a name twice", d.asAdmin("PATCH", path, `{"metadata":{"a":1,"a":2}}`), 400, "invalid_json")
		})
		d.wantStatus("4096 bytes", d.asAdmin("PATCH", path, fits), 200)
		d.wantUnchanged("one more", func() {
			d.wantProblem("one more member", d.asAdmin("PATCH", path, `{"metadata":{"b":1}}`), 422, "invalid_request", fault{"metadata", "invalid_value"})
		})
		d.wantStatus("replaced", d.asAdmin("PATCH", path, `{"metadata":{"a":null,"n":12345678901234567890,"h":"<&>","":{"":null}}}`), 200)
		r := d.asAdmin("GET", path, "")
		if !strings.Contains(string(r.Body), "12345678901234567890") {
			t.Errorf("a number changed: %s", r.Body)
		}
		m, _ := d.Object(r)["metadata"].(map[string]any)
		if m["h"] != "<&>" || len(m) != 3 {
			t.Errorf("metadata %v", m)
		}
	}
}
