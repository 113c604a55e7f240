package identitytest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// onceDesk sends requests with an Idempotency-Key.
type onceDesk struct {
	*testing.T
	*identitytest.Service
	admin string
}

func newOnceDesk(t *testing.T, database store.Config) *onceDesk {
	s := identitytest.New(t, identitytest.Options{Database: database})
	return &onceDesk{t, s, s.AdminToken()}
}

func (d *onceDesk) post(path, body, key string) identitytest.Response {
	return d.on(d.Service, d.admin, path, body, key)
}

func (d *onceDesk) on(node *identitytest.Service, bearer, path, body, key string) identitytest.Response {
	return node.Do("POST", path, body, "Authorization", "Bearer "+bearer, "Idempotency-Key", key)
}

func (d *onceDesk) want(what string, r identitytest.Response, status int, replayed bool) map[string]any {
	d.Helper()
	if r.Status != status || (r.Header.Get("Idempotency-Replayed") == "true") != replayed {
		d.Errorf("%s: %d, replayed %q, want %d, %v: %s", what, r.Status, r.Header.Get("Idempotency-Replayed"), status, replayed, r.Body)
	}
	return d.Object(r)
}

// members are those of an answer that tell what was made, without its secret.
func members(object map[string]any) string {
	delete(object, "client_secret")
	delete(object, "request_id")
	text, _ := json.Marshal(object)
	return string(text)
}

// Everything that can be made is made once under a key: the answer comes again from every
// node, without the secret, and nothing more is made or recorded.
func TestOnce(t *testing.T) {
	onDatabases(t, func(t *testing.T, database store.Config) {
		d := newOnceDesk(t, database)
		d.AddClient(admin.NewClient{ID: "robot", Name: "Robot"})
		other := d.Another()
		key := d.Key(jose.ES256).Public()
		public, err := json.Marshal(key)
		if err != nil {
			t.Fatal(err)
		}
		for path, body := range map[string]string{
			"/api/users": `{"username":"ann","password":"a long enough password"}`, "/api/clients": `{"name":"Made"}`, "/api/clients/robot/secrets": `{"label":"next"}`,
			"/api/clients/robot/keys": fmt.Sprintf(`{"public_key":%s}`, public), "/api/roles": `{"name":"r","permissions":["p"]}`, "/api/audiences": `{"audience":"a","name":"A"}`,
			"/api/keys": `{"algorithm":"ES384"}`,
		} {
			first := d.want(path, d.post(path, body, `"the key"`), 201, false)
			if _, secret := first["client_secret"]; secret != (path == "/api/clients" || path == "/api/clients/robot/secrets") {
				t.Errorf("%s: %v", path, first)
			}
			before := d.Tables("throttles")
			for i, node := range []*identitytest.Service{d.Service, other} {
				again := d.want(fmt.Sprint(path, " again, node ", i), d.on(node, d.admin, path, body, `"the key"`), 201, true)
				if _, secret := again["client_secret"]; secret || members(again) != members(first) {
					t.Errorf("%s: at first %s, again %s", path, members(first), members(again))
				}
			}
			d.want(path+" with another body", d.post(path, body+" ", `"the key"`), 422, false)
			for table, digest := range d.Tables("throttles") {
				if before[table] != digest {
					t.Errorf("%s: asked again, it changes %s", path, table)
				}
			}
		}
	})
}

// Of many at once, on two nodes, one makes it; the others are told what it is, or to ask
// again.
func TestOnceAmongMany(t *testing.T) {
	onDatabases(t, func(t *testing.T, database store.Config) {
		d := newOnceDesk(t, database)
		other := d.Another()
		const many = 40
		ids := make([]string, many)
		var wait sync.WaitGroup
		for i := range many {
			wait.Go(func() {
				node := d.Service
				if i%2 == 1 {
					node = other
				}
				for begun := time.Now(); time.Since(begun) < 30*time.Second; {
					r := d.on(node, d.admin, "/api/clients", `{"name":"One"}`, "of-many")
					if r.Status == http.StatusConflict || r.Status == http.StatusServiceUnavailable {
						continue
					}
					ids[i], _ = d.Object(r)["client_id"].(string)
					return
				}
			})
		}
		wait.Wait()
		for i := range ids {
			if ids[i] == "" || ids[i] != ids[0] {
				t.Fatalf("request %d has %q, and the first %q", i, ids[i], ids[0])
			}
		}
		if n := d.Rows("clients"); n != 1 {
			t.Errorf("%d clients were made", n)
		}
	})
}

// A key is one caller's, on one route, for a day; what fails is not remembered, and what is
// gone is not made again.
func TestWhoseKeyAndForHowLong(t *testing.T) {
	d := newOnceDesk(t, store.Config{})
	disabled := d.AddUser("bob", "a long enough password", identity.PermissionRolesWrite)
	bob := d.Login("bob", "a long enough password", "")
	one := d.want("one", d.post("/api/roles", `{"name":"one","permissions":[]}`, "k"), 201, false)
	d.want("somebody else", d.on(d.Service, bob, "/api/roles", `{"name":"two","permissions":[]}`, "k"), 201, false)
	if theirs := d.want("somebody else again", d.on(d.Service, bob, "/api/roles", `{"name":"two","permissions":[]}`, "k"), 201, true); theirs["name"] != "two" {
		t.Errorf("whoever may not read roles: %v", theirs)
	}
	d.want("another route", d.post("/api/audiences", `{"audience":"a","name":"A"}`, "k"), 201, false)
	d.want("the name is taken", d.post("/api/roles", `{"name":"two","permissions":[]}`, "failing"), 409, false)
	d.want("the same key, since nothing was done", d.post("/api/roles", `{"name":"three","permissions":[]}`, "failing"), 201, false)
	if r := d.Do("PATCH", "/api/roles/"+one["id"].(string), `{"permissions":["p"]}`, "Authorization", "Bearer "+d.admin); r.Status != 200 {
		t.Fatal(r.Status)
	}
	if now := d.want("as it is now", d.post("/api/roles", `{"name":"one","permissions":[]}`, "k"), 201, true); fmt.Sprint(now["permissions"]) != "[p]" {
		t.Errorf("as it is now: %v", now)
	}
	if r := d.Do("DELETE", "/api/roles/"+one["id"].(string), "", "Authorization", "Bearer "+d.admin); r.Status != 204 {
		t.Fatal(r.Status)
	}
	d.want("what is gone", d.post("/api/roles", `{"name":"one","permissions":[]}`, "k"), 409, true)
	d.want("without a permission", d.on(d.Service, bob, "/api/users", `{"username":"x","password":"a long enough password"}`, "k"), 403, false)
	d.DisableUser(disabled.ID)
	if r := d.on(d.Service, bob, "/api/roles", `{"name":"two","permissions":[]}`, "k"); r.Status != 401 {
		t.Errorf("who was disabled: %d", r.Status)
	}
	d.Clock.Move(24*time.Hour - time.Second)
	d.admin = d.AdminToken()
	d.want("within a day", d.post("/api/audiences", `{"audience":"a","name":"A"}`, "k"), 201, true)
	d.Clock.Move(2 * time.Second)
	d.want("after a day", d.post("/api/roles", `{"name":"after","permissions":[]}`, "k"), 201, false)
	d.Clock.Move(25 * time.Hour)
	d.Upkeep(t.Context())
	if n := d.Rows("idempotency_keys"); n != 0 {
		t.Errorf("%d are remembered for longer than a day", n)
	}
	d.admin = d.AdminToken()
	for _, bad := range []string{"", `""`, `"a`, `"a"b`, `a b`, `"\x"`, `a"b`, "ü", strings.Repeat("x", 256), `a, b`, `"a";p=1`} {
		d.want(fmt.Sprintf("the key %q", bad), d.post("/api/roles", `{"name":"never","permissions":[]}`, bad), 422, false)
	}
	d.want("quoted", d.post("/api/roles", `{"name":"quoted","permissions":[]}`, `"a\"b\\"`), 201, false)
	d.want("as long as can be", d.post("/api/roles", `{"name":"long","permissions":[]}`, strings.Repeat("x", 255)), 201, false)
	d.want("bare", d.post("/api/roles", `{"name":"same","permissions":[]}`, "same"), 201, false)
	d.want("the same in quotes", d.post("/api/roles", `{"name":"same","permissions":[]}`, `"same"`), 201, true)
	if r := d.Get("/api/roles", "Authorization", "Bearer "+d.admin, "Idempotency-Key", ""); r.Status != 200 {
		t.Errorf("a GET looks at it: %d", r.Status)
	}
}

// Wherever the database is cut, the thing and its key are both there or neither is, and the
// request can come again. Nothing that was sent is stored with the key.
func TestOnceIsCutAnywhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.db")
	d := newOnceDesk(t, store.Config{Path: path})
	failpoints := newCuts(t, path, "idempotency_keys", "clients", "client_secrets", "principals", "audit_events", "changes", "revision")
	const body = `{"name":"Cut","client_id":"cut"}`
	cut := 0
	for n := 1; ; n++ {
		before := d.Tables("cuts", "throttles")
		failpoints.at(t, n)
		r := d.post("/api/clients", body, "a-key-that-nobody-knows")
		failpoints.at(t, 0)
		if r.Status == http.StatusCreated {
			break
		}
		cut++
		for table, digest := range d.Tables("cuts", "throttles") {
			if before[table] != digest {
				t.Fatalf("cut at write %d: %s has changed", n, table)
			}
		}
	}
	if cut < 6 {
		t.Errorf("it was cut at %d writes only", cut)
	}
	d.want("again", d.post("/api/clients", body, "a-key-that-nobody-knows"), 201, true)
	var f identitytest.Finder
	f.Add("the key", "a-key-that-nobody-knows")
	for _, found := range f.Find(d.Dump()) {
		t.Errorf("stored: %s", found)
	}
}
