package rest

import (
	"net/http"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

func (h *Handler) audiences() []Route {
	return []Route{
		{"GET", "/api/audiences", identity.PermissionAudiencesRead, h.listAudiences},
		{"POST", "/api/audiences", identity.PermissionAudiencesWrite, h.createAudience},
		{"GET", "/api/audiences/{id}", identity.PermissionAudiencesRead, h.getAudience},
		{"PATCH", "/api/audiences/{id}", identity.PermissionAudiencesWrite, h.patchAudience},
		{"DELETE", "/api/audiences/{id}", identity.PermissionAudiencesWrite, h.deleteAudience},
	}
}

func (h *Handler) listAudiences(w http.ResponseWriter, r request) error {
	p, err := readPage(r.Request, "audiences")
	if err != nil {
		return err
	}
	audiences, err := h.admin.Audiences(r.Context(), r.caller, p.after, p.limit+1)
	if err != nil {
		return err
	}
	return writePage(w, p, audiences, func(a identity.AudiencePolicy) string { return a.Audience }, viewAudience)
}

func (h *Handler) createAudience(w http.ResponseWriter, r request) error {
	o, err := r.object()
	if err != nil {
		return err
	}
	n := admin.NewAudience{Audience: o.String("audience"), Name: o.String("name")}
	if list := nullableList(o, "permissions"); list != nil && *list != nil {
		n.Permissions = **list
	}
	if d := expiration(o); d != nil {
		n.Expiration = *d
	}
	if algorithm := nullableString(o, "algorithm"); algorithm != nil {
		n.Algorithm = *algorithm
	}
	if client := nullableString(o, "introspection_client"); client != nil {
		n.IntrospectionClient = *client
	}
	o.Merge(web.NoQuery(r.Request))
	if err := o.Err(); err != nil {
		return err
	}
	a, err := h.admin.CreateAudience(r.Context(), r.caller, n)
	if err != nil {
		return err
	}
	return write(w, http.StatusCreated, a.Version, viewAudience(a))
}

func (h *Handler) getAudience(w http.ResponseWriter, r request) error {
	if err := web.NoQuery(r.Request); err != nil {
		return err
	}
	a, err := h.admin.AudiencePolicy(r.Context(), r.caller, r.PathValue("id"))
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, a.Version, viewAudience(a))
}

func (h *Handler) patchAudience(w http.ResponseWriter, r request) error {
	o, err := r.object(mergePatch)
	if err != nil {
		return err
	}
	p := admin.AudiencePatch{
		Name: optionalString(o, "name"), Permissions: nullableList(o, "permissions"), Expiration: expiration(o), Algorithm: nullableString(o, "algorithm"),
		IntrospectionClient: nullableString(o, "introspection_client"),
	}
	o.Merge(web.NoQuery(r.Request))
	if err := o.Err(); err != nil {
		return err
	}
	a, err := h.admin.UpdateAudience(r.Context(), r.caller, r.PathValue("id"), p, func(found identity.AudiencePolicy) error { return r.match(found.Version) })
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, a.Version, viewAudience(a))
}

func (h *Handler) deleteAudience(w http.ResponseWriter, r request) error {
	if err := r.nothing(); err != nil {
		return err
	}
	return done(w, h.admin.DeleteAudience(r.Context(), r.caller, r.PathValue("id"), func(found identity.AudiencePolicy) error { return r.match(found.Version) }))
}

// nullableList reads a list that may be null: nil where it is absent, a nil list for
// null.
func nullableList(o *web.Object, name string) **[]string {
	if o.Null(name) {
		return new(*[]string)
	}
	list := optionalList(o, name)
	if list == nil {
		return nil
	}
	return &list
}

// nullableString reads a string that may be null: nil where it is absent, empty for
// null.
func nullableString(o *web.Object, name string) *string {
	if o.Null(name) {
		return new(string)
	}
	text := optionalString(o, name)
	if text != nil && *text == "" {
		o.Invalid(name, "must not be empty; null says nothing")
	}
	return text
}

func viewAudience(a identity.AudiencePolicy) api.Audience {
	view := api.Audience{
		ID: a.ID, Audience: a.Audience, Name: a.Name, TokenExpiration: optionalSeconds(a.Expiration), CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
	if a.Permissions != nil {
		list := api.List[string](a.Permissions)
		view.Permissions = &list
	}
	if a.Algorithm != "" {
		view.Algorithm = &a.Algorithm
	}
	if a.IntrospectionClient != "" {
		view.IntrospectionClient = &a.IntrospectionClient
	}
	return view
}
