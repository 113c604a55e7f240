package rest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/bearer"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// Handler serves the administration interface.
type Handler struct {
	admin  *admin.Service
	caller Callers
}

// Callers finds out on whose behalf a request comes.
type Callers func(*http.Request) (identity.Caller, error)

// New makes a Handler.
func New(service *admin.Service, callers Callers) (*Handler, error) {
	if service == nil || callers == nil {
		return nil, errors.New("the administration interface needs the operations and a way to know callers")
	}
	return &Handler{admin: service, caller: callers}, nil
}

// Route is one route and the permission without which nobody gets past its door.
type Route struct {
	Method, Pattern, Permission string

	serve func(w http.ResponseWriter, r request) error
}

// request is a request whose body has been read and whose caller is known.
type request struct {
	*http.Request
	caller identity.Caller
	body   []byte
}

// Table lists every route.
func (h *Handler) Table() []Route {
	return slices.Concat(h.configuration(), h.users(), h.clients(), h.credentials(), h.roles(), h.audiences(), h.sessions(), h.revocations(), h.keys(), h.throttles(), h.audit(), h.leak(), h.health(), h.declaration())
}

// Routes registers the table.
func (h *Handler) Routes(r *web.Router) {
	for _, route := range h.Table() {
		r.Handle(route.Method, route.Pattern, h.guard(route))
	}
}

// guard makes the checks that come before a route's own: the size of the body,
// then who calls, then whether they may. A body that is larger than those of others is
// read only of those who may.
func (h *Handler) guard(route Route) web.Handler {
	most := web.MaxBody
	if route.Pattern == declarationPattern {
		most = maxDeclaration
	}
	var again repeat
	if route.Method == http.MethodPost {
		again = h.repeats()[route.Pattern]
	}
	return func(w http.ResponseWriter, r *http.Request) (err error) {
		known := request{Request: r}
		read := func() error {
			known.body, err = web.BodyUpTo(r, most)
			return err
		}
		if most == web.MaxBody && read() != nil {
			return err
		}
		if known.caller, err = h.caller(r); err != nil {
			return err
		}
		if err := known.caller.Require(route.Permission); err != nil {
			return err
		}
		if most > web.MaxBody && read() != nil {
			return err
		}
		if err := h.reach(route, known); err != nil {
			return err
		}
		return h.once(route, again, w, known)
	}
}

// reach makes the checks of 404 and 403 that need no look at the body, so that they come
// before what is wrong with it: whether there is the thing that the route changes, and
// whether the caller may change it.
func (h *Handler) reach(route Route, r request) error {
	may := map[string]func(context.Context, identity.Caller, string) error{
		identity.PermissionUsersWrite: h.admin.MayChangeUser, identity.PermissionClientsWrite: h.admin.MayChangeClient,
		identity.PermissionRolesWrite: h.admin.MayChangeRole, identity.PermissionAudiencesWrite: h.admin.MayChangeAudience,
	}[route.Permission]
	if route.Permission == identity.PermissionSessionsWrite {
		may = h.admin.MayEndSession
		if strings.HasPrefix(route.Pattern, "/api/users/") {
			may = h.admin.MayChangeUser
		}
	}
	id := r.PathValue("id")
	if may == nil || id == "" {
		return nil
	}
	return may(r.Context(), r.caller, id)
}

// Bearers knows callers by their bearer token (RFC 6750 section 2.1), which must have
// been issued for this service itself. What they may is what the token says, as far as
// it is still true: whoever has been disabled, or lost a permission, has lost it for
// the tokens that are out too, and a token whose session has ended is worth nothing.
// What an address gets wrong is limited.
func Bearers(checker *bearer.Checker) Callers {
	return func(r *http.Request) (_ identity.Caller, err error) {
		presented, sent, err := web.BearerToken(r)
		if !sent {
			return identity.Caller{}, err
		}
		end, limited := checker.Limited(r.Context())
		if limited != nil {
			return identity.Caller{}, limited
		}
		defer func() { end(err) }()
		if err != nil {
			return identity.Caller{}, err
		}
		claims, err := checker.Here(r.Context(), presented)
		if err != nil {
			return identity.Caller{}, err
		}
		web.Proven(r.Context(), claims.Subject)
		return identity.Caller{ID: claims.Subject, Permissions: claims.Permissions}, nil
	}
}

// Local takes every request as one of the same caller, who needs no further proof: for
// the command line, which has the database and its encryption key in hand.
func Local(caller identity.Caller) Callers {
	return func(*http.Request) (identity.Caller, error) { return caller, nil }
}
