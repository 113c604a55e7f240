package rest

import (
	"net/http"
	"strings"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

func (h *Handler) users() []Route {
	return []Route{
		{"GET", "/api/users", identity.PermissionUsersRead, h.listUsers},
		{"POST", "/api/users", identity.PermissionUsersWrite, h.createUser},
		{"GET", "/api/users/{id}", identity.PermissionUsersRead, h.getUser},
		{"PATCH", "/api/users/{id}", identity.PermissionUsersWrite, h.patchUser},
		{"DELETE", "/api/users/{id}", identity.PermissionUsersWrite, h.deleteUser},
	}
}

func (h *Handler) listUsers(w http.ResponseWriter, r request) error {
	p, err := readPage(r.Request, "users", "username", "enabled")
	if err != nil {
		return err
	}
	f := store.UserFilter{After: p.after, Limit: p.limit + 1}
	if f.Enabled, err = p.optionalBool("enabled"); err != nil {
		return err
	}
	if prefix := p.query.Get("username"); prefix != "" {
		if f.Prefix, err = identity.CanonicalUsername(prefix); err != nil {
			f.Prefix = strings.ToLower(prefix) // what is no name can still be the beginning of one
		}
	}
	users, err := h.admin.Users(r.Context(), r.caller, f)
	if err != nil {
		return err
	}
	return writePage(w, p, users, userKey, viewUser)
}

func userKey(u identity.User) string { return u.Username }

func (h *Handler) createUser(w http.ResponseWriter, r request) error {
	o, err := r.object()
	if err != nil {
		return err
	}
	n := admin.NewUser{
		Username:    o.String("username"),
		Permissions: listOf(o, "permissions"), Roles: listOf(o, "roles"), Audiences: optionalList(o, "audiences"), Metadata: o.OptionalObject("metadata"),
	}
	n.Password, n.PasswordHash = passwordOrHash(o)
	n.OneTime, _ = o.OptionalBool("one_time")
	if enabled, present := o.OptionalBool("enabled"); present {
		n.Disabled = !enabled
	}
	o.Merge(web.NoQuery(r.Request))
	if err := o.Err(); err != nil {
		return err
	}
	user, err := h.admin.CreateUser(r.Context(), r.caller, n)
	if err != nil {
		return err
	}
	return write(w, http.StatusCreated, user.Version, viewUser(user))
}

// passwordOrHash reads the one of the two that must be there.
func passwordOrHash(o *web.Object) (password, hash identity.Secret) {
	password, hasPassword := o.OptionalSecret("password")
	hash, hasHash := o.OptionalSecret("password_hash")
	switch {
	case o.Has("password") && o.Has("password_hash"):
		o.Invalid("password_hash", "goes without password")
	case !o.Has("password") && !o.Has("password_hash"):
		o.Merge(identity.MissingField("password"))
	case hasHash && hash.Empty():
		o.Invalid("password_hash", "must not be empty")
	case hasPassword && password.Empty():
		o.Invalid("password", "must not be empty")
	}
	return password, hash
}

func (h *Handler) getUser(w http.ResponseWriter, r request) error {
	if err := web.NoQuery(r.Request); err != nil {
		return err
	}
	user, err := h.admin.User(r.Context(), r.caller, r.PathValue("id"))
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, user.Version, viewUser(user))
}

func (h *Handler) patchUser(w http.ResponseWriter, r request) error {
	o, err := r.object(mergePatch)
	if err != nil {
		return err
	}
	p := admin.UserPatch{
		Username: optionalString(o, "username"), Password: optionalSecret(o, "password"), OneTime: optionalBool(o, "one_time"),
		Enabled: optionalBool(o, "enabled"), Permissions: optionalList(o, "permissions"), Roles: optionalList(o, "roles"),
		Audiences: optionalList(o, "audiences"), Metadata: o.OptionalObject("metadata"),
	}
	o.Merge(web.NoQuery(r.Request))
	if err := o.Err(); err != nil {
		return err
	}
	user, err := h.admin.UpdateUser(r.Context(), r.caller, r.PathValue("id"), p, func(found identity.User) error { return r.match(found.Version) })
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, user.Version, viewUser(user))
}

func (h *Handler) deleteUser(w http.ResponseWriter, r request) error {
	if err := r.nothing(); err != nil {
		return err
	}
	err := h.admin.DeleteUser(r.Context(), r.caller, r.PathValue("id"), func(found identity.User) error { return r.match(found.Version) })
	return done(w, err)
}

func viewUser(u identity.User) api.User {
	return api.User{
		ID: u.ID, Username: u.Username, Enabled: u.Enabled, Permissions: u.Permissions, Roles: u.Roles.Names, Audiences: u.Audiences,
		Metadata: metadata(u.Metadata), OneTime: u.OneTime, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, LastLoginAt: optionalTime(u.LastLoginAt),
	}
}
