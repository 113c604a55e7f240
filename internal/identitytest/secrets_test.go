package identitytest_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"runtime/trace"
	"slices"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// No secret is anywhere that the service writes, whatever is asked of it, at any level of
// the log and in either of its forms, though every route is asked well, and badly with
// secrets in every place where none belongs.
func TestSecretsStayIn(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		t.Run(level.String(), func(t *testing.T) {
			d := newDriver(t, level, sqlite(t))
			d.drive(level == slog.LevelDebug)
			if level == slog.LevelDebug {
				d.limited()
				d.wantAllSeen()
			}
			d.wantNothing()
			d.Stop()
			d.search(d.files(), &d.nowhere) // what was in the log of the database is in its pages now
		})
	}
}

// The same with the database gone, whose errors have their own texts.
func TestSecretsStayInWithoutDatabase(t *testing.T) {
	d := newDriver(t, slog.LevelDebug, sqlite(t))
	specs := d.specs()
	type request struct {
		route      web.Route
		path, body string
	}
	var requests []request
	for _, route := range d.Routes {
		s := specs[route.Method+" "+route.Pattern].complete(route)
		requests = append(requests, request{route, s.path(), s.body()})
	}
	d.admin = d.AdminToken()
	d.wantNothing()
	d.must(d.Installation.DB.Close())
	for _, r := range requests {
		d.do(r.route, r.path, r.body)
		d.do(r.route, r.path, with(r.body, fmt.Sprintf("%q:1", d.mark)))
	}
	if !d.codes[identity.Internal.String()] && !d.codes[identity.Unavailable.String()] {
		t.Error("nothing failed")
	}
	d.search(map[string][]byte{"the log in JSON": []byte(d.Log.String()), "the log in text": []byte(d.TextLog.String()), "the answers": d.answers.Bytes()}, &d.nowhere, &d.inside)
}

// complete fills in what a spec leaves out.
func (s spec) complete(route web.Route) spec {
	if s.path == nil {
		s.path = always(route.Pattern)
	}
	if s.body == nil {
		s.body = always("")
	}
	return s
}

// What the execution tracer sees, which is made for others to look at, has no secrets either.
func TestSecretsStayOutOfTraces(t *testing.T) {
	d := newDriver(t, slog.LevelDebug, sqlite(t))
	var seen bytes.Buffer
	d.must(trace.Start(&seen))
	d.drive(false)
	trace.Log(t.Context(), "planted", "what is planted")
	trace.Stop()
	d.search(map[string][]byte{"the trace": seen.Bytes()}, &d.nowhere, &d.inside)
	var planted identitytest.Finder
	planted.Add("what is planted", "what is planted")
	if len(planted.Find(seen.Bytes())) == 0 {
		t.Error("what was planted in the trace is not found")
	}
}

// drive asks every route of the service, with everything in the wrong place, or of those
// where secrets are sent only.
func (d *driver) drive(all bool) {
	d.t.Helper()
	d.Logger.Error("the requests begin") // so that there is something in the log at every level
	name, password := "weak", d.marked()
	d.newUser(map[string]any{"username": name, "password": password})
	nobody := "Bearer " + d.Login(name, password, "")
	specs := d.specs()
	last := web.Route{Method: "DELETE", Pattern: "/api/sessions"} // ends the administrator's too
	for _, route := range append(slices.DeleteFunc(slices.Clone(d.Routes), func(r web.Route) bool { return r == last }), last) {
		name := route.Method + " " + route.Pattern
		s, known := specs[name]
		delete(specs, name)
		if !known {
			d.t.Errorf("%s: nobody says how it is asked; add it to specs", name)
			continue
		}
		s = s.complete(route)
		if path := s.path(); all || strings.HasPrefix(route.Pattern, "/auth/") {
			if etag := d.Get(path).Header.Get("ETag"); route.Method == "GET" && etag != "" {
				d.do(route, path, "", "If-None-Match", etag)
			}
			d.hostile(route, path, s.body())
			if strings.HasPrefix(route.Pattern, "/api/") {
				d.do(route, path, s.body(), "Authorization", nobody)
				d.do(route, path, s.body(), "If-Match", fmt.Sprintf("%q", d.mark))
			}
		}
		d.admin = d.AdminToken()
		if s.more != nil {
			s.more(func(path, body string) identitytest.Response {
				if path == "" {
					path = s.path()
				}
				return d.do(route, path, body)
			})
		}
		d.do(route, s.path(), s.body())
		d.admin = d.AdminToken()
	}
	for name := range specs {
		d.t.Errorf("%s is asked, and is no route", name)
	}
}
