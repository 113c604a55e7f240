package rest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// Whatever a principal holds, directly and by roles, fits into a token: nobody is
// locked out by being given too much.
func TestHoldingsFitIntoToken(t *testing.T) {
	d := newDesk(t)
	fat := func(name string) []string {
		var permissions []string
		for i := range 30 {
			permissions = append(permissions, fmt.Sprintf("%s-%02d-%s", name, i, strings.Repeat("x", 100)))
		}
		return permissions
	}
	first, _, slim := d.role("first", fat("first")...), d.role("second", fat("second")...), d.role("slim", "a")
	user := d.user("u", map[string]any{"roles": list("first", "slim")})
	client := d.client("m", map[string]any{"client_secret": "the one that was chosen", "roles": list("first", "slim")})
	d.wantUnchanged("too much", func() {
		for _, a := range []struct{ method, path, body string }{
			{"POST", "/api/users", object(map[string]any{"username": "v", "password": goodPassword, "roles": list("first", "second"), "permissions": fat("direct")})},
			{"POST", "/api/clients", object(map[string]any{"name": "v", "roles": list("first", "second"), "permissions": fat("direct")})},
			{"PATCH", user, object(map[string]any{"roles": list("first", "second", "slim"), "permissions": fat("direct")})},
			{"PATCH", client, object(map[string]any{"roles": list("first", "second", "slim"), "permissions": fat("direct")})},
		} {
			d.wantProblem(a.method+" "+a.path, d.asAdmin(a.method, a.path, a.body), 422, "invalid_request", fault{"roles", "invalid_value"})
		}
	})
	d.wantStatus("direct too", d.asAdmin("PATCH", user, object(map[string]any{"permissions": fat("direct")})), 200)
	d.wantUnchanged("a role grows", func() {
		d.wantProblem("a role grows", d.asAdmin("PATCH", slim, object(map[string]any{"permissions": fat("slim")})), 409, "conflict")
	})
	d.wantStatus("a role shrinks", d.asAdmin("PATCH", first, object(map[string]any{"permissions": fat("first")[:15]})), 200)
	d.wantStatus("then another grows", d.asAdmin("PATCH", slim, object(map[string]any{"permissions": fat("slim")[:15]})), 200)
	d.Login("u", goodPassword, "a")
	d.Token("a", map[string]string{"client_id": "m", "client_secret": "the one that was chosen"})
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprint("role-", i)
	}
	d.wantProblem("many roles", d.asAdmin("PATCH", user, object(map[string]any{"roles": many})), 422, "invalid_request", fault{"roles", "invalid_value"})
	d.wantProblem("many audiences", d.asAdmin("PATCH", user, object(map[string]any{"audiences": list(strings.Repeat("a", 255), strings.Repeat("b", 255), strings.Repeat("c", 255),
		strings.Repeat("d", 255), strings.Repeat("e", 255), strings.Repeat("f", 255), strings.Repeat("g", 255), strings.Repeat("h", 255), strings.Repeat("i", 255), strings.Repeat("j", 255),
		strings.Repeat("k", 255), strings.Repeat("l", 255), strings.Repeat("m", 255), strings.Repeat("n", 255), strings.Repeat("o", 255), strings.Repeat("p", 255), strings.Repeat("q", 255))})),
		422, "invalid_request", fault{"audiences", "invalid_value"})
}

// A client whose secret has expired can still be disabled and put in order.
func TestClientWhoseSecretExpired(t *testing.T) {
	d := newDesk(t)
	path := d.client("m", map[string]any{"public_key": d.Key("ES256").Public().PEM()})
	at := d.Clock.Now().Add(time.Minute).Format(time.RFC3339)
	made := d.Object(d.asAdmin("POST", path+"/secrets", object(map[string]any{"expires_at": at})))
	d.wantStatus("requiring it", d.asAdmin("PATCH", path, `{"require":["secret"]}`), 200)
	d.Clock.Move(2 * time.Minute)
	d.wantStatus("deleting it", d.asAdmin("DELETE", path+"/secrets/"+fmt.Sprint(made["id"]), ""), 204)
	d.wantStatus("disabling", d.asAdmin("PATCH", path, `{"enabled":false}`), 200)
	d.wantProblem("requiring what is not there", d.asAdmin("PATCH", path, `{"require":["secret"]}`), 422, "invalid_request", fault{"require", "invalid_value"})
	d.wantStatus("requiring what is", d.asAdmin("PATCH", path, `{"require":["signature"],"enabled":true}`), 200)
	expired := d.client("n", map[string]any{"public_key": d.Key("ES256").Public().PEM()})
	soon := d.Clock.Now().Add(time.Minute).Format(time.RFC3339)
	d.wantStatus("another", d.asAdmin("POST", expired+"/secrets", object(map[string]any{"expires_at": soon})), 201)
	d.Clock.Move(2 * time.Minute)
	d.wantProblem("requiring what has expired", d.asAdmin("PATCH", expired, `{"require":["secret"]}`), 422, "invalid_request", fault{"require", "invalid_value"})
}

// Whoever writes the register makes no signing keys, and says nothing of what
// administers this service, now or later.
func TestRegisterGivesNoPower(t *testing.T) {
	d := newDesk(t)
	d.AddUser("registrar", goodPassword, identity.PermissionAudiencesWrite, identity.PermissionAudiencesRead)
	registrar := d.Login("registrar", goodPassword, "")
	as := func(method, path, body string) (r int) {
		return d.Do(method, path, body, "Authorization", "Bearer "+registrar).Status
	}
	d.wantUnchanged("a new key", func() {
		if got := as("POST", "/api/audiences", `{"audience":"a","name":"a","algorithm":"RS256"}`); got != 403 {
			t.Errorf("a new key: status %d", got)
		}
	})
	if got := as("POST", "/api/audiences", `{"audience":"a","name":"a","algorithm":"ES256"}`); got != 201 {
		t.Errorf("the algorithm there is: status %d", got)
	}
	r := d.asAdmin("POST", "/api/audiences", `{"audience":"b","name":"b","algorithm":"EdDSA"}`)
	d.wantStatus("an administrator", r, 201)
	if made := d.events("event=key.created"); len(made) != 1 || made[0].Detail.After["algorithm"] != "EdDSA" {
		t.Errorf("the new key is recorded as %+v", made)
	}
	if got := as("POST", "/api/audiences", `{"audience":"c","name":"c","algorithm":"EdDSA"}`); got != 201 {
		t.Errorf("a key that an administrator made: status %d", got)
	}
	if got := as("POST", "/api/audiences", `{"audience":"https://next.test","name":"trap","permissions":["identity:admin"],"token_expiration":30}`); got != 201 {
		t.Errorf("an audience of the future: status %d", got)
	}
	d.wantUnchanged("an issuer that is registered", func() {
		d.wantProblem("an issuer that is registered", d.asAdmin("PATCH", "/api/configuration", `{"jwt_issuer":"https://next.test"}`), 409, "conflict")
	})
	d.wantStatus("the issuer it is", d.asAdmin("PATCH", "/api/configuration", object(map[string]any{"jwt_issuer": d.Issuer})), 200)
}

// Names are shown to others, who may not know how to show them safely.
func TestNamesWithControls(t *testing.T) {
	d := newDesk(t)
	path := d.client("m", nil)
	for _, bad := range []string{"", " ", "a\u001b[31m", "\u009b31m", "a\u202eb", "a\u2028b", "a\u2067b", "a\nb"} {
		d.wantProblem("a name", d.asAdmin("PATCH", path, object(map[string]any{"name": bad})), 422, "invalid_request", fault{"name", "invalid_value"})
		if strings.TrimSpace(bad) != "" {
			d.wantProblem("a label", d.asAdmin("POST", path+"/secrets", object(map[string]any{"label": bad})), 422, "invalid_request", fault{"label", "invalid_value"})
		}
	}
	d.wantStatus("a name", d.asAdmin("PATCH", path, `{"name":"Bücher 👩‍🚀 قلم"}`), 200)
	for _, reserved := range []string{"identity", "IDENTITY", "Identity"} {
		d.wantProblem(reserved, d.asAdmin("POST", "/api/clients", object(map[string]any{"client_id": reserved, "name": "x"})), 422, "invalid_request", fault{"client_id", "invalid_value"})
	}
}
