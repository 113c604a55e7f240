package rest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

func (h *Handler) throttles() []Route {
	return []Route{
		{"GET", "/api/throttles", identity.PermissionThrottlesRead, h.listThrottles},
		{"DELETE", "/api/throttles/{id}", identity.PermissionThrottlesWrite, h.clearThrottle},
	}
}

func (h *Handler) listThrottles(w http.ResponseWriter, r request) error {
	p, err := readPage(r.Request, "throttles")
	if err != nil {
		return err
	}
	filter := store.ThrottleFilter{Limit: p.limit + 1}
	if p.after != "" {
		attempts, id, _ := strings.Cut(p.after, " ")
		n, err := strconv.Atoi(attempts)
		if err != nil || id == "" {
			return badCursor()
		}
		filter.Before = identity.Throttle{ID: id, Attempts: n}
	}
	throttles, err := h.admin.Throttles(r.Context(), r.caller, filter)
	if err != nil {
		return err
	}
	key := func(t identity.Throttle) string { return fmt.Sprintf("%d %s", t.Attempts, t.ID) }
	return writePage(w, p, throttles, key, viewThrottle)
}

func (h *Handler) clearThrottle(w http.ResponseWriter, r request) error {
	if err := r.nothing(); err != nil {
		return err
	}
	return done(w, h.admin.ClearThrottle(r.Context(), r.caller, r.PathValue("id")))
}

func viewThrottle(t identity.Throttle) api.Throttle {
	return api.Throttle{
		ID: t.ID, Kind: string(t.Kind), Name: t.Name, Source: t.Source, Attempts: int64(t.Attempts), Until: t.NextAt, UpdatedAt: t.UpdatedAt,
	}
}
