package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// checkTimeout is how long a readiness check may take.
const checkTimeout = 2 * time.Second

// healthRoutes registers /healthz, which says that the process is alive, and
// /readyz, which says whether it can serve; details names what it cannot do.
func (s *Server) healthRoutes(r *web.Router, details bool) {
	r.Handle("GET", "/healthz", func(w http.ResponseWriter, r *http.Request) error {
		if err := web.NoQuery(r); err != nil {
			return err
		}
		return web.WriteJSON(w, http.StatusOK, api.Health{Status: "alive"})
	}, web.Always)
	r.Handle("GET", "/readyz", func(w http.ResponseWriter, r *http.Request) error {
		if err := web.NoQuery(r); err != nil {
			return err
		}
		checks, failing := s.check(r.Context())
		if len(failing) > 0 {
			message := "The service is not ready."
			if details {
				message = "The service is not ready: " + strings.Join(failing, ", ") + "."
			}
			return &identity.Error{Kind: identity.Unavailable, Message: message, RetryAfter: time.Second}
		}
		if !details {
			checks = nil
		}
		return web.WriteJSON(w, http.StatusOK, api.Health{Status: "ready", Checks: checks})
	}, web.Always)
}

// check reports what the service needs in order to issue tokens.
func (s *Server) check(ctx context.Context) (checks map[string]string, failing []string) {
	checks = map[string]string{}
	report := func(name string, ok bool) {
		if ok {
			checks[name] = "ok"
		} else {
			failing = append(failing, name)
		}
	}
	report("accepting requests", !s.draining.Load())
	needs := s.look(ctx)
	report("database", needs.database == nil)
	if needs.database != nil {
		return checks, failing // nothing can be said of what is in it
	}
	report("signing key", needs.key == nil)
	return checks, failing
}

// needs is what is wrong with what a token needs; nil is nothing.
type needs struct {
	database, key error
}

// look asks the database, once for all who ask at the same time: strangers may, and a
// database that is slow must not spend its connections on saying so.
func (s *Server) look(ctx context.Context) needs {
	found, _, _ := s.looking.Do("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
		defer cancel()
		var n needs
		if _, n.database = s.in.DB.Revision(ctx); n.database == nil {
			_, n.key = s.in.Ring.Active(ctx)
		}
		return n, nil
	})
	return found.(needs)
}
