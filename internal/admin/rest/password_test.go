package rest_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

func (d *desk) changePassword(username, password, next string) identitytest.Response {
	d.Helper()
	return d.Post("/auth/password", map[string]string{"username": username, "password": password, "new_password": next})
}

func (d *desk) login(username, password string) identitytest.Response {
	d.Helper()
	return d.Post("/auth/login", map[string]string{"username": username, "password": password})
}

// withoutRequestID is a body that can be compared with another.
func (d *desk) withoutRequestID(r identitytest.Response) []byte {
	d.Helper()
	o := d.Object(r)
	id, err := json.Marshal(o["request_id"])
	d.must(err)
	return bytes.ReplaceAll(r.Body, id, nil)
}

func TestOneTimePassword(t *testing.T) {
	d := newDesk(t)
	const next = "the next password"
	path := d.user("newcomer", map[string]any{"password": canary, "one_time": true, "permissions": []string{"identity:users:read"}})
	d.user("disabled", map[string]any{"password": canary, "enabled": false, "one_time": true})
	r := d.login("newcomer", canary)
	d.wantProblem("login", r, 403, "password_change_required")
	if d.Object(r)["token"] != nil {
		t.Error("a one-time password gives a token")
	}
	wrong := d.login("newcomer", "not the password")
	d.wantProblem("login with another", wrong, 401, "invalid_credentials")
	d.wantUnchanged("refused", func() {
		for name, r := range map[string]identitytest.Response{
			"wrong password":                   d.changePassword("newcomer", "not the password", next),
			"unknown name":                     d.changePassword("nobody", canary, next),
			"impossible name":                  d.changePassword("no body", canary, next),
			"disabled":                         d.changePassword("disabled", canary, next),
			"wrong password of a disabled one": d.changePassword("disabled", "not the password", next),
		} {
			d.wantProblem(name, r, 401, "invalid_credentials")
			if !bytes.Equal(d.withoutRequestID(r), d.withoutRequestID(wrong)) {
				t.Errorf("%s is told from a wrong password: %s", name, r.Body)
			}
		}
		// What is wrong with the request alone is told before the proof is looked at, the
		// same to everybody.
		for _, bad := range []string{"short", "password123", "newcomer", "NEWCOMER"} {
			for _, password := range []string{canary, "not the password"} {
				r := d.changePassword("newcomer", password, bad)
				d.wantProblem("new password "+bad, r, 422, "invalid_request", fault{"new_password", "invalid_value"})
				d.WantNoCanary(canary, r)
			}
		}
		d.wantProblem("no new password", d.Post("/auth/password", map[string]string{"username": "newcomer", "password": canary}), 422, "invalid_request", fault{"new_password", "missing"})
		d.wantProblem("another member", d.Post("/auth/password", map[string]string{"username": "newcomer", "password": canary, "new_password": next, "one_time": "x"}), 422, "invalid_request", fault{"one_time", "unknown"})
	})
	if d.get(path)["one_time"] != true {
		t.Error("a refusal took the mark away")
	}
	r = d.changePassword("NEWCOMER", canary, next)
	if r.Status != 204 || len(r.Body) != 0 {
		t.Errorf("changing: status %d %s", r.Status, r.Body)
	}
	if d.get(path)["one_time"] != false {
		t.Error("the mark is still there")
	}
	d.wantProblem("the former one", d.login("newcomer", canary), 401, "invalid_credentials")
	d.wantProblem("changing with the former one", d.changePassword("newcomer", canary, "a third password"), 401, "invalid_credentials")
	d.wantStatus("with a token of the new one", d.call(d.Login("newcomer", next, ""), "GET", path, ""), 200)
	events := d.events("event=user.password.changed")
	if len(events) != 1 || events[0].Actor != last(path) || events[0].Target != last(path) || events[0].Detail.After["password"] != "[redacted]" || events[0].Detail.After["one_time"] != false {
		t.Errorf("recorded %+v", events)
	}
	d.WantNoCanary(canary, d.asAdmin("GET", "/api/audit", ""))
	d.WantNoCanary(next, d.asAdmin("GET", "/api/audit", ""))
	// Nobody but the user takes the mark away by setting a password, unless it is said.
	d.wantStatus("marking", d.asAdmin("PATCH", path, `{"one_time":true}`), 200)
	d.wantProblem("marked", d.login("newcomer", next), 403, "password_change_required")
	d.wantStatus("setting", d.asAdmin("PATCH", path, `{"password":"set by somebody else","one_time":true}`), 200)
	d.wantProblem("set", d.login("newcomer", "set by somebody else"), 403, "password_change_required")
	d.wantStatus("setting", d.asAdmin("PATCH", path, `{"password":"set by another one"}`), 200)
	d.wantProblem("still set", d.login("newcomer", "set by another one"), 403, "password_change_required")
	d.wantStatus("setting", d.asAdmin("PATCH", path, `{"password":"set by somebody else","one_time":false}`), 200)
	d.wantStatus("login", d.login("newcomer", "set by somebody else"), 200)
}

// One proof changes the password once.
func TestParallelPasswordChanges(t *testing.T) {
	d := newDesk(t)
	d.user("u", nil)
	nexts := []string{"the first password", "the second password", "the third password", "the fourth password"}
	statuses := d.together(len(nexts), func(i int) identitytest.Response { return d.changePassword("u", goodPassword, nexts[i]) })
	if statuses[204] != 1 || statuses[401] != 3 {
		t.Errorf("outcomes %v", statuses)
	}
	good := 0
	for _, next := range nexts {
		d.ForgetAttempts()
		if d.login("u", next).Status == 200 {
			good++
		}
	}
	if good != 1 {
		t.Errorf("%d passwords are good", good)
	}
}
