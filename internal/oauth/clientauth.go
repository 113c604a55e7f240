package oauth

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// assertionType is the one client_assertion_type (RFC 7523 section 2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// readClient reads how the client proves itself: in the Authorization header, or in the
// form by its secret or by an assertion. RFC 6749 section 2.3: in one way only.
func readClient(r *http.Request, f *web.Form) (authn.ClientCredentials, error) {
	var c authn.ClientCredentials
	id, secret, header, err := web.BasicCredentials(r)
	if err != nil {
		return c, err
	}
	named, _ := f.Value("client_id")
	posted, bySecret := f.Value("client_secret")
	assertion, byAssertion := f.Value("client_assertion")
	kind, typed := f.Value("client_assertion_type")
	switch {
	case header && (bySecret || byAssertion || typed) || bySecret && (byAssertion || typed):
		return c, invalidRequest("The client must prove itself in one way, not in several.")
	case byAssertion != typed:
		return c, invalidRequest("The parameters client_assertion and client_assertion_type belong together.")
	case typed && kind != assertionType:
		return c, invalidRequest("The parameter client_assertion_type must be %s.", assertionType)
	case header:
		c = authn.ClientCredentials{ID: id, Secret: &secret, Method: identity.AuthSecretBasic}
	case bySecret:
		secret = identity.NewSecret(posted)
		c = authn.ClientCredentials{ID: named, Secret: &secret, Method: identity.AuthSecretPost}
	case byAssertion:
		// RFC 7521 section 4.2: client_id may be left out, since the assertion names it too.
		c = authn.ClientCredentials{ID: cmp.Or(subject(assertion), named), Signature: &assertion, Method: identity.AuthPrivateKeyJWT}
	default:
		return c, &identity.Error{Kind: identity.InvalidCredentials, Err: identity.Refuse(identity.RefusedClientProof, "the client proves itself in no way")}
	}
	if named != "" && named != c.ID {
		return c, invalidRequest("The parameter client_id names another client than the credentials.")
	}
	return c, nil
}

func invalidRequest(format string, args ...any) error {
	return identity.Errorf(identity.InvalidRequest, format, args...)
}

// subject is whom an assertion names, before anything of it has been verified: whom to ask
// for. Empty is nobody.
func subject(assertion string) string {
	if strings.Count(assertion, ".") != 2 {
		return ""
	}
	m, err := jose.Parse(assertion, jose.AssertionAlgorithms())
	if err != nil {
		return ""
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	if jose.DecodeStrict(m.UnverifiedPayload(), &claims) != nil {
		return ""
	}
	return claims.Subject
}

// client returns the client that has proven itself to an endpoint of the standards.
func (h *Handler) client(ctx context.Context, c authn.ClientCredentials) (identity.Principal, error) {
	cfg, err := h.configuration(ctx)
	if err != nil {
		return identity.Principal{}, err
	}
	if _, ok := issuerURL(cfg.Issuer); ok {
		c.TokenEndpoint = under(cfg.Issuer, tokenPath)
	}
	return h.authn.Client(ctx, c)
}
