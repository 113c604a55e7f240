package oauth_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

const password = canary + " right"

func TestLoginRefusals(t *testing.T) {
	s := identitytest.New(t)
	s.AddUser("alice", password)
	good := []any{"username", "alice", "password", password, "audience", "billing"}
	rows := commonRefusals("/auth/login", object(good...))
	rows = append(rows, memberRefusals("username", true, good...)...)
	rows = append(rows, memberRefusals("password", true, good...)...)
	rows = append(rows, memberRefusals("audience", false, good...)...)
	rows = append(rows,
		refusal{name: "nothing", body: "{}", status: 422, code: "invalid_request", fields: []string{"body.username missing", "body.password missing"}},
		refusal{name: "all wrong at once", body: `{"username":1,"audience":"","x":1}`, path: "/auth/login?y=1", status: 422, code: "invalid_request",
			fields: []string{"body.username wrong_type", "body.password missing", "body.audience invalid_value", "query.y unknown", "body.x unknown"}},
		refusal{name: "password with NUL", body: `{"username":"alice","password":"` + canary + `\u0000"}`, status: 400, code: "invalid_json"},
		refusal{name: "username with NUL", body: `{"username":"alice\u0000","password":"` + canary + `"}`, status: 400, code: "invalid_json"},
		refusal{name: "credentials in the query", path: "/auth/login?username=alice&password=" + canary, body: "{}", status: 422, code: "invalid_request",
			fields: []string{"body.username missing", "body.password missing", "query.username unknown", "query.password unknown"}},
		refusal{name: "credentials in the query too", path: "/auth/login?password=" + canary, body: object(good...), status: 422, code: "invalid_request",
			fields: []string{"query.password unknown"}},
		refusal{name: "credentials in a broken query", path: "/auth/login?" + canary + "%zz", body: object(good...), status: 422, code: "invalid_request",
			fields: []string{"query.(not shown) unknown"}},
		refusal{name: "credentials as a form", body: "username=alice&password=" + canary, headers: []string{"Content-Type", "application/x-www-form-urlencoded"},
			status: 415, code: "unsupported_media_type"},
		refusal{name: "422 before 401", body: object("username", "alice", "password", canary, "audience", "a b"), status: 422, code: "invalid_request",
			fields: []string{"body.audience invalid_value"}},
	)
	for name, audience := range map[string]string{
		"empty": "", "space": "a b", "not ASCII": "bücher", "control": "a\tb", "line break": "a\r\nb", "256 characters": strings.Repeat("a", 256),
	} {
		rows = append(rows, refusal{name: "audience " + name, body: object("username", "alice", "password", password, "audience", audience),
			status: 422, code: "invalid_request", fields: []string{"body.audience invalid_value"}})
	}
	for name, body := range wrongLogins() {
		rows = append(rows, refusal{name: name, body: body, status: 401, code: "invalid_credentials"})
	}
	refuse(t, s, "/auth/login", rows)
	wantStatus(t, s.Do("POST", "/auth/login", object(good...)), 200) // what all rows are changes of
}

// wrongLogins are logins that prove nothing, as alice with another password, or as
// nobody.
func wrongLogins() map[string]string {
	login := func(username, password string) string { return object("username", username, "password", password) }
	long := strings.Repeat(canary, 60_000/len(canary))
	return map[string]string{
		"wrong password":            login("alice", canary),
		"password in other case":    login("alice", strings.ToUpper(password)),
		"space behind the password": login("alice", password+" "),
		"space before the password": login("alice", " "+password),
		"password cut off":          login("alice", password[:len(password)-1]),
		"password in full width":    login("alice", strings.ReplaceAll(password, "c", "ｃ")),
		"empty password":            login("alice", ""),
		"long password":             login("alice", long),
		"password of control":       login("alice", "\r\n\t\x7f"+canary),
		"unknown user":              login("nobody", password),
		"unknown, named by secret":  login(canary, canary),
		"empty username":            login("", password),
		"both empty":                login("", ""),
		"long username":             login(long, password),
		"PRECIS refuses a space":    login("alice liddell", password),
		"PRECIS refuses a sign":     login("alice☃", password),
		"invisible character":       login("ali\u200bce", password),
		"space behind the name":     login("alice ", password),
		"space before the name":     login(" alice", password),
		"look-alike":                login("аlice", password), // with a Cyrillic а
		"SQL":                       login("' OR 1=1--", "' OR 1=1--"),
		"SQL behind the name":       login("alice'--", password),
		"wildcard":                  login("%", password),
		"line breaks":               login("alice\r\n{\"msg\":\"request\"}\r\n", password),
		"escape sequences":          login("\x1b[2Jalice", password),
		"hash as password":          login("alice", "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$"+canary),
		"for an audience":           object("username", "alice", "password", canary, "audience", "billing"),
		"for this service":          object("username", "alice", "password", canary, "audience", identitytest.Issuer),
	}
}

// Whatever is wrong, the answer is the same bytes.
func TestLoginRefusalsAreTheSame(t *testing.T) {
	s := identitytest.New(t)
	alice := s.AddUser("alice", password)
	s.DisableUser(s.AddUser("disabled", password).ID)
	_, secret := s.AddClient(admin.NewClient{ID: "machine"})
	none := addUser(t, s, "none", []string{})
	bodies := wrongLogins()
	bodies["disabled, right password"] = object("username", "disabled", "password", password)
	bodies["disabled, wrong password"] = object("username", "disabled", "password", canary)
	bodies["a client and its secret"] = object("username", "machine", "password", secret)
	bodies["id for the name"] = object("username", alice.ID, "password", password)
	bodies["wrong password, audience not allowed"] = object("username", none.Username, "password", canary, "audience", "billing")
	bodies["administrator"] = object("username", s.AdminUsername, "password", canary)
	wantSameBytes(t, s, "/auth/login", bodies)
	s.WantNoCanary(secret)
}

// A body of 10 MB is refused before it was sent, whether or not it says its size.
func TestHugeBody(t *testing.T) {
	s := identitytest.New(t)
	for _, path := range []string{"/auth/login", "/auth/token"} {
		for _, announced := range []bool{true, false} {
			text := `{"password":"` + strings.Repeat(canary, 10<<20/len(canary)) + `"}`
			body := &counted{Reader: strings.NewReader(text)}
			request, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+path, body)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			request.ContentLength = -1
			if announced {
				request.ContentLength = int64(len(text))
			}
			before, hashes := s.Tables(), s.Installation.Pool.Stats().Hashes
			r := send(t, request)
			wantProblem(t, r, "POST", 413, "payload_too_large", nil)
			if taken := body.taken.Load(); taken > 5<<20 {
				t.Errorf("%s: %d bytes were taken", path, taken)
			}
			s.WantNoCanary(canary, r)
			if diff := cmp.Diff(before, s.Tables()); diff != "" || s.Installation.Pool.Stats().Hashes != hashes {
				t.Errorf("%s: a body that is too large cost a hash or stored something: %s", path, diff)
			}
		}
	}
}

// counted counts what is read from it.
type counted struct {
	io.Reader
	taken atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.taken.Add(int64(n))
	return n, err
}

// A name in another case or width, and a password composed otherwise, are the same.
func TestLoginSpellings(t *testing.T) {
	s := identitytest.New(t)
	const composed, decomposed = "p\u00e4ssw\u00f6rd of alice", "pa\u0308sswo\u0308rd of alice"
	user := s.AddUser("alice", composed)
	s.AddUser("zo\u00eb", decomposed)
	for _, name := range []string{"alice", "ALICE", "Alice", "ａｌｉｃｅ", "ＡＬＩＣＥ"} {
		for _, p := range []string{composed, decomposed} {
			r := s.Post("/auth/login", map[string]string{"username": name, "password": p})
			wantStatus(t, r, 200)
			if _, claims := verified(t, s, r); claims["sub"] != user.ID {
				t.Errorf("%q is %v, want %s", name, claims["sub"], user.ID)
			}
		}
	}
	for _, name := range []string{"zoe\u0308", "ZO\u00cb", "ｚｏ\u00eb"} {
		wantStatus(t, s.Post("/auth/login", map[string]string{"username": name, "password": composed}), 200)
	}
	// A media type with its charset is the same too.
	wantStatus(t, s.Do("POST", "/auth/login", object("username", "alice", "password", composed), "Content-Type", "application/json; charset=UTF-8"), 200)
}

// A login that gave no token is none, and one that did is known when the service stops
// at the latest.
func TestLastLogin(t *testing.T) {
	s := identitytest.New(t)
	user := addUser(t, s, "alice", []string{"a"})
	again := func() *identitytest.Service {
		t.Helper()
		s.Stop()
		return identitytest.New(t, identitytest.Options{Database: s.Database, EncryptionKey: s.EncryptionKey})
	}
	last := func() bool {
		t.Helper()
		u, err := s.Installation.DB.User(t.Context(), user.ID)
		if err != nil {
			t.Fatal(err)
		}
		return !u.LastLoginAt.IsZero()
	}
	wantStatus(t, s.Do("POST", "/auth/login", object("username", "alice", "password", password, "audience", "b")), 403)
	wantStatus(t, s.Do("POST", "/auth/login", object("username", "alice", "password", "wrong", "audience", "a")), 401)
	if s = again(); last() {
		t.Error("a refusal is a login")
	}
	s.Login("alice", password, "a")
	if s = again(); !last() {
		t.Error("a login is not known")
	}
}
