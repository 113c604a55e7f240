package oauth

import (
	"net/http"
	"runtime/trace"
	"slices"
	"strings"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/token"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

const (
	tokenPath = "/oauth2/token"

	// grantClientCredentials is the one grant (RFC 6749 section 4.4). People log in at
	// /auth/login: the password grant is not to be used any more (RFC 9700 section 2.4), and
	// sessions are refreshed where they began.
	grantClientCredentials = "client_credentials"

	maxAudiences = 10 // in one token
)

// standardToken is POST /oauth2/token: a machine gets a token, by RFC 6749 section 4.4. It
// takes the way of POST /auth/token.
func (h *Handler) standardToken(w http.ResponseWriter, r *http.Request) error {
	req, err := readStandardToken(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	principal, err := h.client(ctx, req.credentials)
	if err != nil {
		return err
	}
	access, err := h.issue(ctx, principal, req.asked)
	if err != nil {
		return err
	}
	web.NoStoreOAuth(w)
	return h.answer(ctx, w, token.GrantClient, byClient(principal), access, standardResponse(access))
}

// standardResponse is an api.OAuthTokenResponse.
func standardResponse(access token.Access) *jose.Object {
	o := jose.NewObject(len(access.Token) + 512)
	o.String("access_token", access.Token)
	o.String("token_type", api.TokenTypeBearer)
	o.Int("expires_in", int64(access.Lifetime.Seconds()))
	if access.Scope != "" {
		o.String("scope", access.Scope)
	}
	return &o
}

type standardRequest struct {
	credentials authn.ClientCredentials
	asked       asked
}

// readStandardToken reads what is asked for before who asks: what the request is like is
// refused before any proof is looked at, as at /auth.
func readStandardToken(r *http.Request) (standardRequest, error) {
	defer trace.StartRegion(r.Context(), "oauth.read").End()
	req := standardRequest{asked: asked{standard: true}}
	f, err := web.ReadForm(r, "audience", "resource")
	if err != nil {
		return req, err
	}
	grant, err := f.Required("grant_type")
	if err != nil {
		return req, err
	}
	if grant != grantClientCredentials {
		return req, identity.Errorf(identity.UnsupportedGrantType, "The grant type must be %s.", grantClientCredentials)
	}
	if req.asked.scope, err = readScope(f); err != nil {
		return req, err
	}
	if req.asked.audiences, err = readAudiences(f); err != nil {
		return req, err
	}
	req.credentials, err = readClient(r, f)
	return req, err
}

// readScope reads the scope (RFC 6749 section 3.3): a list of scope-tokens, which here are
// permissions.
func readScope(f *web.Form) ([]string, error) {
	text, present := f.Value("scope")
	if !present {
		return nil, nil
	}
	scope := strings.Split(text, " ")
	for _, permission := range scope {
		if !identity.ScopeToken(permission) {
			return nil, identity.Errorf(identity.InvalidScope, "The scope must be a list of permissions with one space between.")
		}
	}
	return identity.SortedSet(scope), nil
}

// readAudiences reads for whom the token is to be. A resource is an audience that is an
// absolute URI without fragment (RFC 8707 section 2).
func readAudiences(f *web.Form) ([]string, error) {
	for _, resource := range f.Values("resource") {
		if !absoluteURI(resource) {
			return nil, identity.Errorf(identity.InvalidAudience, "The parameter resource must be an absolute URI without fragment.")
		}
	}
	var audiences []string
	for _, audience := range slices.Concat(f.Values("audience"), f.Values("resource")) {
		if identity.CheckAudience(audience) != nil {
			return nil, identity.Errorf(identity.InvalidAudience, "An audience has 1 to 255 printable ASCII characters without space.")
		}
		if !slices.Contains(audiences, audience) {
			audiences = append(audiences, audience)
		}
	}
	if len(audiences) > maxAudiences {
		return nil, identity.Errorf(identity.InvalidAudience, "A token is for at most %d audiences.", maxAudiences)
	}
	return audiences, nil
}
