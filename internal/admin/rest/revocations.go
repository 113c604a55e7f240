package rest

import (
	"net/http"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

func (h *Handler) revocations() []Route {
	return []Route{
		{"GET", "/api/revocations", identity.PermissionTokensRead, h.listRevocations},
		{"POST", "/api/revocations", identity.PermissionTokensWrite, h.revoke},
	}
}

func (h *Handler) listRevocations(w http.ResponseWriter, r request) error {
	p, err := readPage(r.Request, "revocations")
	if err != nil {
		return err
	}
	revocations, err := h.admin.Revocations(r.Context(), r.caller, p.after, p.limit+1)
	if err != nil {
		return err
	}
	return writePage(w, p, revocations, func(v identity.Revocation) string { return v.ID }, viewRevocation)
}

func (h *Handler) revoke(w http.ResponseWriter, r request) error {
	o, err := r.object()
	if err != nil {
		return err
	}
	n := admin.NewRevocation{Kind: identity.RevocationKind(o.String("kind"))}
	if value := optionalString(o, "value"); value != nil {
		if n.Value = *value; n.Value == "" {
			o.Invalid("value", "must have 1 to 255 characters")
		}
	}
	if text, present := o.OptionalString("before"); present {
		if n.Before, err = time.Parse(time.RFC3339, text); err != nil || n.Before.IsZero() || n.Before.Year() < 1970 {
			o.Invalid("before", "must be a time, as RFC 3339 writes it")
		}
	}
	o.Merge(web.NoQuery(r.Request))
	if err := o.Err(); err != nil {
		return err
	}
	made, err := h.admin.Revoke(r.Context(), r.caller, n)
	if err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusOK, viewRevocation(made))
}

func viewRevocation(r identity.Revocation) api.Revocation {
	view := api.Revocation{ID: r.ID, Kind: string(r.Kind), Before: r.Before, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt}
	if r.Value != "" {
		view.Value = &r.Value
	}
	if r.ClientID != "" {
		view.ClientID = &r.ClientID
	}
	return view
}
