package rest

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/token"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// Handler serves the administration interface.
type Handler struct {
	admin  *admin.Service
	issuer *token.Issuer
}

// New makes a Handler.
func New(service *admin.Service, issuer *token.Issuer) (*Handler, error) {
	if service == nil || issuer == nil {
		return nil, errors.New("the administration interface needs the operations and a token issuer")
	}
	return &Handler{admin: service, issuer: issuer}, nil
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
	return []Route{
		{"GET", "/api/configuration", identity.PermissionConfigurationRead, h.getConfiguration},
		{"POST", "/api/configuration", identity.PermissionConfigurationWrite, h.postConfiguration},
		{"PATCH", "/api/configuration", identity.PermissionConfigurationWrite, h.patchConfiguration},
	}
}

// Routes registers the table.
func (h *Handler) Routes(r *web.Router) {
	for _, route := range h.Table() {
		r.Handle(route.Method, route.Pattern, h.guard(route))
	}
}

// guard makes the checks that come before a route's own: the size of the body,
// then who calls, then whether they may.
func (h *Handler) guard(route Route) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		body, err := web.Body(r)
		if err != nil {
			return err
		}
		caller, err := h.caller(r)
		if err != nil {
			return err
		}
		if err := caller.Require(route.Permission); err != nil {
			return err
		}
		return route.serve(w, request{r, caller, body})
	}
}

// caller returns who presents the bearer token (RFC 6750 section 2.1), which must
// have been issued for this service itself.
func (h *Handler) caller(r *http.Request) (identity.Caller, error) {
	bearer, _, err := web.BearerToken(r)
	if err != nil {
		return identity.Caller{}, err
	}
	claims, err := h.issuer.Verify(r.Context(), bearer)
	if err != nil {
		return identity.Caller{}, err
	}
	web.Note(r.Context(), slog.String("sub", claims.Subject))
	return identity.Caller{ID: claims.Subject, Permissions: claims.Permissions}, nil
}
