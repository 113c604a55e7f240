package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// SourceConfig sets up a Source. The client proves itself with what is there: a secret, a
// key, or both.
type SourceConfig struct {
	// Issuer is the issuer, exactly as its tokens have it. It is required.
	Issuer string
	// URL is where the Identity Service is reached, where that is not its issuer.
	URL string
	// Audience is whom the tokens are for. It is required.
	Audience string

	// ClientID is the client that the tokens are issued to. It is required.
	ClientID string
	// Secret is a secret of the client.
	Secret identity.Secret
	// PrivateKey is a private key whose public half the client has registered, as PEM (PKCS#8,
	// PKCS#1 or SEC 1).
	PrivateKey identity.Secret
	// Algorithm is what its signatures are made by: if it is empty, the first that fits the key.
	Algorithm string

	// HTTPClient asks for tokens. The default is one with a timeout, and the proxies of
	// the environment. Redirects are never followed.
	HTTPClient *http.Client
	// AllowHTTP allows http to other machines than this one. Who is between has the secret
	// and the tokens then.
	AllowHTTP bool
	// Logger hears of tokens that could not be renewed. Nobody does if it is nil.
	Logger *slog.Logger
	// Now is the time that signatures are made at: time.Now if it is nil.
	Now func() time.Time
}

// Source gets the access tokens of a machine for one audience. It is safe for concurrent
// use, and needs no end.
type Source struct {
	service  *service
	audience string
	clientID string
	secret   identity.Secret
	signer   *jose.Signer // nil for none
	now      func() time.Time
	logger   *slog.Logger

	mu      sync.Mutex
	held    grant
	running chan struct{} // closed at the end of the request that is on its way
	// What came of the last request: until nextAt, none is made.
	err    error
	nextAt time.Time
	failed int // in a row
}

// grant is a token and its times, by this machine's clocks.
type grant struct {
	token             string
	got, renew, until time.Time
}

const (
	// attempts is how many failures one call of Token bears.
	attempts = 4
	// rejectedRest is how long a token counts as new: that it is refused somewhere is not
	// for its age.
	rejectedRest = 10 * time.Second
	longestPause = 30 * time.Second
	// longestRest bounds what a service, or whoever answers in its place, can ask for.
	longestRest = 5 * time.Minute
)

// NewSource makes a Source. It asks for nothing yet. Its error says what is wrong with the
// configuration.
func NewSource(cfg SourceConfig) (*Source, error) {
	if cfg.Audience == "" || cfg.ClientID == "" {
		return nil, errors.New("client: a source needs an audience and a client id")
	}
	if cfg.Secret.Empty() && cfg.PrivateKey.Empty() {
		return nil, errors.New("client: a source needs a secret, a private key, or both")
	}
	at, err := newService(cfg.Issuer, cfg.URL, cfg.HTTPClient, cfg.AllowHTTP)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	s := &Source{service: at, audience: cfg.Audience, clientID: cfg.ClientID, secret: cfg.Secret, now: cfg.Now, logger: cfg.Logger}
	if !cfg.PrivateKey.Empty() {
		if s.signer, err = newSigner(cfg.PrivateKey, cfg.Algorithm); err != nil {
			return nil, fmt.Errorf("client: %w", err)
		}
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

func newSigner(pem identity.Secret, algorithm string) (*jose.Signer, error) {
	key, err := jose.ParsePrivateKey([]byte(pem.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("reading the private key: %w", err)
	}
	alg := key.Algorithms()[0]
	if algorithm != "" {
		if alg, err = jose.ParseAlgorithm(algorithm); err != nil {
			return nil, err
		}
	}
	return jose.NewSigner(key, alg, "JWT")
}

// Token returns a token that is good for some time yet. It waits only where there is none:
// the next one is got while the one before still counts. A failure that may pass (429, 503, a
// connection that breaks) is tried again, until ctx ends or several attempts have failed; a
// proof that was refused is a [RequestError] at once.
func (s *Source) Token(ctx context.Context) (string, error) {
	for failures := 0; ; {
		token, wait, err := s.look()
		if token != "" {
			return token, nil
		}
		if err != nil {
			failures++
			if failures == attempts || !passes(err) || !inTime(ctx, wait) {
				return "", err
			}
		}
		if err := s.await(ctx, wait); err != nil {
			return "", err
		}
	}
}

// look returns the token, if there is one that counts, and has one got where that is due.
// Else it returns what came of the last request, and for how long none is made.
func (s *Source) look() (token string, wait time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	resting := now.Before(s.nextAt)
	due := !s.held.counts(now) || now.After(s.held.renew)
	if due && !resting && s.running == nil {
		s.running = make(chan struct{})
		go s.run(s.running)
	}
	switch {
	case s.held.counts(now):
		return s.held.token, 0, nil
	case resting:
		return "", s.nextAt.Sub(now), s.err
	default:
		return "", 0, nil
	}
}

// counts reports whether the token has not expired, neither by the time that has elapsed nor
// by the clock, of which the one stands still while a machine sleeps, and the other is set.
func (g grant) counts(now time.Time) bool {
	return g.token != "" && now.Before(g.until) && now.Round(0).Before(g.until.Round(0))
}

// await waits for the request that is on its way, or for the end of a rest.
func (s *Source) await(ctx context.Context, wait time.Duration) error {
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	var rest <-chan time.Time
	if running == nil {
		rest = time.After(wait)
	}
	select {
	case <-running:
		return nil
	case <-rest:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// inTime reports whether ctx is still alive after the wait.
func inTime(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return wait <= longestPause && (!ok || time.Now().Add(wait).Before(deadline))
}

// run makes one request. It goes on when who wanted the token has gone: others want it too.
func (s *Source) run(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	asked := time.Now()
	token, lifetime, err := s.request(ctx)

	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(done)
	s.running, s.err = nil, err
	if err == nil {
		s.failed, s.nextAt = 0, time.Time{}
		// Some time before the end, in which the token may still be on its way.
		margin := min(lifetime/10, 5*time.Second)
		// Those that were started together do not renew together.
		ahead := lifetime/5 + time.Duration(rand.Int64N(int64(lifetime/20))) //nolint:gosec // dice, not a secret
		s.held = grant{token: token, got: asked, renew: asked.Add(lifetime - ahead), until: asked.Add(lifetime - margin)}
		return
	}
	s.failed++
	s.nextAt = time.Now().Add(pause(s.failed, err))
	s.logger.Warn("an access token could not be got", "issuer", s.service.issuer, "client_id", s.clientID, "error", err.Error())
}

// pause is how long to wait after so many failures in a row: what the service says, or
// longer each time, never as long as others who failed with us.
func pause(failed int, err error) time.Duration {
	longest := min(longestPause, 200*time.Millisecond<<min(failed, 10))
	wait := longest/2 + time.Duration(rand.Int64N(int64(longest/2))) //nolint:gosec // dice, not a secret
	if refused, ok := errors.AsType[*RequestError](err); ok {
		wait = max(wait, min(refused.RetryAfter, longestRest))
	}
	return wait
}

// Invalidate drops the token, because somebody has refused it. One that was got just now is
// kept: another would be refused as well.
func (s *Source) Invalidate(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held.token == token && time.Since(s.held.got) >= rejectedRest {
		s.held = grant{}
	}
}
