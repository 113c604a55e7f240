package web_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

const jsonType = "Content-Type: application/json"

// login is a handler as the product has them under /auth.
func login(w http.ResponseWriter, r *http.Request) error {
	o, err := web.ReadObject(r)
	if err != nil {
		return err
	}
	o.Merge(web.NoQuery(r))
	o.String("username")
	o.Secret("password")
	o.OptionalString("audience")
	if err := o.Err(); err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusOK, nil)
}

// unsized hides the length of a body, so that it is sent in chunks.
type unsized struct{ io.Reader }

func TestBadInput(t *testing.T) {
	k := newKit(t, web.Config{})
	k.Handle(http.MethodPost, "/auth/login", login)
	const good = `{"username":"` + canary + `","password":"` + canary + `"}`
	big := strings.Repeat(" ", web.MaxBody-len(good)) + good
	for _, tc := range []struct {
		name    string
		target  string
		body    string
		headers []string
		status  int
		code    string
	}{
		{"good", "", good, []string{jsonType}, 200, ""},
		{"good, with charset", "", good, []string{"Content-Type: Application/JSON; Charset=UTF-8"}, 200, ""},
		{"good, with quoted charset", "", good, []string{`Content-Type: application/json;charset="utf-8"`}, 200, ""},
		{"the largest body", "", big, []string{jsonType}, 200, ""},
		{"one byte more", "", big + " ", []string{jsonType}, 413, "payload_too_large"},
		{"10 MB", "", strings.Repeat(canary, 10<<20/len(canary)), []string{jsonType}, 413, "payload_too_large"},
		{"too large and of no known type", "", big + " ", []string{"Content-Type: text/plain"}, 413, "payload_too_large"},
		{"text/plain", "", good, []string{"Content-Type: text/plain"}, 415, "unsupported_media_type"},
		{"a form", "", "username=a&password=" + canary, []string{"Content-Type: application/x-www-form-urlencoded"}, 415, "unsupported_media_type"},
		{"no type", "", good, nil, 415, "unsupported_media_type"},
		{"broken type", "", good, []string{"Content-Type: application/json; charset"}, 415, "unsupported_media_type"},
		{"two types", "", good, []string{jsonType, jsonType}, 415, "unsupported_media_type"},
		{"two types in one", "", good, []string{"Content-Type: application/json, text/plain"}, 415, "unsupported_media_type"},
		{"another charset", "", good, []string{"Content-Type: application/json; charset=latin1"}, 415, "unsupported_media_type"},
		{"empty charset", "", good, []string{"Content-Type: application/json; charset="}, 415, "unsupported_media_type"},
		{"another parameter", "", good, []string{"Content-Type: application/json; q=1"}, 415, "unsupported_media_type"},
		{"a merge patch where none is taken", "", good, []string{"Content-Type: application/merge-patch+json"}, 415, "unsupported_media_type"},
		{"a suffix", "", good, []string{"Content-Type: application/problem+json"}, 415, "unsupported_media_type"},
		{"gzip", "", "\x1f\x8b\x08" + canary, []string{jsonType, "Content-Encoding: gzip"}, 415, "unsupported_media_type"},
		{"identity coding", "", good, []string{jsonType, "Content-Encoding: identity"}, 415, "unsupported_media_type"},
		{"empty coding", "", good, []string{jsonType, "Content-Encoding: "}, 415, "unsupported_media_type"},
		{"wrong type before bad JSON", "", "{", []string{"Content-Type: text/plain"}, 415, "unsupported_media_type"},
		{"bad JSON before a query", "?a=b", "{", []string{jsonType}, 400, "invalid_json"},
		{"empty", "", "", []string{jsonType}, 400, "invalid_json"},
		{"an array", "", "[]", []string{jsonType}, 400, "invalid_json"},
		{"cut off", "", good[:20], []string{jsonType}, 400, "invalid_json"},
		{"two objects", "", good + good, []string{jsonType}, 400, "invalid_json"},
		{"credentials in the query", "?password=" + canary + "&" + canary + "=1", good, []string{jsonType}, 422, "invalid_request"},
		{"credentials in the query only", "?username=a&password=" + canary, "{}", []string{jsonType}, 422, "invalid_request"},
		{"members missing", "", `{}`, []string{jsonType}, 422, "invalid_request"},
		{"a member in other case", "", `{"username":"a","password":"` + canary + `","Password":"b"}`, []string{jsonType}, 422, "invalid_request"},
		{"a number for a string", "", `{"username":1,"password":"` + canary + `"}`, []string{jsonType}, 422, "invalid_request"},
		{"null", "", `{"username":null,"password":"` + canary + `"}`, []string{jsonType}, 422, "invalid_request"},
	} {
		for _, form := range []string{"sized", "chunked"} {
			var body io.Reader = strings.NewReader(tc.body)
			if form == "chunked" {
				body = unsized{body}
			}
			a := k.do(t, http.MethodPost, "/auth/login"+tc.target, body, tc.headers...)
			if a.StatusCode != tc.status || tc.code != "" && a.code(t) != tc.code {
				t.Errorf("%s, %s: %d %s", tc.name, form, a.StatusCode, a.body)
			}
			shown := strings.ReplaceAll(a.body, `["query","`+canary+`"]`, "") // names are shown, values are not
			if strings.Contains(shown, canary) {
				t.Errorf("%s, %s: the body echoes: %s", tc.name, form, a.body)
			}
		}
	}
	if strings.Contains(k.log.String(), canary) {
		t.Errorf("a value is in the log:\n%s", k.log)
	}
}

func TestQueryAndMembersAreReportedTogether(t *testing.T) {
	k := newKit(t, web.Config{})
	k.Handle(http.MethodPost, "/auth/login", login)
	a := k.do(t, http.MethodPost, "/auth/login?token=x", strings.NewReader(`{"password":7,"admin":true}`), jsonType, "X-Request-Id: test")
	golden(t, "together.json", a.body)
}

// An announced body beyond the limit is refused before it is sent.
func TestTooLargeIsSaidAtOnce(t *testing.T) {
	k := newKit(t, web.Config{})
	k.Handle(http.MethodPost, "/x", login)
	head := fmt.Sprintf("POST /x HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", web.MaxBody+1)
	for name, text := range map[string]string{"plain": head + "\r\n", "expecting": head + "Expect: 100-continue\r\n\r\n"} {
		if res := k.first(t, text); res.StatusCode != 413 || !res.Close {
			t.Errorf("%s: %d, close %v", name, res.StatusCode, res.Close)
		}
	}
	for _, r := range k.records(t, 2) {
		if r["bytes_in"] != 0.0 {
			t.Errorf("log %v", r)
		}
	}
}

// A body that breaks off or does not come is the caller's fault, not a 500.
func TestBodyThatDoesNotCome(t *testing.T) {
	k := newKit(t, web.Config{})
	k.Handle(http.MethodPost, "/x", login)
	slow := httptest.NewUnstartedServer(k.Router)
	slow.Config.ReadTimeout = 500 * time.Millisecond // the head must be there before, on a busy machine too
	slow.Start()
	t.Cleanup(slow.Close)
	k.addr = slow.Listener.Addr().String()
	const head = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
	for name, text := range map[string]string{
		"slow":          head + "Content-Length: 100\r\n\r\n{",
		"broken chunks": head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
	} {
		if reply, closed := k.raw(t, text); !strings.HasPrefix(reply, "HTTP/1.1 400 ") || !strings.Contains(reply, "invalid_json") || !closed {
			t.Errorf("%s: closed %v, %q", name, closed, reply)
		}
	}
}

func TestEmptyBody(t *testing.T) {
	k := newKit(t, web.Config{})
	k.Handle(http.MethodPost, "/x", func(w http.ResponseWriter, r *http.Request) error {
		if err := web.EmptyBody(r); err != nil {
			return err
		}
		return web.WriteJSON(w, http.StatusOK, nil)
	})
	for body, want := range map[string]int{"": 200, " ": 422, "{}": 422, strings.Repeat("a", web.MaxBody+1): 413} {
		for _, r := range []io.Reader{strings.NewReader(body), unsized{strings.NewReader(body)}} {
			if a := k.do(t, http.MethodPost, "/x", r); a.StatusCode != want {
				t.Errorf("%.10q: %d %s", body, a.StatusCode, a.body)
			}
		}
	}
}

func TestRequireJSONTakesOtherTypes(t *testing.T) {
	for mediaType, want := range map[string]bool{
		"application/json": true, "application/merge-patch+json": true, "application/merge-patch+json; charset=utf-8": true,
		"application/json-patch+json": false, "": false,
	} {
		r := httptest.NewRequest(http.MethodPatch, "/", bytes.NewReader(nil))
		r.Header.Set("Content-Type", mediaType)
		err := web.RequireJSON(r, "application/merge-patch+json")
		if (err == nil) != want || err != nil && identity.KindOf(err) != identity.UnsupportedMediaType {
			t.Errorf("%q: %v", mediaType, err)
		}
	}
}

func TestWriteJSON(t *testing.T) {
	w := httptest.NewRecorder()
	if err := web.WriteJSON(w, http.StatusCreated, map[string]string{"a": "<&>é"}); err != nil {
		t.Fatal(err)
	}
	if w.Code != 201 || w.Body.String() != "{\"a\":\"<&>é\"}\n" || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Content-Length") != "14" {
		t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
	}
}
