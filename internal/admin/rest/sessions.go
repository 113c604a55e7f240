package rest

import (
	"net/http"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

func (h *Handler) sessions() []Route {
	return []Route{
		{"GET", "/api/sessions", identity.PermissionSessionsRead, h.listSessions},
		{"DELETE", "/api/sessions", identity.PermissionAdmin, h.endAllSessions},
		{"DELETE", "/api/sessions/{id}", identity.PermissionSessionsWrite, h.endSession},
		{"DELETE", "/api/users/{id}/sessions", identity.PermissionSessionsWrite, h.endSessionsOf},
	}
}

func (h *Handler) listSessions(w http.ResponseWriter, r request) error {
	p, err := readPage(r.Request, "sessions", "user_id")
	if err != nil {
		return err
	}
	if p.query.Has("user_id") && p.query.Get("user_id") == "" { // a variable that was not set, and not everybody
		return badParameter("user_id", "must not be empty")
	}
	sessions, err := h.admin.Sessions(r.Context(), r.caller, store.SessionFilter{UserID: p.query.Get("user_id"), Before: p.after, Limit: p.limit + 1})
	if err != nil {
		return err
	}
	return writePage(w, p, sessions, func(s identity.Session) string { return s.ID }, viewSession)
}

func (h *Handler) endSession(w http.ResponseWriter, r request) error {
	if err := r.nothing(); err != nil {
		return err
	}
	return done(w, h.admin.EndSession(r.Context(), r.caller, r.PathValue("id")))
}

func (h *Handler) endSessionsOf(w http.ResponseWriter, r request) error {
	if err := r.nothing(); err != nil {
		return err
	}
	return done(w, h.admin.EndSessionsOf(r.Context(), r.caller, r.PathValue("id")))
}

// endAllSessions takes no filter: one that is misspelt must not end all.
func (h *Handler) endAllSessions(w http.ResponseWriter, r request) error {
	if err := web.NoQuery(r.Request); err != nil {
		return err
	}
	if err := r.nothing(); err != nil {
		return err
	}
	return done(w, h.admin.EndAllSessions(r.Context(), r.caller))
}

func viewSession(s identity.Session) api.Session {
	return api.Session{
		ID: s.ID, UserID: s.UserID, Audience: s.Audience, CreatedAt: s.CreatedAt, LastRefreshedAt: optionalTime(s.RefreshedAt), ExpiresAt: s.ExpiresAt,
		RefreshesLeft: int64(s.RefreshesLeft()), IP: s.IP, UserAgent: s.UserAgent,
	}
}
