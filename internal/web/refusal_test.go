package web_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// Every refusal of a route is told of once, before its answer, with the request_id that
// the caller has; what the caller made up is not in it.
func TestRefusalsAreToldOf(t *testing.T) {
	var told []web.Refusal
	k := newKit(t, web.Config{Refused: func(_ context.Context, r web.Refusal) { told = append(told, r) }, AllowedOrigins: []string{"https://a.test"}})
	reason := identity.Refuse(identity.RefusedSecretWrong, canary)
	k.Handle(http.MethodPost, "/refused/{id}", func(_ http.ResponseWriter, r *http.Request) error {
		web.Proven(r.Context(), "ann")
		return identity.Errorf(identity.InvalidCredentials, "x").Because(reason)
	}, web.CORS)
	k.Handle(http.MethodPost, "/input", func(_ http.ResponseWriter, r *http.Request) error {
		o, err := web.ReadObject(r)
		if err != nil {
			return err
		}
		o.String("needed")
		return o.Err()
	})
	k.Handle(http.MethodGet, "/fine", func(http.ResponseWriter, *http.Request) error { return nil })
	k.Handle(http.MethodGet, "/broken", fails(errors.New(canary)))
	for _, c := range []struct {
		method, path string
		want         web.Refusal
		asked        []string
	}{
		{"POST", "/refused/1", web.Refusal{Method: "POST", Pattern: "/refused/{id}", Status: 401, Code: "invalid_credentials", Principal: "ann", Reason: reason}, nil},
		{"POST", "/input", web.Refusal{Method: "POST", Pattern: "/input", Status: 422, Code: "invalid_request",
			Text: "The request has invalid members. needed: is required. a name that is none: is not a member of this request."}, []string{"Content-Type: application/json"}},
		{"DELETE", "/fine", web.Refusal{Method: "DELETE", Pattern: "/fine", Status: 405, Code: "method_not_allowed", Text: "This route does not have that method."}, nil},
		{"OPTIONS", "/refused/1", web.Refusal{Method: "OPTIONS", Pattern: "/refused/{id}", Status: 405, Code: "method_not_allowed", Text: "This route does not have that method."},
			[]string{"Origin: https://b.test", "Access-Control-Request-Method: POST"}},
		{"GET", "/broken", web.Refusal{Method: "GET", Pattern: "/broken", Status: 500, Code: "internal", Text: "Something went wrong. The request id finds it in the log."}, nil},
	} {
		told = nil
		a := k.do(t, c.method, c.path, strings.NewReader(`{"`+canary+`":1}`), c.asked...)
		if len(told) != 1 {
			t.Errorf("%s %s: told of %d refusals", c.method, c.path, len(told))
			continue
		}
		got := told[0]
		if got.RequestID == "" || got.RequestID != a.Header.Get("X-Request-Id") || !got.IP.IsLoopback() || a.StatusCode != c.want.Status {
			t.Errorf("%s %s: %+v, answered with %d %q", c.method, c.path, got, a.StatusCode, a.Header.Get("X-Request-Id"))
		}
		got.RequestID, got.IP = "", c.want.IP
		if got != c.want {
			t.Errorf("%s %s:\n%+v, want\n%+v", c.method, c.path, got, c.want)
		}
	}
	told = nil
	k.do(t, "GET", "/fine", nil)
	k.do(t, "GET", "/"+canary, nil)
	if len(told) != 0 {
		t.Errorf("told of what was not refused by a route: %+v", told)
	}
}

// Who cannot be recorded is not let in, but where nothing is.
func TestAdmission(t *testing.T) {
	full := errors.New("")
	var told []web.Refusal
	k := newKit(t, web.Config{
		Admit:   func(context.Context) error { return &identity.Error{Kind: identity.Unavailable, Err: full} },
		Refused: func(_ context.Context, r web.Refusal) { told = append(told, r) },
	})
	inside := 0
	enter := func(http.ResponseWriter, *http.Request) error { inside++; return nil }
	k.Handle(http.MethodGet, "/a", enter)
	k.Handle(http.MethodGet, "/late", enter, web.Late)
	k.Handle(http.MethodGet, "/always", enter, web.Always)
	for path, want := range map[string]int{"/a": 503, "/late": 503, "/always": 200} {
		if a := k.do(t, "GET", path, nil); a.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, a.StatusCode, want)
		}
	}
	if inside != 1 || len(told) != 2 || told[0].Code != "unavailable" {
		t.Errorf("%d handlers were run; told of %+v", inside, told)
	}
}
