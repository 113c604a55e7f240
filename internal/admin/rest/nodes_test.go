package rest_test

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// A change holds for the next request of the node that made it, and on every other
// node within a second: also for tokens that are out.
func TestChangesHoldOnEveryNode(t *testing.T) {
	d := newDesk(t)
	other := identitytest.New(t, identitytest.Options{Database: d.Database, EncryptionKey: d.EncryptionKey})
	key := d.Key(jose.ES256)
	login := func(name, password string) func(*identitytest.Service) int {
		return func(s *identitytest.Service) int {
			return s.Post("/auth/login", map[string]string{"username": name, "password": password}).Status
		}
	}
	machine := func(id, secret string) func(*identitytest.Service) int {
		return func(s *identitytest.Service) int {
			return s.Post("/auth/token", map[string]string{"client_id": id, "client_secret": secret, "audience": "orders"}).Status
		}
	}
	signed := func(id string) func(*identitytest.Service) int {
		return func(s *identitytest.Service) int {
			return s.Post("/auth/token", map[string]string{"client_id": id, "signature": s.Assertion(key, id), "audience": "orders"}).Status
		}
	}
	reading := func(token string) func(*identitytest.Service) int {
		return func(s *identitytest.Service) int { return s.Get("/api/users", "Authorization", "Bearer "+token).Status }
	}
	carrying := func(id, secret, audience string) func(*identitytest.Service) int {
		return func(s *identitytest.Service) int {
			return len(permissionsOf(t, s.Token(audience, map[string]string{"client_id": id, "client_secret": secret})))
		}
	}
	const read, secret = "identity:users:read", "a secret that was chosen"
	user := func(name string, members map[string]any) (path, token string) {
		path = d.user(name, members)
		return path, d.Login(name, goodPassword, "")
	}
	client := func(id string, members map[string]any) string {
		return d.client(id, over(map[string]any{"client_secret": secret}, members))
	}
	disabled, _ := user("disabled", nil)
	disabledToken, itsToken := user("disabled-token", map[string]any{"permissions": list(read)})
	deleted, deletedToken := user("deleted", map[string]any{"permissions": list(read)})
	changed, _ := user("changed", nil)
	removed, removedToken := user("removed", map[string]any{"permissions": list(read)})
	role := d.role("reader", read)
	_, roleToken := user("by-role", map[string]any{"roles": list("reader")})
	emptied := d.role("emptied", read)
	_, emptiedToken := user("by-emptied", map[string]any{"roles": list("emptied")})
	taken, takenToken := user("role-taken", map[string]any{"roles": list("emptied")})
	off := client("off", nil)
	offToken := d.machine("off-token", read)
	_, live := d.AddClient(admin.NewClient{ID: "rotated"})
	d.wantStatus("another secret", d.asAdmin("POST", "/api/clients/rotated/secrets", "{}"), 201)
	keyed := client("keyed", map[string]any{"public_key": key.Public().PEM(), "require": list("signature")})
	stricter := client("stricter", map[string]any{"public_key": key.Public().PEM(), "require": list("secret")})
	client("many", map[string]any{"permissions": list("orders:read", "orders:write", "stock:read")})
	demoted := client("demoted", map[string]any{"permissions": list("a", "b")})
	d.wantStatus("another key", d.asAdmin("POST", keyed+"/keys", object(map[string]any{"public_key": d.Key(jose.ES256).Public().PEM()})), 201)
	for _, tc := range []struct {
		name   string
		probe  func(*identitytest.Service) int
		before int
		change attempt
		after  int
	}{
		{"user disabled", login("disabled", goodPassword), 200, attempt{method: "PATCH", path: disabled, body: `{"enabled":false}`}, 401},
		{"user disabled, token out", reading(itsToken), 200, attempt{method: "PATCH", path: disabledToken, body: `{"enabled":false}`}, 401},
		{"user deleted, token out", reading(deletedToken), 200, attempt{method: "DELETE", path: deleted}, 401},
		{"password changed", login("changed", goodPassword), 200, attempt{method: "PATCH", path: changed, body: `{"password":"another long password"}`}, 401},
		{"permission removed, token out", reading(removedToken), 200, attempt{method: "PATCH", path: removed, body: `{"permissions":["a"]}`}, 403},
		{"role taken, token out", reading(takenToken), 200, attempt{method: "PATCH", path: taken, body: `{"roles":[]}`}, 403},
		{"role deleted, token out", reading(roleToken), 200, attempt{method: "DELETE", path: role}, 403},
		{"role emptied, token out", reading(emptiedToken), 200, attempt{method: "PATCH", path: emptied, body: `{"permissions":[]}`}, 403},
		{"client disabled", machine("off", secret), 200, attempt{method: "PATCH", path: off, body: `{"enabled":false}`}, 401},
		{"client enabled again", machine("off", secret), 401, attempt{method: "PATCH", path: off, body: `{"enabled":true}`}, 200},
		{"client disabled, token out", reading(offToken), 200, attempt{method: "PATCH", path: "/api/clients/off-token", body: `{"enabled":false}`}, 401},
		{"secret deleted", machine("rotated", live), 200, attempt{method: "DELETE", path: "/api/clients/rotated/secrets/" + live[4:12]}, 401},
		{"key deleted", signed("keyed"), 200, attempt{method: "DELETE", path: keyed + "/keys/" + d.keyOf(keyed, key.Public().KID())}, 401},
		{"more required", machine("stricter", secret), 200, attempt{method: "PATCH", path: stricter, body: `{"require":["secret","signature"]}`}, 401},
		{"client's permissions", carrying("demoted", secret, "orders"), 2, attempt{method: "PATCH", path: demoted, body: `{"permissions":["a"]}`}, 1},
		{"audience registered", carrying("many", secret, "stock"), 3, attempt{method: "POST", path: "/api/audiences", body: `{"audience":"stock","name":"stock","permissions":["stock:read"]}`}, 1},
	} {
		probe := func(s *identitytest.Service) int {
			d.ForgetAttempts() // it asks for as long as it takes
			return tc.probe(s)
		}
		for name, s := range map[string]*identitytest.Service{"this node": d.Service, "the other node": other} {
			if got := probe(s); got != tc.before {
				t.Errorf("%s: %s has %d before, want %d", tc.name, name, got, tc.before)
			}
		}
		r := d.asAdmin(tc.change.method, tc.change.path, tc.change.body)
		if r.Status >= 300 {
			t.Errorf("%s: status %d %s", tc.name, r.Status, r.Body)
			continue
		}
		since := time.Now()
		if got := probe(d.Service); got != tc.after {
			t.Errorf("%s: this node has %d right after, want %d", tc.name, got, tc.after)
		}
		// A request that begins later than a second after the change must see it: what was
		// asked before may not have.
		for {
			begun := time.Now()
			got := probe(other)
			if got == tc.after {
				break
			}
			if begun.Sub(since) > time.Second {
				t.Errorf("%s: the other node has %d after %s, want %d", tc.name, got, begun.Sub(since), tc.after)
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// keyOf is the id under which a client's key is registered.
func (d *desk) keyOf(client, kid string) string {
	d.Helper()
	keys, _ := d.get(client)["keys"].([]any)
	at := slices.IndexFunc(keys, func(k any) bool { return k.(map[string]any)["kid"] == kid })
	if at < 0 {
		d.Fatalf("%s has no key %s", client, kid)
	}
	id, _ := keys[at].(map[string]any)["id"].(string)
	return id
}

// claims are some of those that a token carries.
type claims struct {
	SID         string
	Permissions []string
}

func claimsOf(t *testing.T, token string) (c claims) {
	t.Helper()
	parts := strings.Split(token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[len(parts)/2])
	if err != nil || json.Unmarshal(payload, &c) != nil {
		t.Fatalf("no token: %s", token)
	}
	return c
}

func permissionsOf(t *testing.T, token string) []string {
	t.Helper()
	return claimsOf(t, token).Permissions
}

// sidOf is the session of a token.
func sidOf(t *testing.T, token string) string {
	t.Helper()
	sid := claimsOf(t, token).SID
	if sid == "" {
		t.Fatal("the token has no session")
	}
	return sid
}
