package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const (
	tokenPath = "/auth/token"
	maxToken  = 64 << 10 // bytes of an answer
	// assertionLife is how long a signature counts: as long as a request may take.
	assertionLife = time.Minute
)

// RequestError is a failure that the service has answered with.
type RequestError struct {
	// Status is the HTTP status: 401 for a proof that is not good, 403 for an audience that
	// the client may not have.
	Status int
	// Code is the service's word for it, such as "invalid_credentials", and Detail explains it
	// to a person. Both are empty where something else has answered.
	Code, Detail string
	// RequestID is what the service's log knows the request by.
	RequestID string
	// RetryAfter is how long the service wants to be left alone; zero if it does not say.
	RetryAfter time.Duration
}

// Error says it for a log.
func (e *RequestError) Error() string {
	text := fmt.Sprintf("the Identity Service has refused a token: %d %s", e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		text += fmt.Sprintf(": %s: %s", e.Code, e.Detail)
	}
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return text
}

// passes reports whether the same request may have another answer soon.
func passes(err error) bool {
	refused, ok := errors.AsType[*RequestError](err)
	return !ok || refused.Status == http.StatusTooManyRequests || refused.Status >= http.StatusInternalServerError
}

// request asks for a token once.
func (s *Source) request(ctx context.Context) (token string, lifetime time.Duration, err error) {
	proof := api.TokenRequest{ClientID: s.clientID, ClientSecret: s.secret.Reveal(), Audience: s.audience}
	if s.signer != nil {
		if proof.Signature, err = s.assertion(); err != nil {
			return "", 0, err
		}
	}
	body, err := json.Marshal(proof) //nolint:gosec // the secret is for the service
	if err != nil {
		return "", 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.service.base+tokenPath, bytes.NewReader(body))
	if err != nil {
		return "", 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := s.service.do(request, maxToken)
	if err != nil {
		return "", 0, err
	}
	if answer.status != http.StatusOK {
		return "", 0, refusedBy(answer)
	}
	return s.granted(answer.body)
}

// assertion signs who we are (RFC 7523 section 3). It works once.
func (s *Source) assertion() (string, error) {
	now := s.now()
	payload, err := json.Marshal(struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience string `json:"aud"`
		IssuedAt int64  `json:"iat"`
		Expires  int64  `json:"exp"`
		ID       string `json:"jti"`
	}{s.clientID, s.clientID, s.service.issuer, now.Unix(), now.Add(assertionLife).Unix(), rand.Text()})
	if err != nil {
		return "", err
	}
	return s.signer.Sign(payload)
}

// granted reads a token out of the service's answer (RFC 6749 section 5.1).
func (s *Source) granted(body []byte) (string, time.Duration, error) {
	var got api.TokenResponse
	if err := jose.DecodeStrict(body, &got); err != nil {
		return "", 0, fmt.Errorf("reading the answer with the token: %w", err)
	}
	lifetime := time.Duration(got.ExpiresIn) * time.Second
	switch {
	case got.Token == "" || !strings.EqualFold(got.TokenType, api.TokenTypeBearer):
		return "", 0, errors.New("the answer has no bearer token")
	case got.ExpiresIn <= 0 || lifetime/time.Second != time.Duration(got.ExpiresIn):
		return "", 0, errors.New("the answer has no lifetime of its token")
	case got.Audience != s.audience:
		return "", 0, errors.New("the answer has a token for another audience")
	}
	return got.Token, lifetime, nil
}

// refusedBy reads what it can of an answer that is no token.
func refusedBy(a answer) *RequestError {
	problem := problemOf(a.body)
	refused := &RequestError{
		Status: a.status, Code: identity.Shown(problem.Code), Detail: identity.Shown(problem.Detail),
		RequestID: identity.Shown(a.header.Get("X-Request-Id")),
	}
	refused.RetryAfter = retryIn(a.header.Get("Retry-After"))
	return refused
}

// retryIn reads a number of seconds, or a date (RFC 9110 section 10.2.3).
func retryIn(text string) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}
