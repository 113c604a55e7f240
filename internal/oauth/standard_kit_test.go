package oauth_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// form makes a body of parameters, name and value in turn, in their order.
func form(parameters ...string) string {
	var parts []string
	for i := 0; i+1 < len(parameters); i += 2 {
		parts = append(parts, url.QueryEscape(parameters[i])+"="+url.QueryEscape(parameters[i+1]))
	}
	return strings.Join(parts, "&")
}

// grant is the form of a request for a token.
func grant(parameters ...string) string {
	return form(append([]string{"grant_type", "client_credentials"}, parameters...)...)
}

// basic is an Authorization header as RFC 6749 section 2.3.1 has it.
func basic(id, secret string) []string {
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))}
}

// asserted are the parameters of private_key_jwt.
func asserted(assertion string) []string {
	return []string{"client_assertion_type", assertionType, "client_assertion", assertion}
}

// postForm sends a form.
func postForm(s *identitytest.Service, path, body string, headers ...string) identitytest.Response {
	return s.Do("POST", path, body, append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

// wantOAuthError checks a failure as RFC 6749 section 5.2 has it, from its status line to
// its last member.
func wantOAuthError(t *testing.T, r identitytest.Response, status int, code string) {
	t.Helper()
	if r.Status != status {
		t.Fatalf("status %d, want %d\n%s", r.Status, status, r.Body)
	}
	want := map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache", "Www-Authenticate": ""}
	if status == 401 {
		want["Www-Authenticate"] = `Basic realm="identity", charset="UTF-8"`
	}
	for name, value := range want {
		if got := r.Header.Get(name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	if got := r.Header.Get("Retry-After"); (got != "") != slices.Contains([]int{429, 503}, status) {
		t.Errorf("Retry-After is %q on a %d", got, status)
	}
	var body map[string]string
	if err := json.Unmarshal(r.Body, &body); err != nil {
		t.Fatalf("the body is no error of OAuth: %v\n%s", err, r.Body)
	}
	description := body["error_description"]
	if diff := cmp.Diff(map[string]string{"error": code, "error_description": description}, body); diff != "" || description == "" {
		t.Errorf("the error: %s%s", diff, r.Body)
	}
	for _, c := range description { // RFC 6749 section 5.2
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			t.Errorf("error_description has %q", c)
		}
	}
}

// oauthRefusal is a form that must be refused, and how.
type oauthRefusal struct {
	name    string
	path    string // that of the table if empty
	headers []string
	body    string
	status  int
	code    string
	hashes  uint64
}

// refuseForms sends each and checks the whole refusal, as refuse does.
func refuseForms(t *testing.T, s *identitytest.Service, path string, rows []oauthRefusal) {
	t.Helper()
	before := s.Tables()
	for _, c := range rows {
		t.Run(c.name, func(t *testing.T) {
			if c.path == "" {
				c.path = path
			}
			hashes := s.Installation.Pool.Stats().Hashes
			s.Log.Reset()
			s.ForgetAttempts()
			headers := c.headers
			if !slices.Contains(headers, "Content-Type") {
				headers = append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)
			}
			r := s.Do("POST", c.path, c.body, headers...)
			wantOAuthError(t, r, c.status, c.code)
			after := s.Tables()
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("a refused request stored something: %s", diff)
			}
			before = after
			s.WantNoCanary(canary, r)
			wantRecord(t, s, r)
			if got := s.Installation.Pool.Stats().Hashes - hashes; got != c.hashes {
				t.Errorf("%d hashes computed, want %d", got, c.hashes)
			}
		})
	}
}

// commonFormRefusals concern the request as such. good is a body that would succeed with the
// headers.
func commonFormRefusals(good string, headers []string) []oauthRefusal {
	invalid := func(name, body string) oauthRefusal {
		return oauthRefusal{name: name, body: body, headers: headers, status: 400, code: "invalid_request"}
	}
	rows := []oauthRefusal{
		invalid("empty", ""),
		invalid("a parameter twice", good+"&"+strings.SplitN(good, "&", 2)[0]),
		invalid("an unknown parameter twice", good+"&x="+canary+"&x="+canary),
		invalid("a parameter twice, once empty", good+"&"+strings.SplitN(good, "=", 2)[0]+"="),
		invalid("a parameter twice, once encoded", good+"&%"+"67rant_type=x&%74oken=x"),
		invalid("broken escape", good+"&x=%zz"+canary),
		invalid("broken escape in a name", good+"&%x"+canary+"=1"),
		invalid("invalid UTF-8", good+"&x=%ff"+canary),
		invalid("NUL", good+"&x=%00"+canary),
		invalid("NUL in a name", good+"&x%00=1"+canary),
		invalid("line break", good+"&x=%0d%0a"+canary),
		invalid("65 parameters", good+strings.Repeat("&", 70)+manyParameters(65)),
		{name: "JSON", body: `{"grant_type":"client_credentials"}`, headers: []string{"Content-Type", "application/json"}, status: 400, code: "invalid_request"},
		{name: "coded", body: good, headers: append([]string{"Content-Encoding", "gzip"}, headers...), status: 400, code: "invalid_request"},
		{name: "100 KiB", body: good + "&x=" + strings.Repeat("x", 100<<10), headers: headers, status: 413, code: "invalid_request"},
	}
	for _, media := range []string{"text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded; charset=utf-16", ";"} {
		rows = append(rows, oauthRefusal{name: media, body: good, headers: append([]string{"Content-Type", media}, headers...), status: 400, code: "invalid_request"})
	}
	return rows
}

func manyParameters(n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = "p" + strings.Repeat("x", i) + "=1"
	}
	return strings.Join(parts, "&")
}

// inQuery are the refusals of parameters in the query.
func inQuery(path, good string, headers []string) []oauthRefusal {
	return []oauthRefusal{
		{name: "parameters in the query only", path: path + "?" + good, headers: headers, status: 400, code: "invalid_request"},
		{name: "a parameter in the query too", path: path + "?x=" + canary, body: good, headers: headers, status: 400, code: "invalid_request"},
		{name: "an empty query", path: path + "?", body: good, headers: headers, status: 400, code: "invalid_request"},
	}
}
