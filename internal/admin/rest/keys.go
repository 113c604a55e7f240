package rest

import (
	"log/slog"
	"net/http"
	"slices"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// keys are the routes of signing keys. Whoever changes those decides what every token is
// worth.
func (h *Handler) keys() []Route {
	return []Route{
		{"GET", "/api/keys", identity.PermissionKeysRead, h.listSigningKeys},
		{"POST", "/api/keys", identity.PermissionAdmin, h.createSigningKey},
		{"POST", "/api/keys/{id}/activate", identity.PermissionAdmin, h.activateSigningKey},
		{"DELETE", "/api/keys/{id}", identity.PermissionAdmin, h.deleteSigningKey},
	}
}

func (h *Handler) listSigningKeys(w http.ResponseWriter, r request) error {
	p, err := readPage(r.Request, "signing keys")
	if err != nil {
		return err
	}
	keys, err := h.admin.Keys(r.Context(), r.caller)
	if err != nil {
		return err
	}
	if p.after != "" { // there are few: the page is cut here
		at := slices.IndexFunc(keys, func(k keyring.Described) bool { return k.KID == p.after })
		if at < 0 {
			return badCursor() // the key has expired since
		}
		keys = keys[at+1:]
	}
	return writePage(w, p, keys, func(k keyring.Described) string { return k.KID }, h.viewKey)
}

func (h *Handler) createSigningKey(w http.ResponseWriter, r request) error {
	o, err := r.object()
	if err != nil {
		return err
	}
	algorithm := o.String("algorithm")
	o.Merge(web.NoQuery(r.Request))
	if err := o.Err(); err != nil {
		return err
	}
	key, err := h.admin.MakeKey(r.Context(), r.caller, algorithm)
	if err != nil {
		return err
	}
	web.Note(r.Context(), slog.String("kid", key.KID))
	return web.WriteJSON(w, http.StatusCreated, h.viewKey(keyring.Described{SigningKey: key}))
}

// activateSigningKey takes an empty body, or says how.
func (h *Handler) activateSigningKey(w http.ResponseWriter, r request) error {
	var a keyring.Activation
	if len(r.body) > 0 {
		o, err := r.object()
		if err != nil {
			return err
		}
		a.Now, _ = o.OptionalBool("now")
		a.Default, _ = o.OptionalBool("default")
		if err := o.Err(); err != nil {
			return err
		}
	}
	if err := web.NoQuery(r.Request); err != nil {
		return err
	}
	key, err := h.admin.ActivateKey(r.Context(), r.caller, r.PathValue("id"), a)
	if err != nil {
		return err
	}
	web.Note(r.Context(), slog.String("kid", key.KID))
	return web.WriteJSON(w, http.StatusOK, h.viewKey(keyring.Described{SigningKey: key, Default: key.Default}))
}

func (h *Handler) deleteSigningKey(w http.ResponseWriter, r request) error {
	if err := r.nothing(); err != nil {
		return err
	}
	return done(w, h.admin.DeleteKey(r.Context(), r.caller, r.PathValue("id")))
}

func (h *Handler) viewKey(k keyring.Described) api.SigningKey {
	return api.SigningKey{
		KID: k.KID, Algorithm: k.Algorithm, State: string(k.State(h.admin.Now())), Default: k.Default, Quarantined: k.Fault != nil,
		CreatedAt: k.CreatedAt, ActivatesAt: optionalTime(k.ActivatesAt), SupersededAt: optionalTime(k.SupersededAt), RetiresAt: optionalTime(k.RetiresAt),
	}
}
