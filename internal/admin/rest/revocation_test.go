package rest_test

import (
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// A token that was issued before its subject's proofs changed, or before the subject was
// disabled, administers nothing any more; a new one does.
func TestFormerTokensDoNotAdminister(t *testing.T) {
	d := newDesk(t)
	user := d.user("ann", map[string]any{"permissions": list("identity:users:read")})
	key := d.Key(jose.ES256)
	client := d.client("m", map[string]any{
		"client_secret": "the one that was chosen", "public_key": key.Public().PEM(), "require": list("secret"), "permissions": list("identity:users:read"),
	})
	password := goodPassword
	ann := func() string { return d.Login("ann", password, "") }
	machine := func() string {
		return d.Token(d.Issuer, map[string]string{"client_id": "m", "client_secret": "the one that was chosen"})
	}
	for _, step := range []struct {
		name   string
		login  func() string
		change func()
	}{
		{"an administrator sets the password", ann, func() {
			password = "what an administrator chose"
			d.wantStatus("setting", d.asAdmin("PATCH", user, object(map[string]any{"password": password})), 200)
		}},
		{"the user sets the password", ann, func() {
			former := password
			password = "what the user chose then"
			r := d.Post("/auth/password", map[string]string{"username": "ann", "password": former, "new_password": password})
			d.wantStatus("setting", r, 204)
		}},
		{"the user is disabled, and enabled again", ann, func() {
			d.wantStatus("disabling", d.asAdmin("PATCH", user, `{"enabled":false}`), 200)
			d.wantStatus("enabling", d.asAdmin("PATCH", user, `{"enabled":true}`), 200)
		}},
		{"the client is disabled, and enabled again", machine, func() {
			d.wantStatus("disabling", d.asAdmin("PATCH", client, `{"enabled":false}`), 200)
			d.wantStatus("enabling", d.asAdmin("PATCH", client, `{"enabled":true}`), 200)
		}},
		{"a live secret is deleted", machine, func() {
			made := d.Object(d.asAdmin("POST", client+"/secrets", "{}"))
			id, _ := made["id"].(string)
			d.wantStatus("deleting", d.asAdmin("DELETE", client+"/secrets/"+id, ""), 204)
		}},
		{"a key is deleted, by its thumbprint", machine, func() {
			d.wantStatus("deleting", d.asAdmin("DELETE", client+"/keys/"+key.Public().KID(), ""), 204)
		}},
	} {
		former := step.login()
		get := func(token string) int { return d.Do("GET", "/api/users", "", "Authorization", "Bearer "+token).Status }
		if got := get(former); got != 200 {
			t.Fatalf("%s: before: status %d", step.name, got)
		}
		d.Clock.Move(time.Second)
		step.change()
		if got := get(former); got != 401 {
			t.Errorf("%s: the former token: status %d", step.name, got)
		}
		if got := get(step.login()); got != 200 {
			t.Errorf("%s: a new token: status %d", step.name, got)
		}
		d.Clock.Move(time.Second)
	}
	// What changes no proof leaves the tokens alone.
	former := ann()
	d.Clock.Move(2 * time.Second)
	d.wantStatus("renaming", d.asAdmin("PATCH", user, `{"metadata":{"a":1},"username":"anna"}`), 200)
	if got := d.Do("GET", "/api/users", "", "Authorization", "Bearer "+former).Status; got != 200 {
		t.Errorf("after another name: status %d", got)
	}
}
