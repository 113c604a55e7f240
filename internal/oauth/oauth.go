package oauth

import (
	"context"
	"errors"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/bearer"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/token"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// Handler serves the protocol's routes.
type Handler struct {
	authn         *authn.Authenticator
	issuer        *token.Issuer
	sessions      *token.Sessions
	revocations   *token.Revocations
	checker       *bearer.Checker
	ring          *keyring.Ring
	configuration func(context.Context) (identity.Configuration, error)
	audience      func(ctx context.Context, audience string) (identity.AudiencePolicy, error)
	passwords     PasswordChanger
	issued        func(grantType string)
	recorder      *audit.Recorder
	now           func() time.Time
}

// PasswordChanger stores the new password of a user who has proven the former one.
type PasswordChanger func(ctx context.Context, proven identity.Principal, password identity.Secret) error

// Config is what a Handler needs.
type Config struct {
	Authenticator *authn.Authenticator
	Issuer        *token.Issuer
	Sessions      *token.Sessions
	Revocations   *token.Revocations
	// Checker says what a token is worth now.
	Checker       *bearer.Checker
	Ring          *keyring.Ring
	Configuration func(context.Context) (identity.Configuration, error)
	// Audience returns what is registered of an audience, or the zero policy.
	Audience func(ctx context.Context, audience string) (identity.AudiencePolicy, error)
	// ChangePassword stores a new password.
	ChangePassword PasswordChanger
	// Issued, if set, is told of each token that was issued, for metrics.
	Issued func(grantType string)
	// Recorder records who got a token.
	Recorder *audit.Recorder
	Now      func() time.Time
}

// New makes a Handler.
func New(cfg Config) (*Handler, error) {
	if cfg.Authenticator == nil || cfg.Issuer == nil || cfg.Sessions == nil || cfg.Revocations == nil || cfg.Checker == nil || cfg.Ring == nil ||
		cfg.Configuration == nil || cfg.Audience == nil || cfg.ChangePassword == nil || cfg.Recorder == nil || cfg.Now == nil {
		return nil, errors.New("the protocol needs an authenticator, a token issuer, sessions, revocations, a checker of tokens, a key ring, the configuration, the audiences, a way to change passwords, a recorder and a clock")
	}
	if cfg.Issued == nil {
		cfg.Issued = func(string) {}
	}
	return &Handler{
		authn: cfg.Authenticator, issuer: cfg.Issuer, sessions: cfg.Sessions, revocations: cfg.Revocations, checker: cfg.Checker, ring: cfg.Ring, configuration: cfg.Configuration,
		audience: cfg.Audience, passwords: cfg.ChangePassword, issued: cfg.Issued, recorder: cfg.Recorder, now: cfg.Now,
	}, nil
}

// Routes registers the routes. Browsers on allowed origins may call them.
func (h *Handler) Routes(r *web.Router) {
	r.Handle("POST", "/auth/login", h.login, web.CORS)
	r.Handle("POST", "/auth/token", h.token, web.CORS, web.Late)
	r.Handle("POST", "/auth/refresh", h.refresh, web.CORS)
	r.Handle("POST", "/auth/logout", h.logout, web.CORS)
	r.Handle("POST", "/auth/password", h.password, web.CORS)
	r.Handle("POST", tokenPath, h.standardToken, web.OAuth, web.Late)
	r.Handle("POST", introspectPath, h.introspect, web.OAuth, web.Late)
	r.Handle("POST", revokePath, h.revoke, web.OAuth)
	r.Handle("GET", revocationListPath, h.revocationList, web.CORS, web.Always)
	r.Handle("GET", "/.well-known/jwks.json", h.jwks, web.CORS, web.Always)
	r.Handle("GET", openIDPath, h.metadata, web.CORS, web.Always)
	r.Handle("GET", authorizationServerPath, h.metadata, web.CORS, web.Always)
}
