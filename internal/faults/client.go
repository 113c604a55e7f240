package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/seed-60f9e3ad/identity/api"
)

// ClientConfig says what a client of the service is.
type ClientConfig struct {
	// URL is asked before each request where the service is: Process.URL, or a function
	// that chooses one of several.
	URL func() string
	// Ledger is written by every operation; see Ledger.With.
	Ledger *Ledger
	// Timeout is for one request; zero is 10 s.
	Timeout time.Duration
}

// Client is a client of the service that writes the ledger. An operation is ok where the
// answer is 2xx and failed where it is another below 500. A write without such an answer
// (5xx, a timeout, a connection that broke) is unknown, because it may have happened;
// anything else is failed then, because nothing was gained. A Client is safe for use by
// many goroutines.
type Client struct {
	ClientConfig
	http *http.Client

	mu     sync.Mutex
	bearer string
	issuer string
	tokens map[uint64]string
}

// StatusError is an answer other than 2xx.
type StatusError struct {
	Status int
	// Code is the problem's stable word.
	Code string
	// RetryAfter is the header, empty where there is none.
	RetryAfter string
}

// Error implements error.
func (e *StatusError) Error() string {
	return fmt.Sprintf("the service answered %d %s", e.Status, e.Code)
}

// NewClient returns a client that has no connection yet. It has connections of its own.
func NewClient(cfg ClientConfig) *Client {
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	return &Client{
		ClientConfig: cfg, tokens: map[uint64]string{},
		http: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Close closes the connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Authorize logs an administrator in, whose token goes with every later request to /api,
// until it expires or Authorize is called again.
func (c *Client) Authorize(ctx context.Context, username, password string) error {
	answer, err := c.Login(ctx, username, password, "")
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bearer, c.issuer = answer.Token, answer.Audience // a token for the service itself is for the issuer
	return nil
}

// Issuer is the service's issuer, which an assertion is for; known after Authorize.
func (c *Client) Issuer() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.issuer
}

// Login logs a user in; with no audience, for the service itself.
func (c *Client) Login(ctx context.Context, username, password, audience string) (Session, error) {
	return c.session(ctx, call{
		op: OpLogin, key: username, path: "/auth/login", detail: Detail{DetailCredential: c.Ledger.Credential(password), "audience": audience},
		body: api.LoginRequest{Username: username, Password: password, Audience: audience},
	})
}

// Token gets a token for a machine.
func (c *Client) Token(ctx context.Context, proof Proof, audience string) (api.TokenResponse, error) {
	detail := Detail{"audience": audience}
	if proof.secret != "" {
		detail[DetailCredential] = c.Ledger.Credential(proof.secret)
	}
	if proof.signature != "" {
		detail[DetailJTI], detail[DetailKID] = proof.jti, proof.kid
	}
	answer, id, err := send[api.TokenResponse](ctx, c, call{
		op: OpToken, key: proof.clientID, method: http.MethodPost, path: "/auth/token", detail: detail,
		body: api.TokenRequest{ClientID: proof.clientID, ClientSecret: proof.secret, Signature: proof.signature, Audience: audience},
	}, nil)
	c.keep(id, answer, err)
	return answer, err
}

// keep keeps the token that a call yields for the rule about tokens.
func (c *Client) keep(id uint64, answer api.TokenResponse, err error) {
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.tokens[id] = answer.Token
	}
}

// collect adds the tokens that this client was given.
func (c *Client) collect(into map[uint64]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.Copy(into, c.tokens)
}

// call is one request, and what the ledger says of it.
type call struct {
	op, key string
	detail  Detail
	// write is set where the request changes something.
	write        bool
	method, path string
	body         any // nil for none
}

// send makes a call and writes the ledger. learn returns what the ledger should also
// know of a success; nil learns nothing.
func send[T any](ctx context.Context, c *Client, k call, learn func(T) Detail) (T, uint64, error) {
	entry := c.Ledger.Begin(k.op, k.key, k.detail)
	answer, status, err := exchange[T](ctx, c, k)
	var refused *StatusError
	switch {
	case err == nil:
		var learned Detail
		if learn != nil {
			learned = learn(answer)
		}
		entry.Ok(status, learned)
	case errors.As(err, &refused) && (refused.Status < 500 || !k.write):
		entry.Fail(refused.Status, Detail{"code": refused.Code})
	case k.write:
		entry.Unknown(err)
	default:
		entry.Fail(0, Detail{"error": err.Error()})
	}
	return answer, entry.ID(), err
}

// exchange makes a call and writes nothing.
func exchange[T any](ctx context.Context, c *Client, k call) (answer T, status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	var body io.Reader
	if k.body != nil {
		text, err := json.Marshal(k.body)
		if err != nil {
			return answer, 0, err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, k.method, c.URL()+k.path, body)
	if err != nil {
		return answer, 0, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	c.mu.Lock()
	if c.bearer != "" && strings.HasPrefix(k.path, "/api/") {
		r.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	c.mu.Unlock()
	response, err := c.http.Do(r)
	if err != nil {
		return answer, 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return answer, 0, fmt.Errorf("reading the answer %d: %w", response.StatusCode, err)
	}
	if response.StatusCode/100 != 2 {
		var problem api.Problem
		_ = json.Unmarshal(text, &problem) // what is no problem document has no code
		return answer, response.StatusCode, &StatusError{response.StatusCode, problem.Code, response.Header.Get("Retry-After")}
	}
	if len(text) > 0 {
		err = json.Unmarshal(text, &answer)
	}
	return answer, response.StatusCode, err
}
