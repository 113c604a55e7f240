package oauth

import (
	"context"
	"encoding/json"
	"log/slog"
	"mime"
	"net/http"
	"runtime/trace"
	"strings"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/token"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

const (
	introspectPath = "/oauth2/introspect"
	revokePath     = "/oauth2/revoke"

	// introspectionType is the typ of a signed answer, and its media type behind
	// "application/" (RFC 9701 section 5).
	introspectionType = "token-introspection+jwt"
)

// introspect is POST /oauth2/introspect (RFC 7662): a client that serves an audience asks what
// a token for it is worth now. Of any other token it learns nothing but that.
func (h *Handler) introspect(w http.ResponseWriter, r *http.Request) error {
	req, err := readTokenForm(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	caller, err := h.client(ctx, req.credentials)
	if err != nil {
		return err
	}
	web.Proven(ctx, caller.ID)
	found, err := h.introspection(ctx, caller.ID, req.token)
	if err != nil {
		return err
	}
	web.Note(ctx, slog.Bool("active", found.Active))
	web.NoStoreOAuth(w)
	if !accepts(r, "application/"+introspectionType) {
		return web.WriteJSON(w, http.StatusOK, found)
	}
	return h.signed(ctx, w, caller.ID, found)
}

// introspection is the answer for the caller. RFC 7662 section 2.2: why a token is not active
// is for nobody.
func (h *Handler) introspection(ctx context.Context, caller string, text identity.Secret) (api.Introspection, error) {
	defer trace.StartRegion(ctx, "oauth.introspection").End()
	claims, err := h.checker.Anywhere(ctx, text)
	if identity.KindOf(err) == identity.InvalidToken {
		return api.Introspection{}, nil
	}
	if err != nil {
		return api.Introspection{}, err
	}
	serves, err := h.serves(ctx, caller, claims.Audience)
	if err != nil || !serves {
		return api.Introspection{}, err
	}
	return api.Introspection{
		Active: true, Scope: strings.Join(claims.Permissions, " "), ClientID: claims.ClientID, TokenType: api.TokenTypeBearer,
		Expires: claims.Expires, IssuedAt: claims.IssuedAt, Subject: claims.Subject, Audience: claims.Audience, Issuer: claims.Issuer, ID: claims.ID,
		SessionID: claims.SessionID, AuthTime: claims.AuthTime, AMR: claims.AMR, GrantType: claims.GrantType, Permissions: claims.Permissions,
	}, nil
}

// serves reports whether the client is registered as the one that may introspect for one of
// the audiences.
func (h *Handler) serves(ctx context.Context, client string, audiences []string) (bool, error) {
	targets, err := h.targets(ctx, audiences)
	for _, t := range targets {
		if t.policy.IntrospectionClient == client {
			return true, err
		}
	}
	return false, err
}

// signed sends the answer as a JWT for the caller (RFC 9701 section 5).
func (h *Handler) signed(ctx context.Context, w http.ResponseWriter, caller string, found api.Introspection) error {
	cfg, err := h.configuration(ctx)
	if err != nil {
		return err
	}
	payload, err := json.Marshal(api.SignedIntrospection{
		Issuer: cfg.Issuer, Audience: caller, IssuedAt: h.now().Unix(), Introspection: found,
	})
	if err != nil {
		return err
	}
	jwt, err := h.ring.SignAs(ctx, introspectionType, payload)
	if err != nil {
		return err
	}
	web.WriteBody(w, http.StatusOK, "application/"+introspectionType, []byte(jwt))
	return nil
}

// accepts reports whether the request asks for this media type by its name (RFC 9110 section
// 12.5.1), with whatever weight but none.
func accepts(r *http.Request, want string) bool {
	for _, header := range r.Header.Values("Accept") {
		for one := range strings.SplitSeq(header, ",") {
			mediaType, parameters, err := mime.ParseMediaType(one)
			weight, weighed := parameters["q"]
			if err == nil && mediaType == want && (!weighed || strings.Trim(weight, "0.") != "") {
				return true
			}
		}
	}
	return false
}

// revoke is POST /oauth2/revoke (RFC 7009): a client revokes a token that was issued to it.
func (h *Handler) revoke(w http.ResponseWriter, r *http.Request) error {
	req, err := readTokenForm(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	caller, err := h.client(ctx, req.credentials)
	if err != nil {
		return err
	}
	web.Proven(ctx, caller.ID)
	revoked, err := h.revocations.RevokeOwn(ctx, caller.ID, req.token)
	if err != nil {
		return err
	}
	web.Note(ctx, slog.Bool("revoked", revoked))
	web.NoStoreOAuth(w)
	w.WriteHeader(http.StatusOK)
	return nil
}

type tokenForm struct {
	credentials authn.ClientCredentials
	token       identity.Secret
}

// readTokenForm reads what both take. RFC 7662 section 2.1, RFC 7009 section 2.1: a hint at
// the type of the token may be wrong, so nothing depends on it.
func readTokenForm(r *http.Request) (tokenForm, error) {
	defer trace.StartRegion(r.Context(), "oauth.read").End()
	f, err := web.ReadForm(r)
	if err != nil {
		return tokenForm{}, err
	}
	text, err := f.Required("token")
	if err != nil {
		return tokenForm{}, err
	}
	credentials, err := readClient(r, f)
	return tokenForm{credentials, identity.NewSecret(text)}, err
}

// revocationList is GET /.well-known/revocation-list: what verifiers keep, so that they need
// not ask for each token.
func (h *Handler) revocationList(w http.ResponseWriter, r *http.Request) error {
	if err := web.NoQuery(r); err != nil {
		return err
	}
	list, err := h.revocations.List(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", revocationCache)
	w.Header().Set("ETag", list.ETag)
	if web.NotModified(r, list.ETag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", "application/"+token.RevocationListType)
	_, _ = w.Write(list.Body) // that the caller has gone is no error of ours
	return nil
}
