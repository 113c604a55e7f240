package oauth_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// canary is part of every secret that these tests send. It must never come back,
// neither in a response nor in the log.
const canary = "cAnArY-7f3a91"

// object makes JSON of members, name and value in turn, in their order.
func object(members ...any) string {
	var parts []string
	for i := 0; i+1 < len(members); i += 2 {
		name, _ := json.Marshal(members[i])
		value, _ := json.Marshal(members[i+1])
		parts = append(parts, string(name)+":"+string(value))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// refusal is a request that must be refused, and how.
type refusal struct {
	name    string
	method  string // POST if empty
	path    string // that of the table if empty
	headers []string
	body    string
	status  int
	code    string
	// fields are the errors of a 422: "body.username missing".
	fields []string
}

// refuse sends each request and checks the whole refusal: status, code and form,
// that nothing was stored, that no secret came back or was logged, and that hashing
// was paid for a wrong secret only.
func refuse(t *testing.T, s *identitytest.Service, path string, rows []refusal) {
	t.Helper()
	before := s.Tables()
	for _, c := range rows {
		t.Run(c.name, func(t *testing.T) {
			if c.method == "" {
				c.method = "POST"
			}
			if c.path == "" {
				c.path = path
			}
			hashes := s.Installation.Pool.Stats().Hashes
			s.Log.Reset()
			s.ForgetAttempts() // each is as if it were the first
			r := s.Do(c.method, c.path, c.body, c.headers...)
			wantProblem(t, r, c.method, c.status, c.code, c.fields)
			after := s.Tables()
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("a refused request stored something: %s", diff)
			}
			before = after
			s.WantNoCanary(canary, r)
			wantRecord(t, s, r)
			var want uint64
			if c.status == 401 && (strings.Contains(c.body, `"password"`) || strings.Contains(c.body, `"client_secret"`)) {
				want = 1
			}
			if got := s.Installation.Pool.Stats().Hashes - hashes; got != want {
				t.Errorf("%d hashes computed, want %d", got, want)
			}
		})
	}
}

// wantProblem checks a refusal from its status line to its last member.
func wantProblem(t *testing.T, r identitytest.Response, method string, status int, code string, fields []string) {
	t.Helper()
	if r.Status != status {
		t.Fatalf("status %d, want %d\n%s", r.Status, status, r.Body)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/problem+json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	id := r.Header.Get("X-Request-Id")
	if id == "" {
		t.Error("no X-Request-Id")
	}
	if got := r.Header.Get("WWW-Authenticate"); (got != "") != (status == 401) {
		t.Errorf("WWW-Authenticate is %q on a %d", got, status)
	}
	if got := r.Header.Get("Allow"); (got != "") != (status == 405) {
		t.Errorf("Allow is %q on a %d", got, status)
	}
	if method == "HEAD" {
		return
	}
	var p api.Problem
	d := json.NewDecoder(bytes.NewReader(r.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		t.Fatalf("the body is no problem document: %v\n%s", err, r.Body)
	}
	want := api.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: p.Detail, Code: code, RequestID: id, Errors: p.Errors}
	if diff := cmp.Diff(want, p); diff != "" || p.Detail == "" {
		t.Errorf("the problem document: %s%s", diff, r.Body)
	}
	var got []string
	for _, e := range p.Errors {
		got = append(got, strings.Join(e.Loc, ".")+" "+e.Type)
	}
	slices.Sort(got)
	slices.Sort(fields)
	if diff := cmp.Diff(fields, got); diff != "" {
		t.Errorf("errors: %s", diff)
	}
}

// wantRecord checks that the log is JSON lines of which exactly one is the event
// of this request: whatever was sent cannot forge another.
func wantRecord(t *testing.T, s *identitytest.Service, r identitytest.Response) {
	t.Helper()
	events := 0
	for line := range strings.Lines(s.Log.String()) {
		var record struct {
			Msg       string `json:"msg"`
			RequestID string `json:"request_id"`
			Status    int    `json:"status"`
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Errorf("the log has a line that is no record: %v", err)
		}
		if record.Msg == "request" && record.RequestID == r.Header.Get("X-Request-Id") && record.Status == r.Status {
			events++
		}
	}
	if events != 1 {
		t.Errorf("%d log records of the request, want 1", events)
	}
}

// wantSameBytes sends every request and checks that the answers are the same, byte
// for byte and header for header. The caller gives the request its id, so that
// even that is no difference.
func wantSameBytes(t *testing.T, s *identitytest.Service, path string, bodies map[string]string) {
	t.Helper()
	var first identitytest.Response
	var firstName string
	for name, body := range bodies {
		s.ForgetAttempts() // each is as if it were the first
		r := s.Do("POST", path, body, "X-Request-Id", "the-same")
		wantProblem(t, r, "POST", 401, "invalid_credentials", nil)
		s.WantNoCanary(canary, r)
		r.Header.Del("Date")
		if firstName == "" {
			first, firstName = r, name
			continue
		}
		if !bytes.Equal(first.Body, r.Body) {
			t.Errorf("%q and %q are told apart:\n%s%s", firstName, name, first.Body, r.Body)
		}
		if diff := cmp.Diff(first.Header, r.Header); diff != "" {
			t.Errorf("%q and %q are told apart by the header: %s", firstName, name, diff)
		}
	}
}

// addUser makes a user with the password and the audiences, and permissions.
func addUser(t *testing.T, s *identitytest.Service, username string, audiences []string, permissions ...string) identity.User {
	t.Helper()
	user, err := s.Installation.Admin.CreateUser(t.Context(), identity.LocalAdministrator("test"), admin.NewUser{
		Username: username, Password: identity.NewSecret(password), Audiences: &audiences, Permissions: permissions,
	})
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// wantStatus fails the test unless the response has the status.
func wantStatus(t *testing.T, r identitytest.Response, status int) {
	t.Helper()
	if r.Status != status {
		t.Fatalf("status %d, want %d\n%s", r.Status, status, r.Body)
	}
}

// send is for requests that a well-behaved client cannot make.
func send(t *testing.T, request *http.Request) identitytest.Response {
	t.Helper()
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return identitytest.Response{Status: response.StatusCode, Header: response.Header, Body: body}
}

// commonRefusals are those of every endpoint that takes a JSON object by POST:
// they concern the request as such. good is a body that would succeed.
func commonRefusals(path, good string) []refusal {
	jsonType := []string{"Content-Type", "application/json"}
	rows := []refusal{
		{name: "no such route", path: path + "s", body: good, status: 404, code: "not_found"},
		{name: "trailing slash", path: path + "/", body: good, status: 404, code: "not_found"},
		{name: "double slash", path: "/" + path, body: good, status: 404, code: "not_found"},
		{name: "encoded slash", path: "/" + strings.Replace(path[1:], "/", "%2f", 1), body: good, status: 404, code: "not_found"},
		{name: "dot segment", path: "/x/.." + path, body: good, status: 404, code: "not_found"},
		{name: "parameter in the path", path: path + ";x=1", body: good, status: 404, code: "not_found"},
		{name: "upper case", path: strings.ToUpper(path), body: good, status: 404, code: "not_found"},

		{name: "empty", headers: jsonType, status: 400, code: "invalid_json"},
		{name: "spaces", body: "  \n", status: 400, code: "invalid_json"},
		{name: "open brace", body: "{", status: 400, code: "invalid_json"},
		{name: "list", body: "[]", status: 400, code: "invalid_json"},
		{name: "list of one", body: "[" + good + "]", status: 400, code: "invalid_json"},
		{name: "string", body: `"x"`, status: 400, code: "invalid_json"},
		{name: "number", body: "1", status: 400, code: "invalid_json"},
		{name: "null", body: "null", status: 400, code: "invalid_json"},
		{name: "two objects", body: good + good, status: 400, code: "invalid_json"},
		{name: "text behind", body: good + " x", status: 400, code: "invalid_json"},
		{name: "byte order mark", body: "\ufeff" + good, status: 400, code: "invalid_json"},
		{name: "comment", body: "/* */" + good, status: 400, code: "invalid_json"},
		{name: "trailing comma", body: good[:len(good)-1] + ",}", status: 400, code: "invalid_json"},
		{name: "invalid UTF-8", body: strings.Replace(good, "{", "{\"x\":\""+canary+"\xff\",", 1), status: 400, code: "invalid_json"},
		{name: "half a surrogate", body: strings.Replace(good, "{", `{"x":"`+canary+`\ud800",`, 1), status: 400, code: "invalid_json"},
		{name: "U+0000", body: strings.Replace(good, "{", `{"x":"`+canary+`\u0000",`, 1), status: 400, code: "invalid_json"},
		{name: "raw NUL", body: strings.Replace(good, "{", "{\"x\":\""+canary+"\x00\",", 1), status: 400, code: "invalid_json"},
		{name: "deep", body: strings.Replace(good, "{", `{"x":`+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)+",", 1), status: 400, code: "invalid_json"},
		{name: "form", body: "a=b", headers: jsonType, status: 400, code: "invalid_json"},

		{name: "unknown member", body: strings.Replace(good, "{", `{"x":"`+canary+`",`, 1), status: 422, code: "invalid_request", fields: []string{"body.x unknown"}},
		{name: "unknown member null", body: strings.Replace(good, "{", `{"x":null,`, 1), status: 422, code: "invalid_request", fields: []string{"body.x unknown"}},
		{name: "query", path: path + "?x=" + canary, body: good, status: 422, code: "invalid_request", fields: []string{"query.x unknown"}},

		{name: "1 MiB", body: strings.Replace(good, canary, strings.Repeat(canary, 80_000), 1), status: 413, code: "payload_too_large"},
		{name: "a byte too many", body: good + strings.Repeat(" ", 64<<10-len(good)+1), status: 413, code: "payload_too_large"},

		// The order of checks: each request is wrong in the next respect too.
		{name: "404 before 405", method: "GET", path: path + "s", body: "{", status: 404, code: "not_found"},
		{name: "405 before 413", method: "PUT", body: strings.Repeat("x", 100<<10), status: 405, code: "method_not_allowed"},
		{name: "413 before 415", body: strings.Repeat("x", 100<<10), headers: []string{"Content-Type", "text/plain"}, status: 413, code: "payload_too_large"},
		{name: "415 before 400", body: "{", headers: []string{"Content-Type", "text/plain"}, status: 415, code: "unsupported_media_type"},
		{name: "400 before 422", path: path + "?x=1", body: "{", status: 400, code: "invalid_json"},
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
		rows = append(rows, refusal{
			name: method, method: method, body: good, headers: []string{"X-Http-Method-Override", "POST"}, status: 405, code: "method_not_allowed",
		})
	}
	for _, media := range []string{
		"text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/problem+json",
		"application/merge-patch+json", "application/json; charset=utf-16", "application/json; x=y", "application/json, text/plain", "json", ";",
	} {
		rows = append(rows, refusal{name: media, body: good, headers: []string{"Content-Type", media}, status: 415, code: "unsupported_media_type"})
	}
	for _, coding := range []string{"gzip", "br", "deflate", "identity", "gzip, gzip"} {
		rows = append(rows, refusal{
			name: "coded as " + coding, body: good, headers: []string{"Content-Encoding", coding}, status: 415, code: "unsupported_media_type",
		})
	}
	return rows
}

// memberRefusals are what is wrong with one member of a good body, given as name
// and value in turn.
func memberRefusals(member string, required bool, good ...any) []refusal {
	at := slices.Index(good, any(member))
	with := func(value string) string {
		changed := slices.Clone(good)
		changed[at+1] = json.RawMessage(value)
		return object(changed...)
	}
	without := object(append(slices.Clone(good[:at]), good[at+2:]...)...)
	rows := []refusal{
		{name: member + " twice", body: strings.Replace(object(good...), "{", fmt.Sprintf(`{%q:"x",`, member), 1), status: 400, code: "invalid_json"},
		{name: member + " twice, once escaped", body: strings.Replace(object(good...), "{", fmt.Sprintf(`{"\u%04x%s":"x",`, member[0], member[1:]), 1), status: 400, code: "invalid_json"},
	}
	for _, value := range []string{"null", "1", "true", "[]", `["` + canary + `"]`, "{}", `{"a":"` + canary + `"}`} {
		rows = append(rows, refusal{
			name: member + " " + value, body: with(value), status: 422, code: "invalid_request", fields: []string{"body." + member + " wrong_type"},
		})
	}
	otherCase := strings.ToUpper(member[:1]) + member[1:]
	renamed := refusal{
		name: member + " in other case", body: strings.Replace(object(good...), `"`+member+`"`, `"`+otherCase+`"`, 1),
		status: 422, code: "invalid_request", fields: []string{"body." + otherCase + " unknown"},
	}
	if required {
		rows = append(rows, refusal{name: member + " missing", body: without, status: 422, code: "invalid_request", fields: []string{"body." + member + " missing"}})
		renamed.fields = append(renamed.fields, "body."+member+" missing")
	}
	return append(rows, renamed)
}
