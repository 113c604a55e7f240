package web_test

import (
	"bufio"
	"context"
	"errors"
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

const canary = "canary-4f9d1c"

func TestProblemOfEveryKind(t *testing.T) {
	k := newKit(t, web.Config{})
	want := map[string]int{
		"internal": 500, "invalid_json": 400, "invalid_credentials": 401, "invalid_refresh_token": 401, "invalid_token": 401,
		"insufficient_permission": 403, "invalid_audience": 403, "password_change_required": 403, "not_found": 404, "method_not_allowed": 405,
		"invalid_scope": 403, "unauthorized_client": 403, "unsupported_grant_type": 400, "unsupported_token_type": 400,
		"conflict": 409, "precondition_failed": 412, "payload_too_large": 413, "unsupported_media_type": 415,
		"invalid_request": 422, "rate_limited": 429, "overloaded": 503, "unavailable": 503,
	}
	var bodies strings.Builder
	seen := 0
	for kind := identity.Internal; kind == identity.Internal || kind.String() != identity.Internal.String(); kind++ {
		seen++
		code := kind.String()
		k.Handle(http.MethodGet, "/bare/"+code, fails(&identity.Error{Kind: kind}))
		k.Handle(http.MethodGet, "/said/"+code, func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("ETag", `"1"`)
			w.Header().Set("Cache-Control", "public, max-age=300")
			return fmt.Errorf("handling: %w", &identity.Error{
				Kind: kind, Message: "A message.", Err: errors.New(canary), RetryAfter: 1001 * time.Millisecond,
				Fields: []identity.FieldError{{Loc: []string{"body", "name"}, Message: "is required", Type: identity.FieldMissing}},
			})
		})
		for _, form := range []string{"bare", "said"} {
			a := k.do(t, http.MethodGet, "/"+form+"/"+code, nil, "X-Request-Id: test")
			bodies.WriteString(a.body)
			if a.StatusCode != want[code] {
				t.Errorf("%s: status %d, want %d", code, a.StatusCode, want[code])
			}
			h := a.Header
			if h.Get("Content-Type") != "application/problem+json" || h.Get("Cache-Control") != "no-store" || h.Get("ETag") != "" {
				t.Errorf("%s: headers %v", code, h)
			}
			if got := h.Get("WWW-Authenticate") != ""; a.StatusCode == 401 && !got {
				t.Errorf("%s: a 401 without WWW-Authenticate", code)
			}
			wantRetry := ""
			if a.StatusCode == 503 || a.StatusCode == 429 {
				wantRetry = map[string]string{"bare": "1", "said": "2"}[form]
			}
			if got := h.Get("Retry-After"); got != wantRetry {
				t.Errorf("%s: Retry-After %q, want %q", code, got, wantRetry)
			}
			if strings.Contains(a.body, canary) {
				t.Errorf("%s: the inner reason is in the body: %s", code, a.body)
			}
		}
	}
	golden(t, "problems.jsonl", bodies.String())
	if seen != len(want) {
		t.Errorf("%d kinds, %d expected statuses", seen, len(want))
	}
	for _, r := range k.records(t, 2*seen) {
		if r["reason"] == nil && strings.HasPrefix(r["route"].(string), "/said/") {
			t.Errorf("the inner reason is not in the log: %v", r)
		}
		if wantLevel := map[bool]string{true: "ERROR", false: "INFO"}[r["status"].(float64) >= 500]; r["level"] != wantLevel {
			t.Errorf("level %v, want %v: %v", r["level"], wantLevel, r)
		}
	}
}

// Every cause of a refused proof is the same bytes.
func TestInvalidCredentialsAreOne(t *testing.T) {
	k := newKit(t, web.Config{})
	causes := []error{
		identity.Errorf(identity.InvalidCredentials, "The user is unknown."),
		identity.Errorf(identity.InvalidCredentials, "The password is wrong.").Because(errors.New(canary)),
		fmt.Errorf("client %s: %w", canary, &identity.Error{
			Kind: identity.InvalidCredentials, RetryAfter: time.Hour,
			Fields: []identity.FieldError{{Loc: []string{"body", canary}, Message: canary, Type: identity.FieldInvalidValue}},
		}),
	}
	var bodies, headers []string
	for i, err := range causes {
		pattern := fmt.Sprintf("/%d", i)
		k.Handle(http.MethodPost, pattern, fails(err))
		a := k.do(t, http.MethodPost, pattern, nil, "X-Request-Id: same")
		a.Header.Del("Date")
		bodies, headers = append(bodies, a.body), append(headers, fmt.Sprint(a.Header))
	}
	for i := range causes {
		if bodies[i] != bodies[0] || headers[i] != headers[0] {
			t.Errorf("cause %d differs:\n%s%s\n%s%s", i, bodies[i], headers[i], bodies[0], headers[0])
		}
	}
}

func TestUnknownErrorsAndPanicsAreWithheld(t *testing.T) {
	k := newKit(t, web.Config{})
	k.Handle(http.MethodGet, "/error", fails(errors.New("sql: "+canary)))
	k.Handle(http.MethodGet, "/panic", func(http.ResponseWriter, *http.Request) error { panic(canary) })
	k.Handle(http.MethodGet, "/encode", func(w http.ResponseWriter, _ *http.Request) error {
		return web.WriteJSON(w, http.StatusOK, map[string]any{canary: func() {}})
	})
	k.Handle(http.MethodGet, "/kind", fails(&identity.Error{Kind: 99, Message: canary, Err: errors.New("x")}))
	k.Handle(http.MethodGet, "/internal", fails(identity.Errorf(identity.Internal, canary)))
	for i, path := range []string{"/error", "/panic", "/encode", "/kind", "/internal"} {
		a := k.do(t, http.MethodGet, path, nil)
		if a.StatusCode != 500 || a.code(t) != "internal" || strings.Contains(a.body, canary) || strings.Contains(a.body, ".go") {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
		}
		r := k.records(t, i+1)[i]
		if r["request_id"] != a.Header.Get("X-Request-Id") || r["code"] != "internal" || r["level"] != "ERROR" || r["reason"] == nil {
			t.Errorf("%s: log %v", path, r)
		}
		if stack, _ := r["stack"].(string); (path == "/panic") != strings.Contains(stack, "problem_test.go") {
			t.Errorf("%s: stack %q", path, stack)
		}
	}
}

// When the status is already out, the response is cut and never looks whole.
func TestErrorAfterTheResponseBeganCutsIt(t *testing.T) {
	k := newKit(t, web.Config{})
	k.Handle(http.MethodGet, "/error", func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = w.Write([]byte("half"))
		return errors.New(canary)
	})
	k.Handle(http.MethodGet, "/panic", func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = w.Write([]byte("half"))
		panic(canary)
	})
	k.Handle(http.MethodGet, "/flushed", func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = w.Write([]byte("half"))
		_ = http.NewResponseController(w).Flush()
		panic(canary)
	})
	for i, path := range []string{"/error", "/panic", "/flushed"} {
		reply, closed := k.raw(t, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(reply)), nil)
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		if err == nil || !closed || strings.Contains(reply, canary) || strings.Contains(reply, "half") != (path == "/flushed") {
			t.Errorf("%s: %v, reply %q", path, err, reply)
		}
		if r := k.records(t, i+1)[i]; r["status"] != 500.0 || r["level"] != "ERROR" {
			t.Errorf("%s: log %v", path, r)
		}
	}
	if got := len(k.records(t, 3)); got != 3 {
		t.Errorf("%d log records, want one a request", got)
	}
}

func TestContextErrors(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	canceled := fmt.Errorf("querying: %w", context.Canceled)
	for name, tc := range map[string]struct {
		ctx    context.Context
		err    error
		status int
		logged float64
		level  string
	}{
		"deadline":               {t.Context(), fmt.Errorf("querying: %w", context.DeadlineExceeded), 503, 503, "ERROR"},
		"caller gone":            {gone, canceled, 500, 499, "INFO"},
		"caller gone, wrapped":   {gone, &identity.Error{Kind: identity.Unavailable, Err: canceled}, 503, 499, "INFO"},
		"cancelled on this side": {t.Context(), canceled, 500, 500, "ERROR"},
		"gone but other failure": {gone, errors.New("broken"), 500, 500, "ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			var seen web.Observation
			k := newKit(t, web.Config{Observe: func(o web.Observation) { seen = o }})
			k.Handle(http.MethodGet, "/x", fails(tc.err))
			w := httptest.NewRecorder()
			k.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/x", nil).WithContext(tc.ctx))
			r := k.records(t, 1)[0]
			if w.Code != tc.status || r["status"] != tc.logged || r["level"] != tc.level || float64(seen.Status) != tc.logged {
				t.Errorf("status %d, observed %d, log %v", w.Code, seen.Status, r)
			}
		})
	}
}

func TestProblemNamesABoundedNumberOfFields(t *testing.T) {
	k := newKit(t, web.Config{})
	k.Handle(http.MethodPost, "/x", func(_ http.ResponseWriter, r *http.Request) error {
		o, err := web.ReadObject(r)
		if err != nil {
			return err
		}
		return o.Err()
	})
	var body strings.Builder
	for i := range 500 {
		fmt.Fprintf(&body, `,"m%d":1`, i)
	}
	a := k.do(t, http.MethodPost, "/x", strings.NewReader("{"+body.String()[1:]+"}"), "Content-Type: application/json")
	if n := strings.Count(a.body, `"loc"`); a.StatusCode != 422 || n != 64 {
		t.Errorf("%d with %d fields", a.StatusCode, n)
	}
}
