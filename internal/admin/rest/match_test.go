package rest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// Every resource carries an entity tag that changes with it, and honours If-Match.
func TestResourcesMatch(t *testing.T) {
	d := newDesk(t)
	for _, tc := range []struct {
		path, change string
		created      identitytest.Response
	}{
		{"/api/users/", `{"enabled":false}`, d.asAdmin("POST", "/api/users", `{"username":"u","password":"a long password"}`)},
		{"/api/clients/", `{"name":"x"}`, d.asAdmin("POST", "/api/clients", `{"client_id":"m","name":"m"}`)},
		{"/api/roles/", `{"name":"x"}`, d.asAdmin("POST", "/api/roles", `{"name":"r","permissions":[]}`)},
		{"/api/audiences/", `{"name":"x"}`, d.asAdmin("POST", "/api/audiences", `{"audience":"a","name":"a"}`)},
	} {
		o := d.Object(tc.created)
		id, _ := o["id"].(string)
		if id == "" {
			id, _ = o["client_id"].(string)
		}
		path, born := tc.path+id, tc.created.Header.Get("ETag")
		if born == "" || d.asAdmin("GET", path, "").Header.Get("ETag") != born {
			t.Errorf("%s: ETag %q at birth, then %q", path, born, d.asAdmin("GET", path, "").Header.Get("ETag"))
		}
		d.Clock.Move(time.Second)
		r := d.asAdmin("PATCH", path, tc.change, "If-Match", born)
		d.wantStatus("with the tag", r, 200)
		tag := r.Header.Get("ETag")
		if got := d.asAdmin("GET", path, "").Header.Get("ETag"); got != tag || tag == born {
			t.Errorf("%s: ETag %q after a change of %q, read as %q", path, tag, born, got)
		}
		if now := d.Object(r); now["updated_at"] == now["created_at"] || now["created_at"] != o["created_at"] {
			t.Errorf("%s: created at %v, updated at %v", path, now["created_at"], now["updated_at"])
		}
		d.wantUnchanged("stale", func() {
			for _, stale := range []string{born, "W/" + tag, "W/" + born, `"0"`, `"x", "y"`, "x", tag + "x", "", `"`, tag[1 : len(tag)-1], tag + `, x`, `"*"`} {
				for _, a := range []attempt{{"PATCH", "PATCH", path, tc.change}, {"PATCH nothing", "PATCH", path, "{}"}, {"DELETE", "DELETE", path, ""}} {
					d.wantProblem(a.name+" "+path+" if "+stale, d.asAdmin(a.method, a.path, a.body, "If-Match", stale), 412, "precondition_failed")
				}
			}
			for _, bad := range []string{`{"name":""}`, `{"username":"","metadata":{"a":"` + strings.Repeat("x", 5000) + `"}}`} {
				if r := d.asAdmin("PATCH", path, bad, "If-Match", born); r.Status != 422 {
					t.Errorf("%s: bad and stale: status %d", path, r.Status)
				}
			}
			d.wantProblem("stale, of nothing", d.asAdmin("DELETE", tc.path+"nobody", "", "If-Match", born), 404, "not_found")
		})
		d.wantStatus("if any", d.asAdmin("PATCH", path, "{}", "If-Match", "*"), 200)
		among := `"other" , ` + d.asAdmin("GET", path, "").Header.Get("ETag")
		d.wantStatus("if "+among, d.asAdmin("PATCH", path, "{}", "If-Match", among), 200)
		current := d.asAdmin("GET", path, "").Header.Get("ETag")
		got := d.together(6, func(int) identitytest.Response { return d.asAdmin("PATCH", path, tc.change, "If-Match", current) })
		if got[200] != 1 || got[412] != 5 {
			t.Errorf("%s: six changes of one state: %v", path, got)
		}
		d.wantStatus("deleting", d.asAdmin("DELETE", path, "", "If-Match", d.asAdmin("GET", path, "").Header.Get("ETag")), 204)
		d.wantProblem("deleting again", d.asAdmin("DELETE", path, "", "If-Match", "*"), 404, "not_found")
	}
}

// A client's credentials are part of it and of its entity tag.
func TestCredentialsMatch(t *testing.T) {
	d := newDesk(t)
	path := d.client("m", map[string]any{"public_key": d.Key(jose.ES256).Public().PEM(), "client_secret": "a secret that was chosen"})
	former := d.asAdmin("GET", path, "").Header.Get("ETag")
	key := object(map[string]any{"public_key": d.Key(jose.ES256).Public().PEM()})
	d.wantStatus("a secret", d.asAdmin("POST", path+"/secrets", "{}", "If-Match", former), 201)
	tag := d.asAdmin("GET", path, "").Header.Get("ETag")
	if tag == former {
		t.Error("another secret, the same entity tag")
	}
	d.wantStatus("a key", d.asAdmin("POST", path+"/keys", key, "If-Match", tag), 201)
	c := d.get(path)
	tag = d.asAdmin("GET", path, "").Header.Get("ETag")
	for _, list := range []string{"/secrets", "/keys"} {
		if got := d.asAdmin("GET", path+list, "").Header.Get("ETag"); got != tag {
			t.Errorf("%s: ETag %q, want the client's %q", list, got, tag)
		}
	}
	d.wantUnchanged("stale", func() {
		for _, stale := range []string{former, "W/" + tag, "x"} {
			for _, a := range []attempt{
				{"a secret", "POST", path + "/secrets", "{}"},
				{"a key", "POST", path + "/keys", object(map[string]any{"public_key": d.Key(jose.ES256).Public().PEM()})},
				{"deleting a secret", "DELETE", path + "/secrets/" + first(c["secrets"]), ""},
				{"deleting a key", "DELETE", path + "/keys/" + first(c["keys"]), ""},
			} {
				d.wantProblem(a.name+" if "+stale, d.asAdmin(a.method, a.path, a.body, "If-Match", stale), 412, "precondition_failed")
			}
		}
	})
	d.wantStatus("deleting a secret", d.asAdmin("DELETE", path+"/secrets/"+first(c["secrets"]), "", "If-Match", tag), 204)
	d.wantStatus("deleting a key", d.asAdmin("DELETE", path+"/keys/"+first(c["keys"]), "", "If-Match", "*"), 204)
}
