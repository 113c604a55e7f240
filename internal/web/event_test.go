package web_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

func TestRequestID(t *testing.T) {
	k := newKit(t, web.Config{})
	var inside string
	k.Handle(http.MethodGet, "/x", func(_ http.ResponseWriter, r *http.Request) error {
		inside = web.RequestID(r.Context())
		return nil
	})
	seen := map[string]bool{}
	for _, tc := range []struct {
		sent []string
		kept bool
	}{
		{[]string{"a"}, true},
		{[]string{"AZaz09._-"}, true},
		{[]string{strings.Repeat("a", 128)}, true},
		{nil, false},
		{[]string{""}, false},
		{[]string{strings.Repeat("a", 129)}, false},
		{[]string{"a b"}, false},
		{[]string{"a/b"}, false},
		{[]string{"é"}, false},
		{[]string{"a\r\nX: y"}, false},
		{[]string{`a","level":"ERROR`}, false},
		{[]string{"a", "a"}, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/x", nil)
		r.Header["X-Request-Id"] = tc.sent
		w := httptest.NewRecorder()
		k.ServeHTTP(w, r)
		got := w.Header().Get("X-Request-Id")
		if kept := len(tc.sent) == 1 && got == tc.sent[0]; kept != tc.kept || got != inside || got == "" || seen[got] {
			t.Errorf("%q: %q, inside %q", tc.sent, got, inside)
		}
		seen[got] = true
	}
	// Every response has it, and a problem repeats it.
	k.Handle(http.MethodGet, "/panic", func(http.ResponseWriter, *http.Request) error { panic("x") })
	for _, target := range []string{"/panic", "/none", "//", "/panic/"} {
		a := k.do(t, http.MethodGet, target, nil, "X-Request-Id: mine")
		if a.Header.Get("X-Request-Id") != "mine" || !strings.Contains(a.body, `"request_id":"mine"`) {
			t.Errorf("%s: %v %s", target, a.Header, a.body)
		}
	}
	if web.RequestID(context.Background()) != "" || web.RemoteIP(context.Background()).IsValid() {
		t.Error("a context without request has facts")
	}
	web.Note(context.Background(), slog.String("a", "b")) // goes nowhere
}

func TestRecord(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	var observed []web.Observation
	k := newKit(t, web.Config{
		Now: func() time.Time {
			now = now.Add(1500 * time.Microsecond)
			return now
		},
		Observe: func(o web.Observation) { observed = append(observed, o) },
	})
	k.Handle(http.MethodPost, "/things/{id}", func(w http.ResponseWriter, r *http.Request) error {
		if _, err := web.Body(r); err != nil {
			return err
		}
		web.Note(r.Context(), slog.String("client", "c\r\n\"injected\":1"), slog.Any("secret", identity.NewSecret(canary)))
		if r.PathValue("id") == "bad" {
			return identity.Errorf(identity.Conflict, "The name is taken.").Because(errors.New("line\nfeed"))
		}
		return web.WriteJSON(w, http.StatusCreated, 1)
	})
	serve := func(method, target string) {
		r := httptest.NewRequest(method, target, strings.NewReader(canary))
		r.Header.Set("X-Request-Id", "test")
		r.Header.Set("Authorization", "Bearer "+canary)
		r.Header.Set("User-Agent", canary)
		k.ServeHTTP(httptest.NewRecorder(), r)
	}
	serve("POST", "/things/"+canary+"?password="+canary)
	serve("POST", "/things/bad")
	serve("BREW", "/things/"+canary)
	serve("POST", "/"+canary+"?"+canary)

	base := func(m map[string]any) map[string]any {
		all := map[string]any{
			"msg": "request", "level": "INFO", "request_id": "test", "duration_ms": 1.5, "ip": "192.0.2.1", "bytes_in": 0.0,
		}
		for k, v := range m {
			all[k] = v
		}
		return all
	}
	notes := func(m map[string]any) map[string]any {
		m["client"], m["secret"], m["bytes_in"] = "c\r\n\"injected\":1", "[redacted]", float64(len(canary))
		return base(m)
	}
	want := []map[string]any{
		notes(map[string]any{"method": "POST", "route": "/things/{id}", "status": 201.0}),
		notes(map[string]any{"method": "POST", "route": "/things/{id}", "status": 409.0, "code": "conflict", "reason": "line\nfeed"}),
		base(map[string]any{"method": "other", "route": "/things/{id}", "status": 405.0, "code": "method_not_allowed"}),
		base(map[string]any{"method": "POST", "route": "unmatched", "status": 404.0, "code": "not_found"}),
	}
	got := k.records(t, 4)
	for _, r := range got {
		delete(r, "time")
		if r["bytes_out"].(float64) == 0 {
			t.Errorf("no bytes out: %v", r)
		}
		delete(r, "bytes_out")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if strings.Contains(k.log.String(), canary) {
		t.Errorf("a secret is in the log:\n%s", k.log)
	}
	d := 1500 * time.Microsecond
	if diff := cmp.Diff([]web.Observation{
		{"/things/{id}", "POST", 201, d}, {"/things/{id}", "POST", 409, d}, {"/things/{id}", "other", 405, d}, {"unmatched", "POST", 404, d},
	}, observed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The text format is one line a record too.
func TestTextLogCannotBeInjected(t *testing.T) {
	var log buffer
	rt, err := web.New(web.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	rt.Handle(http.MethodGet, "/x", func(_ http.ResponseWriter, r *http.Request) error {
		web.Note(r.Context(), slog.String("a", "b\nlevel=ERROR msg=forged"))
		return errors.New("c\r\nlevel=ERROR msg=forged")
	})
	rt.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/x", nil))
	if n := strings.Count(log.String(), "\n"); n != 1 || strings.Contains(log.String(), "\r") {
		t.Errorf("%d lines:\n%s", n, log.String())
	}
}

// A handler may note from several goroutines.
func TestNoteIsSafe(t *testing.T) {
	k := newKit(t, web.Config{})
	k.Handle(http.MethodGet, "/x", func(_ http.ResponseWriter, r *http.Request) error {
		done := make(chan struct{})
		for i := range 8 {
			go func() {
				web.Note(r.Context(), slog.Int(fmt.Sprint("n", i), i))
				done <- struct{}{}
			}()
		}
		for range 8 {
			<-done
		}
		return nil
	})
	k.do(t, http.MethodGet, "/x", nil)
	r := k.records(t, 1)[0]
	for i := range 8 {
		if r[fmt.Sprint("n", i)] != float64(i) {
			t.Errorf("note %d: %v", i, r)
		}
	}
}

func BenchmarkRouter(b *testing.B) {
	rt, err := web.New(web.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	rt.Handle(http.MethodGet, "/things/{id}", func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
	r := httptest.NewRequest(http.MethodGet, "/things/7", nil)
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		rt.ServeHTTP(w, r)
	}
}
