package oauth

import (
	"net/http"
	"runtime/trace"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/token"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// refresh is POST /auth/refresh: a session goes on. Who the user is and what they may is
// looked at again, as at login.
func (h *Handler) refresh(w http.ResponseWriter, r *http.Request) error {
	refreshToken, err := readRefresh(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	end, err := h.authn.Refreshing(ctx)
	if err != nil {
		return err
	}
	var user string
	issued, err := h.sessions.Refresh(ctx, refreshToken, func(u identity.User, s identity.Session) (token.Grant, error) {
		user = u.ID
		principal, err := authn.Continues(u, s)
		if err != nil {
			web.Proven(ctx, u.ID)
			return token.Grant{}, err
		}
		return h.grant(ctx, principal, asked{audiences: []string{s.Audience}})
	})
	end(err)
	if err != nil {
		return err
	}
	return h.answerSession(ctx, w, audit.Success{Event: audit.SessionRefreshed, Actor: user}, issued)
}

// logout is POST /auth/logout: a session ends. It tells nobody whether there was one.
func (h *Handler) logout(w http.ResponseWriter, r *http.Request) error {
	refreshToken, err := readRefresh(r)
	if err != nil {
		return err
	}
	end, err := h.authn.Refreshing(r.Context())
	if err != nil {
		return err
	}
	ended, err := h.sessions.End(r.Context(), refreshToken)
	end(err)
	if ended != "" {
		h.recorder.Succeeded(r.Context(), audit.Success{Event: audit.SessionEnded, Target: ended})
	}
	// RFC 7009 section 2.2: what cannot be used any more is as good as ended.
	if err != nil && identity.KindOf(err) != identity.InvalidRefreshToken {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// readRefresh reads the body of both: a refresh token of whatever form.
func readRefresh(r *http.Request) (identity.Secret, error) {
	defer trace.StartRegion(r.Context(), "oauth.read").End()
	o, err := web.ReadObject(r)
	if err != nil {
		return identity.Secret{}, err
	}
	refreshToken := o.Secret("refresh_token")
	o.Merge(web.NoQuery(r))
	return refreshToken, o.Err()
}
