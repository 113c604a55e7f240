package oauth

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

const (
	wellKnown               = "/.well-known/"
	openIDPath              = wellKnown + "openid-configuration"
	authorizationServerPath = wellKnown + "oauth-authorization-server"
	jwksPath                = wellKnown + "jwks.json"
	revocationListPath      = wellKnown + "revocation-list"
)

// publicCache lets verifiers keep keys and metadata for some minutes: a new key is
// published for as long before it signs.
var publicCache = fmt.Sprintf("public, max-age=%d", int(keyring.MaxAge.Seconds()))

// revocationCache lets caches between keep the list for some seconds: it is what a
// revocation may be late for.
const revocationCache = "public, max-age=15"

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
	published, err := h.ring.JWKS(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", publicCache)
	return web.WriteJSON(w, http.StatusOK, metadataOf(cfg.Issuer, published.Algorithms))
}

// metadataOf is what both documents say. OpenID Connect Discovery section 3 requires the last
// two members, and its libraries take from them by which algorithms tokens are signed.
func metadataOf(issuer string, signing []jose.Algorithm) api.Discovery {
	methods, assertions := identity.AuthMethods(), jose.AssertionAlgorithms()
	return api.Discovery{
		Issuer: issuer, JWKSURI: under(issuer, jwksPath), RevocationListURI: under(issuer, revocationListPath),
		TokenEndpoint: under(issuer, tokenPath), GrantTypesSupported: []string{grantClientCredentials},
		TokenEndpointAuthMethods: names(methods), TokenEndpointAuthAlgorithms: names(assertions),
		IntrospectionEndpoint: under(issuer, introspectPath), IntrospectionAuthMethods: names(methods), IntrospectionAuthAlgorithms: names(assertions),
		IntrospectionAlgorithms: names(signing),
		RevocationEndpoint:      under(issuer, revokePath), RevocationAuthMethods: names(methods), RevocationAuthAlgorithms: names(assertions),
		SubjectTypesSupported: []string{"public"}, IDTokenAlgorithms: names(signing),
	}
}

// names are the words as the metadata have them.
func names[Word ~string](words []Word) api.List[string] {
	list := make(api.List[string], len(words))
	for i, word := range words {
		list[i] = string(word)
	}
	return list
}

// absoluteURI reports whether s is an absolute URI without fragment (RFC 3986 section 4.3).
func absoluteURI(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && !strings.Contains(s, "#")
}

// under is the URL of what is served at the path, as the issuer's clients reach it.
func under(issuer, path string) string { return strings.TrimSuffix(issuer, "/") + path }

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
// section 3.1 in front of it; and the endpoints that they name behind it. Without it they are at the root only, where a proxy
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
	if !strings.Contains(asked, wellKnown) && !strings.Contains(asked, "/oauth2/") {
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
	at, found := strings.CutPrefix(asked, path)
	return at, found && slices.Contains([]string{openIDPath, jwksPath, revocationListPath, tokenPath, introspectPath, revokePath}, at)
}
