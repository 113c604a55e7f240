package oauth

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/trace"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/token"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// login is POST /auth/login: a person gets a token.
func (h *Handler) login(w http.ResponseWriter, r *http.Request) error {
	req, err := readLogin(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	principal, err := h.authn.User(ctx, req.username, req.password)
	if err != nil {
		return err
	}
	if principal.MustChangePassword {
		return identity.Errorf(identity.PasswordChangeRequired, "The password works once: set another with POST /auth/password.").
			Because(authn.OneTime(principal.ID))
	}
	granted, err := h.grant(ctx, principal, asked{audiences: req.audiences})
	if err != nil {
		return err
	}
	begun, err := h.sessions.Begin(ctx, granted)
	if err != nil {
		return err
	}
	h.authn.NoteLogin(principal)
	return h.answerSession(ctx, w, audit.Success{Event: audit.LoginSucceeded, Actor: principal.ID}, begun)
}

// token is POST /auth/token: a machine gets a token.
func (h *Handler) token(w http.ResponseWriter, r *http.Request) error {
	req, err := readToken(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	principal, err := h.authn.Client(ctx, req.credentials)
	if err != nil {
		return err
	}
	access, err := h.issue(ctx, principal, asked{audiences: []string{req.audience}})
	if err != nil {
		return err
	}
	return h.answer(ctx, w, token.GrantClient, byClient(principal), access, tokenResponse(access))
}

// issue decides what a machine that has proven itself gets, and makes it.
func (h *Handler) issue(ctx context.Context, p identity.Principal, a asked) (token.Access, error) {
	granted, err := h.grant(ctx, p, a)
	if err != nil {
		return token.Access{}, err
	}
	return h.issuer.Issue(ctx, granted)
}

// grant decides what a proven principal gets.
func (h *Handler) grant(ctx context.Context, p identity.Principal, a asked) (granted token.Grant, err error) {
	web.Proven(ctx, p.ID)
	cfg, err := h.configuration(ctx)
	if err != nil {
		return granted, err
	}
	if len(a.audiences) == 0 {
		a.audiences = []string{usual(p, a, cfg.Issuer)}
	}
	targets, err := h.targets(ctx, a.audiences)
	if err != nil {
		return granted, err
	}
	trace.WithRegion(ctx, "oauth.decide", func() { granted, err = decide(p, a, cfg.Issuer, targets) })
	return granted, err
}

// targets looks up what is registered of audiences.
func (h *Handler) targets(ctx context.Context, audiences []string) ([]target, error) {
	defer trace.StartRegion(ctx, "store.Audience").End()
	targets := make([]target, len(audiences))
	for i, audience := range audiences {
		policy, err := h.audience(ctx, audience)
		if err != nil {
			return nil, err
		}
		targets[i] = target{audience, policy}
	}
	return targets, nil
}

// byClient is what a machine got, by what it has proven.
func byClient(p identity.Principal) audit.Success {
	return audit.Success{Event: audit.TokenIssued, Actor: p.ID, SecretID: p.SecretID, KeyID: p.KeyID}
}

// tokenResponse is an api.TokenResponse.
func tokenResponse(access token.Access) *jose.Object {
	o := jose.NewObject(len(access.Token) + 512)
	o.String("token", access.Token)
	o.String("audience", access.Audience.String())
	o.String("token_type", api.TokenTypeBearer)
	o.Int("expires_in", int64(access.Lifetime.Seconds()))
	return &o
}

// answerSession sends the tokens of a session.
func (h *Handler) answerSession(ctx context.Context, w http.ResponseWriter, got audit.Success, issued token.Refreshable) error {
	response := tokenResponse(issued.Access) // and with what follows an api.SessionResponse
	if !issued.RefreshToken.Empty() {
		response.String("refresh_token", issued.RefreshToken.Reveal())
		response.Int("refreshes_left", int64(issued.RefreshesLeft))
	}
	got.Target = issued.SessionID
	return h.answer(ctx, w, token.GrantUser, got, issued.Access, response)
}

// answer records what somebody got, and sends it. RFC 6749 section 5.1: nobody may keep it.
func (h *Handler) answer(ctx context.Context, w http.ResponseWriter, grantType string, got audit.Success, access token.Access, response *jose.Object) error {
	defer trace.StartRegion(ctx, "oauth.answer").End()
	got.Audience = access.Audience.String()
	web.Note(ctx, slog.String("aud", got.Audience), slog.String("jti", access.ID))
	h.issued(grantType)
	h.recorder.Succeeded(ctx, got)
	web.NoStore(w)
	body, err := response.Bytes()
	if err != nil {
		return fmt.Errorf("encoding the response: %w", err)
	}
	web.WriteBody(w, http.StatusOK, "application/json", append(body, '\n'))
	return nil
}

type loginRequest struct {
	username  string
	password  identity.Secret
	audiences []string // at most one
}

func readLogin(r *http.Request) (loginRequest, error) {
	defer trace.StartRegion(r.Context(), "oauth.read").End()
	o, err := web.ReadObject(r)
	if err != nil {
		return loginRequest{}, err
	}
	req := loginRequest{username: o.String("username"), password: o.Secret("password")}
	if audience, present := o.OptionalString("audience"); present {
		o.Merge(identity.CheckAudience(audience))
		req.audiences = []string{audience}
	}
	o.Merge(web.NoQuery(r))
	return req, o.Err()
}

type tokenRequest struct {
	credentials authn.ClientCredentials
	audience    string
}

func readToken(r *http.Request) (tokenRequest, error) {
	defer trace.StartRegion(r.Context(), "oauth.read").End()
	o, err := web.ReadObject(r)
	if err != nil {
		return tokenRequest{}, err
	}
	req := tokenRequest{credentials: authn.ClientCredentials{ID: o.String("client_id")}, audience: o.String("audience")}
	if secret, present := o.OptionalSecret("client_secret"); present {
		req.credentials.Secret = &secret
	}
	if signature, present := o.OptionalString("signature"); present {
		req.credentials.Signature = &signature
	}
	if o.Has("audience") {
		o.Merge(identity.CheckAudience(req.audience))
	}
	o.Merge(web.NoQuery(r))
	return req, o.Err()
}
