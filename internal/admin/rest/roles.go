package rest

import (
	"net/http"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

func (h *Handler) roles() []Route {
	return []Route{
		{"GET", "/api/roles", identity.PermissionRolesRead, h.listRoles},
		{"POST", "/api/roles", identity.PermissionRolesWrite, h.createRole},
		{"GET", "/api/roles/{id}", identity.PermissionRolesRead, h.getRole},
		{"PATCH", "/api/roles/{id}", identity.PermissionRolesWrite, h.patchRole},
		{"DELETE", "/api/roles/{id}", identity.PermissionRolesWrite, h.deleteRole},
	}
}

func (h *Handler) listRoles(w http.ResponseWriter, r request) error {
	p, err := readPage(r.Request, "roles")
	if err != nil {
		return err
	}
	roles, err := h.admin.Roles(r.Context(), r.caller, p.after, p.limit+1)
	if err != nil {
		return err
	}
	return writePage(w, p, roles, func(role identity.Role) string { return role.Name }, viewRole)
}

func (h *Handler) createRole(w http.ResponseWriter, r request) error {
	o, err := r.object()
	if err != nil {
		return err
	}
	name, permissions := o.String("name"), o.Strings("permissions")
	o.Merge(web.NoQuery(r.Request))
	if err := o.Err(); err != nil {
		return err
	}
	role, err := h.admin.CreateRole(r.Context(), r.caller, name, permissions)
	if err != nil {
		return err
	}
	return write(w, http.StatusCreated, role.Version, viewRole(role))
}

func (h *Handler) getRole(w http.ResponseWriter, r request) error {
	if err := web.NoQuery(r.Request); err != nil {
		return err
	}
	role, err := h.admin.Role(r.Context(), r.caller, r.PathValue("id"))
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, role.Version, viewRole(role))
}

func (h *Handler) patchRole(w http.ResponseWriter, r request) error {
	o, err := r.object(mergePatch)
	if err != nil {
		return err
	}
	p := admin.RolePatch{Name: optionalString(o, "name"), Permissions: optionalList(o, "permissions")}
	o.Merge(web.NoQuery(r.Request))
	if err := o.Err(); err != nil {
		return err
	}
	role, err := h.admin.UpdateRole(r.Context(), r.caller, r.PathValue("id"), p, func(found identity.Role) error { return r.match(found.Version) })
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, role.Version, viewRole(role))
}

func (h *Handler) deleteRole(w http.ResponseWriter, r request) error {
	if err := r.nothing(); err != nil {
		return err
	}
	return done(w, h.admin.DeleteRole(r.Context(), r.caller, r.PathValue("id"), func(found identity.Role) error { return r.match(found.Version) }))
}

func viewRole(role identity.Role) api.Role {
	return api.Role{ID: role.ID, Name: role.Name, Permissions: role.Permissions, CreatedAt: role.CreatedAt, UpdatedAt: role.UpdatedAt}
}
