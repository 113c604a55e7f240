package rest

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

const (
	idempotencyKey = "Idempotency-Key"
	replayed       = "Idempotency-Replayed"
	// maxIdempotencyKey is in characters.
	maxIdempotencyKey = 255
)

// repeat answers with what was made before, as it is now and without its secret.
type repeat func(w http.ResponseWriter, r request, made string) error

// repeats has every route that makes something. The other POSTs change nothing more when
// they come again.
func (h *Handler) repeats() map[string]repeat {
	return map[string]repeat{
		"/api/users": func(w http.ResponseWriter, r request, made string) error {
			user, err := h.admin.User(r.Context(), r.reader(identity.PermissionUsersRead), made)
			if err != nil {
				return err
			}
			return write(w, http.StatusCreated, user.Version, viewUser(user))
		},
		"/api/clients": func(w http.ResponseWriter, r request, made string) error {
			client, err := h.admin.Client(r.Context(), r.reader(identity.PermissionClientsRead), made)
			if err != nil {
				return err
			}
			return write(w, http.StatusCreated, client.Version, viewClient(client))
		},
		"/api/clients/{id}/secrets": func(w http.ResponseWriter, r request, made string) error {
			return repeatOfClient(h, w, r, func(c identity.Client) []identity.ClientSecret { return c.Secrets }, func(s identity.ClientSecret) bool { return s.ID == made }, viewSecret)
		},
		"/api/clients/{id}/keys": func(w http.ResponseWriter, r request, made string) error {
			return repeatOfClient(h, w, r, func(c identity.Client) []identity.ClientKey { return c.Keys }, func(k identity.ClientKey) bool { return k.ID == made }, viewKey)
		},
		"/api/roles": func(w http.ResponseWriter, r request, made string) error {
			role, err := h.admin.Role(r.Context(), r.reader(identity.PermissionRolesRead), made)
			if err != nil {
				return err
			}
			return write(w, http.StatusCreated, role.Version, viewRole(role))
		},
		"/api/audiences": func(w http.ResponseWriter, r request, made string) error {
			audience, err := h.admin.AudiencePolicy(r.Context(), r.reader(identity.PermissionAudiencesRead), made)
			if err != nil {
				return err
			}
			return write(w, http.StatusCreated, audience.Version, viewAudience(audience))
		},
		"/api/keys": func(w http.ResponseWriter, r request, made string) error {
			keys, err := h.admin.Keys(r.Context(), r.reader(identity.PermissionKeysRead))
			if err != nil {
				return err
			}
			at := slices.IndexFunc(keys, func(k keyring.Described) bool { return k.KID == made })
			if at < 0 {
				return errGone
			}
			return web.WriteJSON(w, http.StatusCreated, h.viewKey(keys[at]))
		},
	}
}

func repeatOfClient[T, V any](h *Handler, w http.ResponseWriter, r request, of func(identity.Client) []T, made func(T) bool, view func(T) V) error {
	client, err := h.admin.Client(r.Context(), r.reader(identity.PermissionClientsRead), r.PathValue("id"))
	if err != nil {
		return err
	}
	at := slices.IndexFunc(of(client), made)
	if at < 0 {
		return errGone
	}
	return web.WriteJSON(w, http.StatusCreated, view(of(client)[at]))
}

// reader is the caller with a permission more: whoever made something has seen it.
func (r request) reader(permission string) identity.Caller {
	c := r.caller
	c.Permissions = append(slices.Clone(c.Permissions), permission)
	return c
}

// once serves a request; one with an Idempotency-Key once, however often it comes.
func (h *Handler) once(route Route, again repeat, w http.ResponseWriter, r request) error {
	if again == nil {
		return route.serve(w, r)
	}
	key, given, err := readIdempotencyKey(r.Request)
	if err != nil {
		return err
	}
	if !given {
		return route.serve(w, r)
	}
	asked := admin.Request{Route: r.Method + " " + r.URL.Path, Key: key, Body: r.body}
	made, err := h.admin.Once(r.Context(), r.caller, asked, func(ctx context.Context) error {
		first := r
		first.Request = r.WithContext(ctx)
		return route.serve(w, first)
	})
	if err != nil || made == "" {
		return err
	}
	w.Header().Set(replayed, "true")
	if err = again(w, r, made); identity.KindOf(err) == identity.NotFound {
		return errGone
	}
	return err
}

var errGone = identity.Errorf(identity.Conflict, "What this request made is gone. To make another one, use another Idempotency-Key.")

// readIdempotencyKey reads the header: a string of RFC 9651 in quotes, as
// draft-ietf-httpapi-idempotency-key-header has it, or the bare word that many send.
func readIdempotencyKey(r *http.Request) (key string, given bool, err error) {
	lines := r.Header.Values(idempotencyKey)
	if len(lines) == 0 {
		return "", false, nil
	}
	bad := &identity.Error{Kind: identity.InvalidRequest, Message: "The Idempotency-Key cannot be used.", Fields: []identity.FieldError{{
		Loc: []string{"header", idempotencyKey}, Message: "must be one string of 1 to 255 printable ASCII characters, in quotes or without spaces, quotes and commas", Type: identity.FieldInvalidValue,
	}}}
	if len(lines) > 1 {
		return "", true, bad
	}
	text := strings.Trim(lines[0], " \t")
	key, ok := text, !strings.ContainsAny(text, ` ",;\`)
	if strings.HasPrefix(text, `"`) {
		key, ok = unquoted(text)
	}
	if !ok || key == "" || len(key) > maxIdempotencyKey || strings.ContainsFunc(key, func(c rune) bool { return c < ' ' || c > '~' }) {
		return "", true, bad
	}
	return key, true, nil
}

// unquoted reads a string of RFC 9651 section 4.2.5 that is all there is.
func unquoted(text string) (string, bool) {
	var key strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			return key.String(), i == len(text)-1
		case '\\':
			if i++; i == len(text) || text[i] != '"' && text[i] != '\\' {
				return "", false
			}
			key.WriteByte(text[i])
		default:
			key.WriteByte(c)
		}
	}
	return "", false
}
