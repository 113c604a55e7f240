package identitytest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// declarer applies declarations.
type declarer struct {
	*identitytest.Service
	t     testing.TB
	admin string
}

func newDeclarer(t testing.TB, options identitytest.Options) *declarer {
	d := &declarer{Service: identitytest.New(t, options), t: t}
	d.admin = d.AdminToken()
	return d
}

func (d *declarer) post(query, body string) identitytest.Response {
	return d.Do("POST", "/api/declaration"+query, body, "Authorization", "Bearer "+d.admin)
}

// applied applies a declaration, which must do.
func (d *declarer) applied(query string, declaration any) (plan api.Plan) {
	d.t.Helper()
	text, err := json.Marshal(declaration)
	if err != nil {
		d.t.Fatal(err)
	}
	r := d.post(query, string(text))
	if err := json.Unmarshal(r.Body, &plan); err != nil || r.Status != http.StatusOK {
		d.t.Fatalf("%d, %v: %s\n%s", r.Status, err, r.Body, text)
	}
	return plan
}

func (d *declarer) exported() string {
	d.t.Helper()
	r := d.Get("/api/declaration", "Authorization", "Bearer "+d.admin)
	if r.Status != http.StatusOK {
		d.t.Fatalf("%d: %s", r.Status, r.Body)
	}
	return string(r.Body)
}

// drawn is any declaration that is good, of few names, so that many are there already.
func drawn(r *rapid.T, keys []string) api.Declaration {
	some := func(what string, from ...string) []string {
		if len(from) == 0 {
			return nil
		}
		list := rapid.SliceOfDistinct(rapid.SampledFrom(from), rapid.ID[string]).Draw(r, what)
		slices.Sort(list)
		return list
	}
	pick := func(what string, from ...string) string { return rapid.SampledFrom(from).Draw(r, what) }
	maybe := func(what string) bool { return rapid.Bool().Draw(r, what) }
	metadata := func() json.RawMessage {
		return json.RawMessage(pick("metadata", `{}`, `{"a":1}`, `{"a":{"b":2,"c":null}}`, `{"a":{"c":[1,null]},"n":9007199254740993}`, `{"<":"\u003c"}`))
	}
	d := api.Declaration{Version: 1, Roles: &[]api.DeclaredRole{}, Users: &[]api.DeclaredUser{{Username: "admin", Permissions: []string{identity.PermissionAdmin}}}}
	roles := some("roles", "r1", "r2", "r3")
	for _, name := range roles {
		*d.Roles = append(*d.Roles, api.DeclaredRole{Name: name, Permissions: some("permissions", "a", "b", "c")})
	}
	if maybe("configuration") {
		d.Configuration = &api.DeclaredConfiguration{JWTExpiration: new(rapid.Int64Range(60, 900).Draw(r, "lifetime"))}
	}
	if maybe("audiences") {
		d.Audiences = &[]api.DeclaredAudience{}
		for _, name := range some("audience", "orders", "bills") {
			a := api.DeclaredAudience{Audience: name, Name: "The " + name, TokenExpiration: rapid.SampledFrom([]int64{0, 60}).Draw(r, "expiration"), Algorithm: pick("algorithm", "", "ES256")}
			if maybe("limited") {
				a.Permissions = new(some("of the audience", "a", "b"))
			}
			*d.Audiences = append(*d.Audiences, a)
		}
	}
	clients := []api.DeclaredClient{}
	for _, id := range []string{"c1", "c2", "c3"} { // the id of one that is deleted is never given again
		c := api.DeclaredClient{
			ClientID: id, Name: "Client " + pick("name", "a", "b"), Enabled: new(maybe("enabled")), Roles: some("of the client", roles...), Permissions: some("permissions", "a", "b"),
			TokenAlgorithm: pick("token algorithm", "", "ES256"), Metadata: metadata(),
		}
		// Each requires what it always did: a secret cannot be declared.
		if c.Require = []string{"secret"}; id != "c1" {
			c.Require = []string{"signature"}
			for _, key := range keys[:rapid.IntRange(1, len(keys)).Draw(r, "keys")] {
				c.Keys = append(c.Keys, api.DeclaredKey{PublicKey: json.RawMessage(key), Label: pick("label", "", "l")})
			}
		}
		if maybe("for some") {
			c.Audiences = new(some("audiences", "orders", "bills", "other"))
		}
		clients = append(clients, c)
	}
	d.Clients = &clients
	for _, name := range some("users", "ann", "bob") {
		*d.Users = append(*d.Users, api.DeclaredUser{Username: name, Enabled: new(maybe("enabled")), Roles: some("of the user", roles...), Metadata: metadata()})
	}
	return d
}

// Whatever is declared, one after the other: a dry run says what is done and does none of it,
// applying it again changes nothing, what is exported is what was declared, and it makes
// another installation the same.
func TestDeclarations(t *testing.T) {
	first := newDeclarer(t, identitytest.Options{})
	keys := []string{first.Key(jose.ES256).Public().JWK(), first.Key(jose.EdDSA).Public().JWK()}
	rapid.Check(t, func(r *rapid.T) {
		declaration := drawn(r, keys)
		query := rapid.SampledFrom([]string{"?", "?prune=true&"}).Draw(r, "prune")
		before := first.Tables()
		planned := first.applied(query+"dry_run=true", declaration)
		for table, digest := range first.Tables() {
			if before[table] != digest {
				r.Fatalf("a dry run changes %s", table)
			}
		}
		done := first.applied(query+"dry_run=false", declaration)
		if planned.Applied || done.Applied != (len(done.Changes) > 0) || text(planned.Changes) != text(done.Changes) {
			r.Fatalf("planned %s\ndone    %s", text(planned), text(done))
		}
		before = first.Tables()
		if again := first.applied(query, declaration); len(again.Changes) > 0 || again.Applied {
			r.Fatalf("again: %s", text(again))
		}
		for table, digest := range first.Tables() {
			if before[table] != digest {
				r.Fatalf("applying it again changes %s", table)
			}
		}
		exported := first.exported()
		if again := first.applied("?prune=true", json.RawMessage(exported)); len(again.Changes) > 0 {
			r.Fatalf("what was exported is not what there is: %s", text(again))
		}
	})
	exported := first.exported()
	other := newDeclarer(t, identitytest.Options{})
	if plan := other.applied("?prune=true", json.RawMessage(exported)); !plan.Applied && exported != other.exported() {
		t.Errorf("it was not applied: %s", text(plan))
	}
	if have := other.exported(); have != exported {
		t.Errorf("another installation is\n%s\nand not\n%s", have, exported)
	}
}

func text(v any) string {
	t, _ := json.Marshal(v)
	return string(t)
}

const declared = `{"version":1,"configuration":{"jwt_expiration":600},"roles":[{"name":"billing","permissions":["invoices:read"]}],
	"audiences":[{"audience":"orders","name":"Orders","permissions":["invoices:read"],"token_expiration":60}],
	"clients":[{"client_id":"robot","name":"Robot","roles":["billing"]}],
	"users":[{"username":"ann","roles":["billing"]},{"username":"admin","permissions":["identity:admin"]}]}`

// On every database it is done whole or not at all, and once however many do it.
func TestDeclarationIsOneTransaction(t *testing.T) {
	onDatabases(t, func(t *testing.T, database store.Config) {
		d := newDeclarer(t, identitytest.Options{Database: database})
		before := d.Tables("throttles")
		for name, broken := range map[string]string{
			"a role that is not there": strings.Replace(declared, `"username":"ann","roles":["billing"]`, `"username":"ann","roles":["none"]`, 1),
			"a client without a key":   strings.Replace(declared, `"name":"Robot"`, `"name":"Robot","require":["signature"]`, 1),
			"the last administrator":   strings.Replace(declared, `["identity:admin"]`, `[]`, 1),
		} {
			if r := d.post("", broken); r.Status != http.StatusConflict && r.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d %s", name, r.Status, r.Body)
			}
			for table, digest := range d.Tables("throttles") {
				if before[table] != digest {
					t.Errorf("%s: refused, and changes %s", name, table)
				}
			}
		}
		other := d.Another()
		var applied, refused int
		var mu sync.Mutex
		var several sync.WaitGroup
		for i := range 8 {
			several.Go(func() {
				node := d.Service
				if i%2 == 1 {
					node = other
				}
				r := node.Do("POST", "/api/declaration", declared, "Authorization", "Bearer "+d.admin)
				var plan api.Plan
				mu.Lock()
				defer mu.Unlock()
				switch err := json.Unmarshal(r.Body, &plan); {
				case r.Status == http.StatusServiceUnavailable:
					refused++
				case err != nil || r.Status != http.StatusOK:
					t.Errorf("%d: %s", r.Status, r.Body)
				case plan.Applied:
					applied++
				}
			})
		}
		several.Wait()
		if applied != 1 {
			t.Errorf("%d have applied it, and %d were refused", applied, refused)
		}
		if again := d.applied("?prune=true", json.RawMessage(declared)); len(again.Changes) > 0 || text(again.MustMake) != `[{"kind":"client_secret","name":"robot","command":"identity client secret create robot"}]` {
			t.Errorf("again: %s", text(again))
		}
		if r := d.Do("POST", "/api/clients/robot/secrets", `{"label":"first"}`, "Authorization", "Bearer "+d.admin); r.Status != http.StatusCreated {
			t.Fatalf("%d: %s", r.Status, r.Body)
		} else {
			secret := d.Object(r)["client_secret"].(string)
			d.Token("orders", map[string]string{"client_id": "robot", "client_secret": secret})
		}
		if again := d.applied("", json.RawMessage(declared)); len(again.MustMake) > 0 {
			t.Errorf("with a secret: %s", text(again))
		}
	})
}

// Nobody but an administrator declares, and mistakes are named where they are.
func TestDeclarationIsRefused(t *testing.T) {
	d := newDeclarer(t, identitytest.Options{})
	d.AddUser("bob", "a long enough password", identity.PermissionUsersWrite, identity.PermissionClientsWrite, identity.PermissionRolesWrite, identity.PermissionAudiencesWrite, identity.PermissionConfigurationWrite)
	bob := d.Login("bob", "a long enough password", "")
	if r := d.Do("POST", "/api/declaration", declared, "Authorization", "Bearer "+bob); r.Status != 403 {
		t.Errorf("without identity:admin: %d", r.Status)
	}
	if r := d.Get("/api/declaration", "Authorization", "Bearer "+bob); r.Status != 403 {
		t.Errorf("without identity:admin it is exported: %d", r.Status)
	}
	long := `{"version":1,"roles":[{"name":"` + strings.Repeat("x", 1<<20) + `"}]}`
	if r := d.Do("POST", "/api/declaration", long); r.Status != 401 {
		t.Errorf("a large body of nobody: %d", r.Status)
	}
	if r := d.post("", long); r.Status != 422 {
		t.Errorf("a large body: %d", r.Status)
	}
	if r := d.post("", `{"version":1,"roles":[{"name":"`+strings.Repeat("x", 4<<20)+`"}]}`); r.Status != 413 {
		t.Errorf("too large a body: %d", r.Status)
	}
	canary := "c4nArYinADeclaration"
	for body, loc := range map[string]string{
		`{}`:                         `["body","version"]`,
		`{"version":2}`:              `["body","version"]`,
		`{"version":1,"users":null}`: `["body","users"]`,
		`{"version":1,"users":[{"username":"bob","enabled":null}]}`:                                                                `["body","users","0","enabled"]`,
		`{"version":1,"users":[{"username":"bob","audiences":null}]}`:                                                              `["body","users","0","audiences"]`,
		`{"version":1,"rolls":[]}`:                                                                                                 `["body","rolls"]`,
		`{"version":1,"` + canary + `":[]}`:                                                                                        `["body","(not shown)"]`,
		`{"version":1,"roles":[{"name":7}]}`:                                                                                       `["body","roles","0","name"]`,
		`{"version":1,"roles":[{"name":"a"},{"name":"a"}]}`:                                                                        `["body","roles","1","name"]`,
		`{"version":1,"users":[{"username":"ann"},{"username":"Ann"}]}`:                                                            `["body","users","1","username"]`,
		`{"version":1,"clients":[{"client_id":"a","name":"a","keys":[{"public_key":"` + canary + `"}]}]}`:                          `["body","clients","0","keys","0","public_key"]`,
		`{"version":1,"clients":[{"client_id":"a","name":"a","require":["` + canary + `"]}]}`:                                      `["body","clients","0","require"]`,
		`{"version":1,"clients":[{"client_id":"a","name":"a","token_expiration":-1}]}`:                                             `["body","clients","0","token_expiration"]`,
		`{"version":1,"users":[{"username":"ann","metadata":[]}]}`:                                                                 `["body","users","0","metadata"]`,
		`{"version":1,"users":[{"username":"ann","password":"` + canary + `"}]}`:                                                   `["body","users","0","password"]`,
		`{"version":1,"configuration":{"jwt_expiration":1}}`:                                                                       `["body","configuration","jwt_expiration"]`,
		`{"version":1,"configuration":{"jwt_max_refreshes":99999999999,"session_max_age":9223372036854775807,"jwt_issuer":"a b"}}`: `["body","configuration","session_max_age"]`,
	} {
		r := d.post("", body)
		if r.Status != http.StatusUnprocessableEntity || !strings.Contains(string(r.Body), `"loc":`+loc) || bytes.Contains(r.Body, []byte(canary)) {
			t.Errorf("%.80s: want %s, %d %s", body, loc, r.Status, r.Body)
		}
	}
	for _, query := range []string{"?prune=yes", "?dry-run=true", "?dry_run="} {
		if r := d.post(query, declared); r.Status != 422 {
			t.Errorf("%s: %d", query, r.Status)
		}
	}
	if r := d.post("?prune=true", `{"version":1,"users":[{"username":"bob"}]}`); r.Status != 409 {
		t.Errorf("who applies it is pruned: %d %s", r.Status, r.Body)
	}
	if r := d.post("?prune=true", `{"version":1,"roles":[],"users":[{"username":"admin","permissions":["identity:admin"],"roles":["r"]}]}`); r.Status != 422 {
		t.Errorf("a role that there is not: %d %s", r.Status, r.Body)
	}
	d.applied("", json.RawMessage(`{"version":1,"roles":[{"name":"r"}]}`))
	if r := d.post("?prune=true", `{"version":1,"roles":[],"users":[{"username":"admin","permissions":["identity:admin"],"roles":["r"]},{"username":"bob"}]}`); r.Status != 409 {
		t.Errorf("a role that is pruned and held: %d %s", r.Status, r.Body)
	}
	many := []api.DeclaredRole{}
	for i := range 1001 {
		many = append(many, api.DeclaredRole{Name: fmt.Sprint("r", i)})
	}
	if r := d.post("", text(api.Declaration{Version: 1, Roles: &many})); r.Status != 409 {
		t.Errorf("too many: %d", r.Status)
	}
}

// What is too large for a declaration is said to be, and not written in part.
func TestDeclarationOfTooMuch(t *testing.T) {
	d := newDeclarer(t, identitytest.Options{})
	now := d.Installation.DB.Now()
	err := d.Installation.DB.Change(t.Context(), func(tx *store.DB) error {
		for i := range 10_000 { // and an administrator
			role := identity.Role{ID: identity.NewID(now), Name: fmt.Sprint("r", i), Permissions: []string{}, Version: 1, CreatedAt: now, UpdatedAt: now}
			if err := tx.CreateRole(t.Context(), role); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := d.Get("/api/declaration", "Authorization", "Bearer "+d.admin); r.Status != http.StatusConflict || !strings.Contains(string(r.Body), "identity export") {
		t.Errorf("%d %.200s", r.Status, r.Body)
	}
}

// Whoever is declared away is out at once, on every node, as by a single change.
func TestDeclaredAway(t *testing.T) {
	d := newDeclarer(t, identitytest.Options{})
	d.AddUser("ann", "a long enough password", identity.PermissionUsersRead)
	ann, session := d.Login("ann", "a long enough password", ""), d.Session("ann", "a long enough password", "orders")
	d.applied("", json.RawMessage(`{"version":1,"users":[{"username":"ann","enabled":false}]}`))
	if r := d.Get("/api/users", "Authorization", "Bearer "+ann); r.Status != 401 {
		t.Errorf("a token of the disabled user: %d", r.Status)
	}
	if r := d.Post("/auth/refresh", map[string]string{"refresh_token": session}); r.Status != 401 {
		t.Errorf("a session of the disabled user: %d", r.Status)
	}
	if user, err := d.Installation.DB.UserByName(t.Context(), "ann"); err != nil || len(user.Permissions) > 0 || user.Enabled {
		t.Errorf("%+v, %v", user, err)
	}
	d.applied("", json.RawMessage(`{"version":1,"users":[{"username":"new"}]}`))
	for _, password := range []string{"", "new", "password", "a long enough password"} {
		d.ForgetAttempts()
		if r := d.Post("/auth/login", map[string]string{"username": "new", "password": password}); r.Status != 401 {
			t.Errorf("a user without a password logs in: %d", r.Status)
		}
	}
}
