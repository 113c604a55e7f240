package rest_test

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

const canary = "canary-do-not-show-me"

func TestUserFromBirthToDeath(t *testing.T) {
	d := newDesk(t)
	r := d.asAdmin("POST", "/api/users", `{"username":"Ａlice","password":"`+canary+`","permissions":["b","a","b"],"audiences":["y","x"],"metadata":{"a":{"b":1,"c":null}},"one_time":false}`)
	d.wantStatus("making", r, 201)
	made := d.Object(r)
	id, _ := made["id"].(string)
	now := d.Clock.Now().Format("2006-01-02T15:04:05.999Z07:00")
	want := map[string]any{
		"id": id, "username": "alice", "enabled": true, "permissions": []any{"a", "b"}, "roles": []any{}, "audiences": []any{"x", "y"},
		"metadata": map[string]any{"a": map[string]any{"b": 1.0}}, "one_time": false, "created_at": now, "updated_at": now, "last_login_at": nil,
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("made (-want +got)\n%s", diff)
	}
	path := "/api/users/" + id
	if diff := cmp.Diff(want, d.get(path)); diff != "" {
		t.Errorf("read (-want +got)\n%s", diff)
	}
	d.Login("ALICE", canary, "x")

	// Lists are replaced whole, metadata merged, and nothing else changes.
	d.Clock.Move(time.Minute)
	later := d.Clock.Now().Format("2006-01-02T15:04:05.999Z07:00")
	d.role("reader", "orders:read")
	for _, step := range []struct {
		body string
		set  map[string]any
	}{
		{`{}`, nil},
		{`{"permissions":["c"]}`, map[string]any{"permissions": []any{"c"}}},
		{`{"permissions":[],"audiences":["*"]}`, map[string]any{"permissions": []any{}, "audiences": []any{"*"}}},
		{`{"audiences":[],"roles":["reader"]}`, map[string]any{"audiences": []any{}, "roles": []any{"reader"}}},
		{`{"metadata":{"a":{"d":[1,null]},"e":"f"}}`, map[string]any{"metadata": map[string]any{"a": map[string]any{"b": 1.0, "d": []any{1.0, nil}}, "e": "f"}}},
		{`{"metadata":{"a":null}}`, map[string]any{"metadata": map[string]any{"e": "f"}}},
		{`{"metadata":{"e":{"x":null,"y":1}}}`, map[string]any{"metadata": map[string]any{"e": map[string]any{"y": 1.0}}}},
		{`{"metadata":{}}`, nil},
		{`{"username":"ALICIA","enabled":false,"one_time":true,"roles":[]}`, map[string]any{"username": "alicia", "enabled": false, "one_time": true, "roles": []any{}}},
	} {
		r := d.asAdmin("PATCH", path, step.body, "Content-Type", "application/merge-patch+json")
		d.wantStatus(step.body, r, 200)
		want = over(maps.Clone(want), over(map[string]any{"updated_at": later}, step.set))
		if step.set["username"] == nil {
			want["last_login_at"] = d.get(path)["last_login_at"] // comes late
			got := d.Object(r)
			got["last_login_at"] = want["last_login_at"]
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", step.body, diff)
			}
			continue
		}
		want["last_login_at"] = d.get(path)["last_login_at"]
		if diff := cmp.Diff(want, d.get(path)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", step.body, diff)
		}
	}
	d.wantStatus("deleting", d.asAdmin("DELETE", path, ""), 204)
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		body := map[string]string{"PATCH": "{}"}[method]
		d.wantProblem(method+" after deletion", d.asAdmin(method, path, body), 404, "not_found")
	}
	d.wantStatus("the name is free again", d.asAdmin("POST", "/api/users", `{"username":"alice","password":"a long password"}`), 201)
	d.WantNoCanary(canary)
}

func TestTwinsAndOneNamespace(t *testing.T) {
	d := newDesk(t)
	jose := d.user("jos\u00e9", nil)
	other := d.user("other", nil)
	gone := d.user("gone", nil)
	client := d.client("machine", nil)
	d.client("dead", nil)
	d.role("reader")
	d.made("/api/audiences", map[string]any{"audience": "orders", "name": "x"})
	d.wantStatus("deleting", d.asAdmin("DELETE", gone, ""), 204)
	d.wantStatus("deleting", d.asAdmin("DELETE", "/api/clients/dead", ""), 204)
	d.wantUnchanged("twins", func() {
		for _, twin := range []string{"jos\u00e9", "JOS\u00c9", "Jose\u0301", "\uff4aos\u00e9", "ADMIN", "\uff41dmin"} {
			d.wantProblem("user "+twin, d.asAdmin("POST", "/api/users", object(map[string]any{"username": twin, "password": goodPassword})), 409, "conflict")
			d.wantProblem("renaming to "+twin, d.asAdmin("PATCH", other, object(map[string]any{"username": twin})), 409, "conflict")
		}
		// RFC 8265: what NFKC alone would make a twin, PRECIS refuses.
		for _, name := range []string{"\u2110os\u00e9", "jo\u017f\u00e9", "adm\u2071n", "a b", "a\u200bb", " admin", "admin ", "\ufb01x", ""} {
			d.wantProblem("user "+name, d.asAdmin("POST", "/api/users", object(map[string]any{"username": name, "password": goodPassword})),
				422, "invalid_request", fault{"username", "invalid_value"})
		}
		for _, id := range []string{"machine", "dead", last(jose), last(gone)} {
			d.wantProblem("client "+id, d.asAdmin("POST", "/api/clients", object(map[string]any{"client_id": id, "name": "x"})), 409, "conflict")
		}
		d.wantProblem("role", d.asAdmin("POST", "/api/roles", `{"name":"reader","permissions":[]}`), 409, "conflict")
		d.wantProblem("audience", d.asAdmin("POST", "/api/audiences", `{"audience":"orders","name":"y"}`), 409, "conflict")
		// A resource is found under its own kind only.
		d.wantProblem("user as client", d.asAdmin("GET", "/api/clients/"+last(jose), ""), 404, "not_found")
		d.wantProblem("client as user", d.asAdmin("GET", "/api/users/"+last(client), ""), 404, "not_found")
		for _, method := range []string{"PATCH", "DELETE"} {
			body := map[string]string{"PATCH": "{}"}[method]
			d.wantProblem("user as client", d.asAdmin(method, "/api/clients/"+last(jose), body), 404, "not_found")
			d.wantProblem("client as user", d.asAdmin(method, "/api/users/machine", body), 404, "not_found")
		}
	})
	d.wantStatus("its own name", d.asAdmin("PATCH", jose, `{"username":"JOSÉ"}`), 200)
}

// together sends n requests at once and returns how many had each status.
func (d *desk) together(n int, send func(i int) identitytest.Response) map[int]int {
	var mu sync.Mutex
	var done sync.WaitGroup
	start, statuses := make(chan struct{}), map[int]int{}
	for i := range n {
		done.Go(func() {
			<-start
			r := send(i)
			mu.Lock()
			defer mu.Unlock()
			statuses[r.Status]++
		})
	}
	close(start)
	done.Wait()
	return statuses
}

func TestParallelCreates(t *testing.T) {
	d := newDesk(t)
	for _, tc := range []attempt{
		{"users", "POST", "/api/users", `{"username":"same","password":"a long password"}`},
		{"clients", "POST", "/api/clients", `{"client_id":"same","name":"x"}`},
		{"roles", "POST", "/api/roles", `{"name":"same","permissions":[]}`},
		{"audiences", "POST", "/api/audiences", `{"audience":"same","name":"x"}`},
	} {
		got := d.together(8, func(int) identitytest.Response { return d.asAdmin(tc.method, tc.path, tc.body) })
		if got[201] != 1 || got[409] != 7 {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func TestLastAdministratorStays(t *testing.T) {
	d := newDesk(t)
	users, _ := d.Object(d.asAdmin("GET", "/api/users", ""))["data"].([]any)
	me := "/api/users/" + users[0].(map[string]any)["id"].(string)
	d.user("off", map[string]any{"permissions": []string{"identity:admin"}, "enabled": false})
	d.client("machine", map[string]any{"permissions": []string{"identity:admin"}}) // no person
	ways := []attempt{
		{"disabling", "PATCH", me, `{"enabled":false}`},
		{"taking the permission", "PATCH", me, `{"permissions":[]}`},
		{"taking it for all others", "PATCH", me, object(map[string]any{"permissions": ownPermissions()[1:]})},
		{"deleting", "DELETE", me, ""},
	}
	refused := func(ways ...attempt) {
		t.Helper()
		d.wantUnchanged("last administrator", func() {
			for _, a := range ways {
				d.wantProblem(a.name, d.asAdmin(a.method, a.path, a.body), 409, "conflict")
			}
		})
	}
	refused(ways...)
	// By a role alone.
	role := d.role("root", "identity:admin", "a")
	d.wantStatus("by a role", d.asAdmin("PATCH", me, `{"permissions":[],"roles":["root"]}`), 200)
	refused(append(ways[:1:1], ways[3], attempt{"taking the role", "PATCH", me, `{"roles":[]}`}, attempt{"emptying the role", "PATCH", role, `{"permissions":["a"]}`},
		attempt{"deleting the role", "DELETE", role, ""})...)
	d.wantStatus("renaming the role", d.asAdmin("PATCH", role, `{"name":"boss"}`), 200)
	// Two roles: either can go, not both.
	second := d.role("second", "identity:admin")
	d.wantStatus("by two roles", d.asAdmin("PATCH", me, `{"roles":["boss","second"]}`), 200)
	d.wantStatus("one goes", d.asAdmin("DELETE", role, ""), 204)
	refused(attempt{"deleting the second role", "DELETE", second, ""})
	// With another administrator all of it goes.
	d.user("another", map[string]any{"permissions": []string{"identity:admin"}})
	d.wantStatus("the last role goes", d.asAdmin("DELETE", second, ""), 204)
}

func TestAdministratorsRemoveEachOther(t *testing.T) {
	for _, how := range []attempt{{method: "DELETE"}, {method: "PATCH", body: `{"enabled":false}`}, {method: "PATCH", body: `{"permissions":[]}`}} {
		d := newDesk(t)
		users, _ := d.Object(d.asAdmin("GET", "/api/users", ""))["data"].([]any)
		first := users[0].(map[string]any)["id"].(string)
		const n = 6
		paths, tokens := []string{"/api/users/" + first}, []string{d.bearer}
		for i := 1; i < n; i++ {
			name := fmt.Sprintf("admin%d", i)
			paths = append(paths, d.user(name, map[string]any{"permissions": []string{"identity:admin"}}))
			tokens = append(tokens, d.Login(name, goodPassword, ""))
		}
		d.together(n, func(i int) identitytest.Response { return d.call(tokens[i], how.method, paths[(i+1)%n], how.body) })
		left := 0
		for _, token := range tokens {
			if d.call(token, "GET", "/api/users", "").Status == 200 {
				left++
			}
		}
		if left == 0 {
			t.Errorf("%s %s: nobody administers", how.method, how.body)
		}
	}
}

func TestRefusedPasswords(t *testing.T) {
	d := newDesk(t)
	path := d.user("quixotic-name", nil)
	for _, bad := range []string{"", "Zx7!qPm", "password123", "PASSWORD1", "quixotic-name", "QUIXOTIC-NAME", "\uff51uixotic-name", strings.Repeat("Zx7!qPmw", 129)} {
		d.Log.Reset()
		d.wantUnchanged(bad, func() {
			for _, a := range []attempt{
				{"making", "POST", "/api/users", object(map[string]any{"username": "quixotic-name", "password": bad})},
				{"changing", "PATCH", path, object(map[string]any{"password": bad})},
				{"changing name and password", "PATCH", path, object(map[string]any{"username": "Quixotic-Name", "password": bad})},
			} {
				r := d.asAdmin(a.method, a.path, a.body)
				d.wantProblem(a.name+" "+bad, r, 422, "invalid_request", fault{"password", "invalid_value"})
				if bad != "" && !strings.EqualFold(bad, "quixotic-name") {
					d.WantNoCanary(bad, r)
				}
			}
		})
	}
	d.wantStatus("eight characters", d.asAdmin("PATCH", path, `{"password":"Zx7!qPmw"}`), 200)
	d.wantProblem("name to equal the password sent along", d.asAdmin("PATCH", path, `{"username":"zx7-qpmw","password":"ZX7-QPMW"}`), 422, "invalid_request", fault{"password", "invalid_value"})
}
