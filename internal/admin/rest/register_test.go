package rest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRefusedRolesAndAudiences(t *testing.T) {
	d := newDesk(t)
	role := d.role("r", "a")
	audience := "/api/audiences/" + d.made("/api/audiences", map[string]any{"audience": "a", "name": "a"})
	long := []string{}
	for i := range 40 { // each fits, all together do not
		long = append(long, fmt.Sprintf("%0128d", i))
	}
	permissions := []any{list(""), list("a b"), list(`a\b`), list("é"), list("identity:unknown"), list("identity:users"), list("identity:users:write "), list(strings.Repeat("a", 129)), long}
	d.wantUnchanged("refused", func() {
		for _, tc := range []struct {
			path, of string
			members  map[string]any
			bad      map[string][]any
		}{
			{"/api/roles", role, map[string]any{"name": "new", "permissions": list()}, map[string][]any{
				"name": {"", "a b", "a/b", "é", strings.Repeat("a", 129)}, "permissions": permissions,
			}},
			{"/api/audiences", audience, map[string]any{"audience": "new", "name": "new"}, map[string][]any{
				"name": {"", "a\nb", strings.Repeat("é", 256)}, "permissions": permissions, "token_expiration": {0, 29, -60, 2592001, int64(1) << 60},
				"algorithm": {"", "none", "HS256", "es256", "RS512", "A128KW"},
			}},
			{"/api/audiences", "", map[string]any{"audience": "new", "name": "new"}, map[string][]any{"audience": {"", "a b", "é", "a\tb", strings.Repeat("a", 256)}}},
		} {
			for member, values := range tc.bad {
				for _, value := range values {
					want := fault{member, "invalid_value"}
					r := d.asAdmin("POST", tc.path, object(over(maps.Clone(tc.members), map[string]any{member: value})))
					d.wantProblem(fmt.Sprintf("POST %s %s %v", tc.path, member, value), r, 422, "invalid_request", want)
					if tc.of != "" {
						r = d.asAdmin("PATCH", tc.of, object(map[string]any{member: value}))
						d.wantProblem(fmt.Sprintf("PATCH %s %s %v", tc.of, member, value), r, 422, "invalid_request", want)
					}
				}
			}
		}
	})
}

// Null says nothing, an empty list says that there are none.
func TestAudienceMembers(t *testing.T) {
	d := newDesk(t)
	d.client("m", map[string]any{"client_secret": "a secret that was chosen", "permissions": list("orders:read", "orders:write")})
	path := "/api/audiences/" + d.made("/api/audiences", map[string]any{"audience": "orders", "name": "Orders"})
	for _, step := range []struct {
		body    string
		want    map[string]any
		carries []string
		seconds any
	}{
		{`{}`, map[string]any{"permissions": nil, "token_expiration": nil, "algorithm": nil}, []string{"orders:read", "orders:write"}, 900.0},
		{`{"permissions":["orders:read","stock:read"]}`, map[string]any{"permissions": []any{"orders:read", "stock:read"}}, []string{"orders:read"}, 900.0},
		{`{"permissions":[]}`, map[string]any{"permissions": []any{}}, nil, 900.0},
		{`{"token_expiration":60}`, map[string]any{"permissions": []any{}, "token_expiration": 60.0}, nil, 60.0},
		{`{"permissions":null}`, map[string]any{"permissions": nil, "token_expiration": 60.0}, []string{"orders:read", "orders:write"}, 60.0},
		{`{"algorithm":"EdDSA","token_expiration":null}`, map[string]any{"token_expiration": nil, "algorithm": "EdDSA"}, []string{"orders:read", "orders:write"}, 900.0},
		{`{"algorithm":null}`, map[string]any{"algorithm": nil}, []string{"orders:read", "orders:write"}, 900.0},
	} {
		d.wantStatus(step.body, d.asAdmin("PATCH", path, step.body), 200)
		got := d.get(path)
		for member, want := range step.want {
			if diff := cmp.Diff(want, got[member]); diff != "" {
				t.Errorf("%s: %s (-want +got)\n%s", step.body, member, diff)
			}
		}
		r := d.Post("/auth/token", map[string]string{"client_id": "m", "client_secret": "a secret that was chosen", "audience": "orders"})
		token, _ := d.Object(r)["token"].(string)
		if got := permissionsOf(t, token); !slices.Equal(got, step.carries) || d.Object(r)["expires_in"] != step.seconds {
			t.Errorf("%s: a token carries %v for %v s, want %v for %v", step.body, got, d.Object(r)["expires_in"], step.carries, step.seconds)
		}
	}
	d.wantStatus("deleting", d.asAdmin("DELETE", path, ""), 204)
	if got := permissionsOf(t, d.Token("orders", map[string]string{"client_id": "m", "client_secret": "a secret that was chosen"})); len(got) != 2 {
		t.Errorf("a token carries %v after the audience has gone", got)
	}
}

// Numbers in metadata need not fit a float.
func TestNumbersInMetadata(t *testing.T) {
	d := newDesk(t)
	path := d.user("u", map[string]any{"metadata": map[string]any{}})
	for _, number := range []string{"9007199254740992", "9007199254740993", "1e400", "-1e-400"} {
		before := len(d.events(""))
		d.wantStatus(number, d.asAdmin("PATCH", path, `{"metadata":{"n":`+number+`}}`), 200)
		body := string(d.asAdmin("GET", "/api/audit?limit=200", "").Body)
		if len(d.events("")) != before+1 || !strings.Contains(body, number) {
			t.Errorf("the audit does not show %s", number)
		}
	}
}
