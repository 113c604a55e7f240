package oauth_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

const (
	introspectPath = "/oauth2/introspect"
	revokePath     = "/oauth2/revoke"
	listPath       = "/.well-known/revocation-list"
)

// resources is a service with a resource server, which introspects for the audience orders,
// another, which does for nothing, a machine and a person.
type resources struct {
	*identitytest.Service
	server, other, machine []string // Authorization headers
	userID                 string
}

func newResources(t *testing.T) resources {
	t.Helper()
	s := identitytest.New(t)
	client := func(id string, n admin.NewClient) []string {
		n.ID = id
		_, secret := s.AddClient(n)
		return basic(id, secret)
	}
	r := resources{
		Service: s,
		server:  client("server", admin.NewClient{}), other: client("other", admin.NewClient{}),
		machine: client("machine", admin.NewClient{Permissions: []string{"orders:read", "orders:write"}}),
	}
	register(t, s, admin.NewAudience{Audience: "orders", IntrospectionClient: "server"})
	register(t, s, admin.NewAudience{Audience: "invoices", IntrospectionClient: "other"})
	register(t, s, admin.NewAudience{Audience: "nobodys"})
	r.userID = s.AddUser("alice", password).ID
	return r
}

// token is a token of the machine for audiences.
func (r resources) token(t *testing.T, audiences ...string) string {
	t.Helper()
	body := grant()
	for _, a := range audiences {
		body += "&" + form("audience", a)
	}
	answer := postForm(r.Service, standardPath, body, r.machine...)
	wantStatus(t, answer, 200)
	return r.Object(answer)["access_token"].(string)
}

// introspect asks as the one with the header.
func (r resources) introspect(t *testing.T, as []string, token string) map[string]any {
	t.Helper()
	answer := postForm(r.Service, introspectPath, form("token", token), as...)
	wantStatus(t, answer, 200)
	if got := answer.Header.Get("Cache-Control") + " " + answer.Header.Get("Pragma") + " " + answer.Header.Get("Content-Type"); got != "no-store no-cache application/json" {
		t.Errorf("the header says %q", got)
	}
	return r.Object(answer)
}

var inactive = map[string]any{"active": false}

// RFC 7662 section 2.2: what the token says, for the one that serves its audience.
func TestIntrospection(t *testing.T) {
	r := newResources(t)
	token := r.token(t, "orders")
	_, claims := verifiedToken(t, r.Service, token)
	want := map[string]any{"active": true, "token_type": "Bearer", "aud": []any{"orders"}, "scope": "orders:read orders:write"}
	for _, name := range []string{"client_id", "exp", "iat", "sub", "iss", "jti", "gty", "permissions"} {
		want[name] = claims[name]
	}
	if diff := cmp.Diff(want, r.introspect(t, r.server, token)); diff != "" {
		t.Errorf("the machine's token: %s", diff)
	}
	hinted := postForm(r.Service, introspectPath, form("token", token, "token_type_hint", "refresh_token"), r.server...)
	if r.Object(hinted)["active"] != true {
		t.Error("a wrong hint hides a token")
	}
	got := r.introspect(t, r.server, r.Login("alice", password, "orders"))
	if got["active"] != true || got["sub"] != r.userID || got["client_id"] != "identity" || got["sid"] == nil || got["auth_time"] == nil || got["amr"] == nil || got["scope"] != nil {
		t.Errorf("the token of a person: %v", got)
	}
	if got := r.introspect(t, r.other, r.token(t, "orders", "invoices")); got["active"] != true {
		t.Error("one of two audiences does not do")
	}
}

// Of a token for somebody else, and of what is none, nobody learns anything.
func TestIntrospectionOfOthers(t *testing.T) {
	r := newResources(t)
	token := r.token(t, "orders")
	list := string(r.Get(listPath).Body)
	session := r.Session("alice", password, "orders")
	for name, c := range map[string]struct {
		as    []string
		token string
	}{
		"another server":           {r.other, token},
		"the client of the token":  {r.machine, token},
		"an audience of nobody":    {r.server, r.token(t, "nobodys")},
		"an unregistered audience": {r.server, r.token(t, "elsewhere")},
		"for this service":         {r.server, r.token(t)},
		"nonsense":                 {r.server, canary},
		"dots":                     {r.server, strings.Repeat(".", 50_000)},
		"cut off":                  {r.server, token[:len(token)-1]},
		"without signature":        {r.server, token[:strings.LastIndexByte(token, '.')+1]},
		"a refresh token":          {r.server, session},
		"the revocation list":      {r.server, list}, // CVE-2026-41164: signed by our key, and no access token
	} {
		if diff := cmp.Diff(inactive, r.introspect(t, c.as, c.token)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	r.WantNoCanary(canary)
	r.Clock.Move(901 * time.Second)
	if diff := cmp.Diff(inactive, r.introspect(t, r.server, token)); diff != "" {
		t.Errorf("an expired token: %s", diff)
	}
}

// What has become of the subject since counts.
func TestIntrospectionIsOfNow(t *testing.T) {
	r := newResources(t)
	machine, person := r.token(t, "orders"), r.Login("alice", password, "orders")
	r.Change("client", "machine", `UPDATE clients SET permissions = '["orders:read"]' WHERE id = 'machine'`)
	if got := r.introspect(t, r.server, machine); got["scope"] != "orders:read" || got["active"] != true {
		t.Errorf("a permission that was taken away is still told: %v", got)
	}
	r.DisableClient("machine")
	r.DisableUser(r.userID)
	for _, token := range []string{machine, person} {
		if diff := cmp.Diff(inactive, r.introspect(t, r.server, token)); diff != "" {
			t.Errorf("a token of a subject that was disabled: %s", diff)
		}
	}
}

// RFC 9701 section 5: the answer as a JWT, for the caller, of a type of its own.
func TestSignedIntrospection(t *testing.T) {
	r := newResources(t)
	const mediaType = "application/token-introspection+jwt"
	token := r.token(t, "orders")
	for accept, signed := range map[string]bool{
		mediaType: true, "application/json;q=0.5, " + mediaType: true, mediaType + ";q=0.1": true, mediaType + ";q=0": false, mediaType + ";q=0.000": false,
		"application/json": false, "*/*": false, "application/*": false, "": false, "application/jwt": false,
	} {
		answer := postForm(r.Service, introspectPath, form("token", token), append([]string{"Accept", accept}, r.server...)...)
		wantStatus(t, answer, 200)
		if got := answer.Header.Get("Content-Type"); (got == mediaType) != signed || !signed && got != "application/json" {
			t.Errorf("Accept %q is answered with %s", accept, got)
		}
		if !signed {
			continue
		}
		header, claims := verifiedToken(t, r.Service, string(answer.Body))
		inner, _ := claims["token_introspection"].(map[string]any)
		if header["typ"] != "token-introspection+jwt" || claims["iss"] != r.Issuer || claims["aud"] != "server" || claims["iat"] != float64(r.Clock.Now().Unix()) ||
			len(claims) != 4 || inner["active"] != true || inner["sub"] != "machine" {
			t.Errorf("header %v, claims %v", header, claims)
		}
		// It is no access token, though our key has signed it.
		if diff := cmp.Diff(inactive, r.introspect(t, r.server, string(answer.Body))); diff != "" {
			t.Error(diff)
		}
		wantStatus(t, r.Get("/api/users", "Authorization", "Bearer "+string(answer.Body)), 401)
	}
	answer := postForm(r.Service, introspectPath, form("token", "x"), append([]string{"Accept", mediaType}, r.server...)...)
	if _, claims := verifiedToken(t, r.Service, string(answer.Body)); cmp.Diff(map[string]any{"active": false}, claims["token_introspection"]) != "" {
		t.Errorf("of nothing the answer is %v", claims)
	}
}

func TestIntrospectionAndRevocationRefusals(t *testing.T) {
	r := newResources(t)
	good := form("token", "x")
	for _, path := range []string{introspectPath, revokePath} {
		wantStatus(t, postForm(r.Service, path, good, r.server...), 200)
		rows := append(commonFormRefusals(good, r.server), inQuery(path, good, r.server)...)
		for name, body := range map[string]string{"no token": form("x", "y"), "empty token": form("token", "")} {
			rows = append(rows, oauthRefusal{name: name, body: body, headers: r.server, status: 400, code: "invalid_request"})
		}
		rows = append(rows,
			oauthRefusal{name: "no client", body: good, status: 401, code: "invalid_client"},
			oauthRefusal{name: "wrong secret", body: good, headers: basic("server", canary), status: 401, code: "invalid_client", hashes: 1},
			oauthRefusal{name: "a bearer token for the client", body: good, headers: []string{"Authorization", "Bearer " + r.AdminToken()}, status: 401, code: "invalid_client"},
		)
		t.Run(path, func(t *testing.T) { refuseForms(t, r.Service, path, rows) })
	}
}

// A database that is away is no token that is not active, and revokes nothing (CVE-2020-15223).
func TestIntrospectionFailsClosed(t *testing.T) {
	r := newResources(t)
	token := r.token(t, "orders")
	r.introspect(t, r.server, token)
	if err := r.Installation.DB.Close(); err != nil {
		t.Fatal(err)
	}
	wantOAuthError(t, postForm(r.Service, introspectPath, form("token", token), r.server...), 503, "temporarily_unavailable")
	wantOAuthError(t, postForm(r.Service, revokePath, form("token", token), r.machine...), 503, "temporarily_unavailable")
	time.Sleep(1100 * time.Millisecond) // what is in memory counts for a second
	wantOAuthError(t, postForm(r.Service, standardPath, grant(), r.machine...), 503, "temporarily_unavailable")
	wantStatus(t, r.Get(listPath), 503)
}

// entries are those of the revocation list, which must verify.
func (r resources) entries(t *testing.T) []any {
	t.Helper()
	answer := r.Get(listPath)
	wantStatus(t, answer, 200)
	header, claims := verifiedToken(t, r.Service, string(answer.Body))
	if header["typ"] != "revocation-list+jwt" || claims["iss"] != r.Issuer || claims["exp"].(float64)-claims["iat"].(float64) != 600 || len(claims) != 4 ||
		answer.Header.Get("Content-Type") != "application/revocation-list+jwt" || answer.Header.Get("Cache-Control") != "public, max-age=15" {
		t.Errorf("header %v, claims %v, answered %v", header, claims, answer.Header)
	}
	list, ok := claims["entries"].([]any)
	if !ok {
		t.Errorf("entries is no list: %s", mustJSON(claims))
	}
	return list
}

func mustJSON(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}
