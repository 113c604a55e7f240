package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

func TestQuery(t *testing.T) {
	for _, tc := range []struct {
		query  string
		limit  string
		fields []string
	}{
		{"", "", nil},
		{"?", "", nil},
		{"?&&", "", nil},
		{"?limit=5", "5", nil},
		{"?limit=%35&cursor=a+b", "5", nil},
		{"?limit", "", nil},
		{"?limit=5&limit=5", "", []string{"query.limit invalid_value"}},
		{"?limit=5&limit=6&limit=7", "", []string{"query.limit invalid_value"}},
		{"?limit=%zz", "", []string{"query.limit invalid_value"}},
		{"?limit=%00", "", []string{"query.limit invalid_value"}},
		{"?limit=%ff", "", []string{"query.limit invalid_value"}},
		{"?Limit=5", "", []string{"query.Limit unknown"}},
		{"?limit=5;cursor=a", "5;cursor=a", nil}, // a semicolon separates nothing
		{"?b=1&a=2&b=3", "", []string{"query.b unknown", "query.a unknown"}},
		{"?limit=5&password=" + canary, "", []string{"query.password unknown"}},
		{"?=5", "", []string{"query.(not shown) unknown"}},
		{"?%zz=5", "", []string{"query.(not shown) unknown"}},
		{"?%0d%0aX=5", "", []string{"query.(not shown) unknown"}},
		{"?" + strings.Repeat("x", 65), "", []string{"query.(not shown) unknown"}},
	} {
		r := httptest.NewRequest(http.MethodGet, "/x"+tc.query, nil)
		values, err := web.Query(r, "limit", "cursor")
		if diff := cmp.Diff(tc.fields, fields(t, err)); diff != "" || values.Get("limit") != tc.limit {
			t.Errorf("%s: limit %q, fields (-want +got):\n%s", tc.query, values.Get("limit"), diff)
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", tc.query, err)
		}
		if err := web.NoQuery(r); (err == nil) != (strings.Trim(tc.query, "?&") == "") {
			t.Errorf("NoQuery %s: %v", tc.query, err)
		}
	}
}

func TestBearerToken(t *testing.T) {
	for _, tc := range []struct {
		name   string
		values []string
		token  string
		sent   bool
	}{
		{"none", nil, "", false},
		{"good", []string{"Bearer a.b-c_d~e+f/g=="}, "a.b-c_d~e+f/g==", true},
		{"lower case", []string{"bearer abc"}, "abc", true},
		{"upper case", []string{"BEARER abc"}, "abc", true},
		{"another scheme", []string{"Basic YTpi"}, "", false},
		{"a scheme that begins so", []string{"BearerX abc"}, "", false},
		{"no scheme", []string{"abc"}, "", false},
		{"empty", []string{""}, "", false},
		{"scheme alone", []string{"Bearer"}, "", true},
		{"scheme and space", []string{"Bearer "}, "", true},
		{"two spaces", []string{"Bearer  abc"}, "", true},
		{"tab", []string{"Bearer\tabc"}, "", false},
		{"trailing space", []string{"Bearer abc "}, "", true},
		{"two tokens", []string{"Bearer abc def"}, "", true},
		{"parameters", []string{`Bearer token="abc"`}, "", true},
		{"comma", []string{"Bearer abc,def"}, "", true},
		{"equals inside", []string{"Bearer a=b"}, "", true},
		{"equals alone", []string{"Bearer =="}, "", true},
		{"not ASCII", []string{"Bearer é"}, "", true},
		{"twice", []string{"Bearer abc", "Bearer abc"}, "", true},
		{"twice, one other", []string{"Basic YTpi", "Bearer abc"}, "", true},
	} {
		r := httptest.NewRequest(http.MethodGet, "/?access_token=query", strings.NewReader("access_token=body"))
		r.Header["Authorization"] = tc.values
		token, sent, err := web.BearerToken(r)
		if token.Reveal() != tc.token || sent != tc.sent || (err == nil) != (tc.token != "") {
			t.Errorf("%s: %q %v %v", tc.name, token.Reveal(), sent, err)
		}
		if err != nil && identity.KindOf(err) != identity.InvalidToken {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestChallenges(t *testing.T) {
	k := newKit(t, web.Config{})
	k.Handle(http.MethodGet, "/token", func(w http.ResponseWriter, r *http.Request) error {
		if _, _, err := web.BearerToken(r); err != nil {
			return err
		}
		return identity.Errorf(identity.InvalidToken, "It has expired.")
	})
	k.Handle(http.MethodGet, "/permission", fails(identity.Errorf(identity.InsufficientPermission, "No.")))
	k.Handle(http.MethodGet, "/credentials", fails(identity.Errorf(identity.InvalidCredentials, "No.")))
	k.Handle(http.MethodGet, "/audience", fails(identity.Errorf(identity.InvalidAudience, "No.")))
	for _, tc := range []struct {
		target  string
		headers []string
		status  int
		want    string
	}{
		{"/token", nil, 401, `Bearer realm="identity"`},
		{"/token", []string{"Authorization: Basic YTpi"}, 401, `Bearer realm="identity"`},
		{"/token", []string{"Authorization: Bearer abc"}, 401, `Bearer realm="identity", error="invalid_token"`},
		{"/token", []string{"Authorization: Bearer !"}, 401, `Bearer realm="identity", error="invalid_token"`},
		{"/permission", []string{"Authorization: Bearer abc"}, 403, `Bearer realm="identity", error="insufficient_scope"`},
		{"/credentials", nil, 401, `Identity realm="identity"`},
		{"/credentials", []string{"Authorization: Bearer abc"}, 401, `Identity realm="identity"`},
		{"/audience", nil, 403, ""},
	} {
		a := k.do(t, http.MethodGet, tc.target, nil, tc.headers...)
		if got := a.Header.Get("WWW-Authenticate"); a.StatusCode != tc.status || got != tc.want {
			t.Errorf("%s %v: %d %q, want %q", tc.target, tc.headers, a.StatusCode, got, tc.want)
		}
	}
}

func TestCheckMatch(t *testing.T) {
	const etag = `"7"`
	for _, tc := range []struct {
		lines []string
		want  bool
	}{
		{nil, true},
		{[]string{`*`}, true},
		{[]string{` * `}, true},
		{[]string{`"7"`}, true},
		{[]string{`"6", "7"`}, true},
		{[]string{`"6" ,, "7" ,`}, true},
		{[]string{`"6"`, `"7"`}, true},
		{[]string{`"a,b","7"`}, true},
		{[]string{`W/"6","7"`}, true},
		{[]string{``}, false},
		{[]string{`,`}, false},
		{[]string{`"6"`}, false},
		{[]string{`W/"7"`}, false},
		{[]string{`w/"7"`}, false},
		{[]string{`7`}, false},
		{[]string{`"7`}, false},
		{[]string{`"7""7"`}, false},
		{[]string{`"7" x`}, false},
		{[]string{`"x,"7","`}, false},
		{[]string{`*, "7"`}, false},
		{[]string{`"7", *`}, false},
		{[]string{`"77"`}, false},
	} {
		r := httptest.NewRequest(http.MethodPatch, "/", nil)
		r.Header["If-Match"] = tc.lines
		err := web.CheckMatch(r, etag)
		if (err == nil) != tc.want || err != nil && identity.KindOf(err) != identity.PreconditionFailed {
			t.Errorf("%q: %v", tc.lines, err)
		}
	}
}
