package oauth

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

const (
	wellKnown               = "/.well-known/"
	openIDPath              = wellKnown + "openid-configuration"
	authorizationServerPath = wellKnown + "oauth-authorization-server"
)

// publicCache lets verifiers keep keys and metadata for some minutes: a new key is
// published for as long before it signs.
var publicCache = fmt.Sprintf("public, max-age=%d", int(keyring.MaxAge.Seconds()))

// jwks is GET /.well-known/jwks.json (RFC 7517 section 5).
func (h *Handler) jwks(w http.ResponseWriter, r *http.Request) error {
	if err := web.NoQuery(r); err != nil {
		return err
	}
	set, err := h.ring.JWKS(r.Context())
	if err != nil {
		return err
	}
	if set.Stale {
		w.Header().Set("Cache-Control", "no-cache") // RFC 9111 section 5.2.2.4: ask again each time
	} else {
		w.Header().Set("Cache-Control", publicCache)
	}
	w.Header().Set("ETag", set.ETag)
	if web.NotModified(r, set.ETag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(set.Body) // that the caller has gone is no error of ours
	return nil
}

// metadata is both discovery documents (RFC 8414 section 3, OpenID Connect
// Discovery section 4), for an issuer that is a URL.
func (h *Handler) metadata(w http.ResponseWriter, r *http.Request) error {
	if err := web.NoQuery(r); err != nil {
		return err
	}
	cfg, err := h.configuration(r.Context())
	if err != nil {
		return err
	}
	if _, ok := issuerURL(cfg.Issuer); !ok {
		return identity.Errorf(identity.NotFound, "The issuer is not an http or https URL without query and fragment, so it has no metadata.")
	}
	w.Header().Set("Cache-Control", publicCache)
	return web.WriteJSON(w, http.StatusOK, api.Discovery{
		Issuer: cfg.Issuer, JWKSURI: strings.TrimSuffix(cfg.Issuer, "/") + wellKnown + "jwks.json",
	})
}

// issuerURL returns the issuer as a URL and reports whether it is one that can
// have metadata: http or https, with a host, without query and fragment.
func issuerURL(issuer string) (*url.URL, bool) {
	u, err := url.Parse(issuer)
	ok := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil &&
		!strings.ContainsAny(issuer, "?#")
	return u, ok
}

// UnderIssuerPath serves the well-known documents of an issuer with a path also
// where their standards put them: in OpenID Connect behind the path, in RFC 8414
// section 3.1 in front of it. Without it they are at the root only, where a proxy
// that strips the path finds them.
func (h *Handler) UnderIssuerPath(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if at, ok := h.atRoot(r); ok {
			moved := *r
			moved.URL = &url.URL{Path: at, RawQuery: r.URL.RawQuery}
			r = &moved
		}
		next.ServeHTTP(w, r)
	})
}

// atRoot returns where at the root the document is that the request asks for
// under the issuer's path.
func (h *Handler) atRoot(r *http.Request) (string, bool) {
	asked := r.URL.EscapedPath()
	if !strings.Contains(asked, wellKnown) {
		return "", false
	}
	cfg, err := h.configuration(r.Context())
	if err != nil {
		return "", false // the route itself will say so
	}
	issuer, ok := issuerURL(cfg.Issuer)
	if !ok {
		return "", false
	}
	path := strings.TrimSuffix(issuer.EscapedPath(), "/")
	if path == "" {
		return "", false
	}
	if asked == authorizationServerPath+path {
		return authorizationServerPath, true
	}
	if at, found := strings.CutPrefix(asked, path); found && (at == openIDPath || at == wellKnown+"jwks.json") {
		return at, true
	}
	return "", false
}
