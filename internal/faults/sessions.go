package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// Session is what a login or a refresh answered. Its refresh token is good once.
type Session struct {
	api.SessionResponse
	// ID is the "sid" of its access tokens, and Username who logged in.
	ID, Username string
}

// session makes a call whose answer is the tokens of a session.
func (c *Client) session(ctx context.Context, k call) (Session, error) {
	k.method = http.MethodPost
	s := Session{Username: k.key}
	answer, id, err := send(ctx, c, k, func(answer api.SessionResponse) Detail {
		s.ID = sessionOf(answer.Token)
		learned := Detail{DetailSession: s.ID}
		if answer.RefreshesLeft != nil {
			learned[DetailLeft] = strconv.FormatInt(*answer.RefreshesLeft, 10)
			learned[DetailSuccessor] = c.Ledger.Credential(answer.RefreshToken)
		}
		return learned
	})
	c.keep(id, answer.TokenResponse, err)
	s.SessionResponse = answer
	return s, err
}

// sessionOf is the "sid" that a token says; whether it verifies is for a rule to find.
func sessionOf(token string) string {
	message, err := jose.Parse(token, jose.SigningAlgorithms())
	if err != nil {
		return ""
	}
	var claims struct {
		SID string `json:"sid"`
	}
	_ = json.Unmarshal(message.UnverifiedPayload(), &claims) // what says nothing has no session
	return claims.SID
}

// Refresh uses the session's refresh token. A session that was refreshed before keeps the
// token that was used, so it can be tried again.
func (c *Client) Refresh(ctx context.Context, s Session) (Session, error) {
	next, err := c.session(ctx, call{
		op: OpRefresh, key: s.ID, path: "/auth/refresh", write: true, detail: Detail{DetailUsed: c.Ledger.Credential(s.RefreshToken)},
		body: api.RefreshRequest{RefreshToken: s.RefreshToken},
	})
	next.Username = s.Username
	if err == nil && next.ID != s.ID {
		err = fmt.Errorf("a token of session %s was answered with one of session %s", s.ID, next.ID)
	}
	return next, err
}

// Logout ends the session by its refresh token.
func (c *Client) Logout(ctx context.Context, s Session) error {
	_, err := change[struct{}](ctx, c, call{
		op: OpLogout, key: s.ID, method: http.MethodPost, path: "/auth/logout", body: api.RefreshRequest{RefreshToken: s.RefreshToken},
	}, nil)
	return err
}

// EndSession ends a session by its id.
func (c *Client) EndSession(ctx context.Context, id string) error {
	return remove(ctx, c, call{op: OpSessionEnd, key: id, path: path("sessions", id)})
}

// EndSessionsOf ends all sessions of a user.
func (c *Client) EndSessionsOf(ctx context.Context, u api.User) error {
	return remove(ctx, c, call{op: OpUserSessionEnd, key: u.Username, path: path("users", u.ID, "sessions")})
}

// EndAllSessions ends every session, the administrator's own too: Authorize has to follow.
func (c *Client) EndAllSessions(ctx context.Context) error {
	return remove(ctx, c, call{op: OpAllSessionsEnd, key: "*", path: path("sessions")})
}
