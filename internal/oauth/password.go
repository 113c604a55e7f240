package oauth

import (
	"net/http"
	"runtime/trace"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// password is POST /auth/password: a person who knows their password sets another,
// also when it was marked as one-time.
func (h *Handler) password(w http.ResponseWriter, r *http.Request) error {
	req, err := readPassword(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	principal, err := h.authn.User(ctx, req.username, req.password)
	if err != nil {
		return err
	}
	web.Proven(ctx, principal.ID)
	if err := h.passwords(ctx, principal, req.next); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type passwordRequest struct {
	username       string
	password, next identity.Secret
}

func readPassword(r *http.Request) (passwordRequest, error) {
	defer trace.StartRegion(r.Context(), "oauth.read").End()
	o, err := web.ReadObject(r)
	if err != nil {
		return passwordRequest{}, err
	}
	req := passwordRequest{o.String("username"), o.Secret("password"), o.Secret("new_password")}
	if o.Has("new_password") {
		o.Merge(checkNext(req.username, req.password, req.next))
	}
	o.Merge(web.NoQuery(r))
	return req, o.Err()
}

// checkNext checks the new password against the name and the password that were sent,
// before anything is known of who that is.
func checkNext(username string, password, next identity.Secret) error {
	if identity.NormalPassword(next).Equal(identity.NormalPassword(password)) {
		return identity.InvalidField("new_password", "must not be the present one")
	}
	canonical, err := identity.CanonicalUsername(username)
	if err != nil {
		canonical = "" // an unknown name, which the login will refuse
	}
	return authn.CheckPassword("new_password", canonical, next)
}
