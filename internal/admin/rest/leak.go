package rest

import (
	"net/http"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// maxFound is how many characters of what was found are looked at: more than any key has.
const maxFound = 16 << 10

func (h *Handler) leak() []Route {
	return []Route{{"POST", "/api/leak", identity.PermissionAdmin, h.lookAtLeak}}
}

func (h *Handler) lookAtLeak(w http.ResponseWriter, r request) error {
	o, err := r.object()
	if err != nil {
		return err
	}
	found := admin.Found{Secret: o.Secret("found")}
	if n := len(found.Secret.Reveal()); o.Has("found") && (n == 0 || n > maxFound) {
		o.Invalid("found", "must have 1 to %d bytes", maxFound)
	}
	for name, to := range map[string]*string{"client_id": &found.ClientID, "username": &found.Username} {
		var given bool
		if *to, given = o.OptionalString(name); given && *to == "" { // a variable that was not set, and not nobody
			o.Invalid(name, "must not be empty")
		}
	}
	if since, given := o.OptionalString("since"); given {
		if found.Since, err = time.Parse(time.RFC3339, since); err != nil {
			o.Invalid("since", "must be a time as RFC 3339 writes it, such as 2026-01-02T03:04:05Z")
		}
	}
	revoke, _ := o.OptionalBool("revoke")
	o.Merge(web.NoQuery(r.Request))
	if err := o.Err(); err != nil {
		return err
	}
	l, err := h.admin.Leak(r.Context(), r.caller, found, revoke)
	if err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusOK, viewLeak(l))
}

func viewLeak(l admin.Leak) api.Leak {
	v := api.Leak{
		Kind: l.Kind, Good: l.Good, ID: l.ID, Owners: api.List[api.LeakOwner]{}, Says: l.Says,
		CreatedAt: optionalTime(l.CreatedAt), ExpiresAt: optionalTime(l.ExpiresAt), LastUsedAt: optionalTime(l.LastUsedAt),
		Uses: api.List[api.LeakUse]{}, UsesFrom: optionalTime(l.UsesFrom), Ends: l.Ends, Remains: l.Remains, Revoked: l.Revoked, RepeatAt: optionalTime(l.Again),
	}
	for _, owner := range l.Owners {
		kind := "client"
		if owner.User {
			kind = "user"
		}
		v.Owners = append(v.Owners, api.LeakOwner{Type: kind, ID: owner.ID, Name: owner.Name})
	}
	for _, u := range l.Uses {
		v.Uses = append(v.Uses, viewUse(u))
	}
	return v
}

func viewUse(u store.Use) api.LeakUse {
	return api.LeakUse{Event: u.Event, Outcome: u.Outcome, IP: u.IP, Events: u.Events, First: u.First, Last: u.Last}
}
