package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// VerifierConfig sets up a Verifier. What is not required has a useful zero value.
type VerifierConfig struct {
	// Issuer is the issuer whose tokens are accepted, exactly as its tokens have it. It is
	// required.
	Issuer string
	// Audience is who the tokens must be for: this service. It is required.
	Audience string
	// URL is where the Identity Service is reached, where that is not its issuer: an
	// address inside a cluster, or an issuer that is no URL. Metadata are not asked for
	// then.
	URL string

	// Algorithms are those that tokens may be signed by, all of RS256, PS256, ES256, ES384
	// and EdDSA if empty.
	Algorithms []string
	// Leeway is what the clocks may differ by, in whole seconds: 60 s if it is 0, none if it is
	// negative.
	Leeway time.Duration

	// MaxStale is how long tokens are accepted after the revocation list was last got: 10
	// minutes if it is 0. Afterwards nothing is accepted until it can be had again. (Where
	// something between repeats an old list for as long as that counts, ten minutes and the leeway,
	// MaxStale begins after that.)
	MaxStale time.Duration
	// RevocationsEvery is how often the list is asked for: every 15 s if it is 0. It is what
	// a revocation may be late for.
	RevocationsEvery time.Duration
	// IgnoreRevocations accepts tokens until they expire, revoked or not, and goes on with the
	// last keys for a day while the service is away.
	IgnoreRevocations bool

	// CacheSize is how many tokens are remembered whose signature was verified: 10,000 if it is
	// 0, none if it is negative. One takes about 2 KiB. All else is checked each time.
	CacheSize int

	// HTTPClient asks for keys and lists. The default is one with a timeout, and the
	// proxies of the environment. Redirects are never followed.
	HTTPClient *http.Client
	// AllowHTTP allows http to other machines than this one. Who is between can make keys
	// up then, and with them tokens.
	AllowHTTP bool
	// Logger hears of failures to get keys and lists. Nobody does if it is nil.
	Logger *slog.Logger
	// Now is the time by which tokens expire: time.Now if it is nil.
	Now func() time.Time
}

// Verifier verifies access tokens of one issuer for one audience. It is safe for
// concurrent use.
type Verifier struct {
	service    *service
	audience   string
	algorithms []jose.Algorithm
	leeway     int64 // seconds
	maxStale   time.Duration
	now        func() time.Time
	logger     *slog.Logger

	closed  atomic.Bool
	misled  atomic.Bool // an address of the metadata has led nowhere
	end     context.CancelFunc
	loops   sync.WaitGroup
	places  *document[endpoints]
	keys    *document[keySet]
	revoked *document[*revocations] // nil if revocations are ignored

	verified *otter.Cache[[sha256.Size]byte, *Token] // nil for none
}

const (
	tokenType = "at+jwt"

	defaultLeeway      = time.Minute
	defaultMaxStale    = 10 * time.Minute
	defaultRevocations = 15 * time.Second
	defaultCacheSize   = 10_000
	leastRevocations   = 10 * time.Millisecond
)

// NewVerifier makes a Verifier, which begins to ask for keys and the revocation list.
// It does not wait for them: a service can start while the issuer is away. Its error says
// what is wrong with the configuration. Close ends it.
func NewVerifier(cfg VerifierConfig) (*Verifier, error) {
	if cfg.Audience == "" {
		return nil, errors.New("client: the audience is missing: without one, tokens for any other service would be accepted")
	}
	every, maxStale := orDefault(cfg.RevocationsEvery, defaultRevocations), orDefault(cfg.MaxStale, defaultMaxStale)
	if every < leastRevocations || maxStale < every {
		return nil, errors.New("client: RevocationsEvery must be 10 ms or more, and MaxStale not less than that (15 alone are nanoseconds); IgnoreRevocations does without a list")
	}
	at, err := newService(cfg.Issuer, cfg.URL, cfg.HTTPClient, cfg.AllowHTTP)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	algorithms, err := allowed(cfg.Algorithms)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	life, end := context.WithCancel(context.Background())
	v := &Verifier{
		service: at, audience: cfg.Audience, algorithms: algorithms, end: end,
		leeway:   int64(math.Ceil(orDefault(cfg.Leeway, defaultLeeway).Seconds())),
		maxStale: maxStale,
		now:      cfg.Now, logger: cfg.Logger,
	}
	if v.now == nil {
		v.now = time.Now
	}
	if v.logger == nil {
		v.logger = slog.New(slog.DiscardHandler)
	}
	if size := orDefault(cfg.CacheSize, defaultCacheSize); size > 0 {
		v.verified = otter.Must(&otter.Options[[sha256.Size]byte, *Token]{MaximumSize: size})
	}
	v.places = newDocument(life, at.endpoints)
	v.keys = newDocument(life, v.fetchKeys)
	v.loops.Go(func() { v.keys.keep(keysEvery, v.report("the keys")) })
	if !cfg.IgnoreRevocations {
		v.revoked = newDocument(life, v.fetchRevocations)
		v.loops.Go(func() { v.revoked.keep(every, v.report("the revocation list")) })
	}
	return v, nil
}

// orDefault is set, or what 0 stands for; what is negative stands for nothing.
func orDefault[N int | time.Duration](set, zero N) N {
	if set == 0 {
		return zero
	}
	return max(set, 0)
}

func allowed(names []string) ([]jose.Algorithm, error) {
	if len(names) == 0 {
		return jose.SigningAlgorithms(), nil
	}
	var list []jose.Algorithm
	for _, name := range names {
		alg, err := jose.ParseAlgorithm(name)
		if err != nil {
			return nil, err
		}
		list = append(list, alg)
	}
	return list, nil
}

func (v *Verifier) report(what string) func(error) {
	return func(err error) {
		v.logger.Warn("an Identity Service cannot be asked", "issuer", v.service.issuer, "for", what, "error", err.Error())
	}
}

// Close ends what the verifier does by itself, and waits for that. Tokens are not
// accepted afterwards: their revocations would not be seen.
func (v *Verifier) Close() {
	v.closed.Store(true)
	v.end()
	v.loops.Wait()
	v.places.end()
	v.keys.end()
	if v.revoked != nil {
		v.revoked.end()
	}
	v.service.close()
}

// Ready waits until tokens can be verified, or until ctx ends. Its error is ErrUnavailable
// then: it is for a readiness probe, and for a service that will not start alone.
func (v *Verifier) Ready(ctx context.Context) error {
	for {
		err := v.ready(ctx)
		if err == nil || errors.Is(err, ErrClosed) {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return err
		}
	}
}

func (v *Verifier) ready(ctx context.Context) error {
	if v.closed.Load() {
		return ErrClosed
	}
	if _, ok := v.keys.within(keysCount); !ok {
		if err := v.keys.refresh(ctx); err != nil {
			return unavailable(ctx, "getting the keys", err)
		}
	}
	if v.revoked != nil {
		if _, ok := v.revoked.within(v.maxStale); !ok {
			_ = v.revoked.refresh(ctx) // what came of it is seen below
		}
	}
	return v.checkRevoked(ctx, &Token{issuedAt: noTime})
}

// noTime is when no token was issued that is revoked.
const noTime = 1<<63 - 1

// Verify returns what the token says, if it is good now. Its error is one of those of this
// package: ErrUnavailable, or one that is ErrInvalid.
func (v *Verifier) Verify(ctx context.Context, token string) (*Token, error) {
	if len(token) > jose.MaxMessage {
		return nil, ErrMalformed
	}
	sum := sha256.Sum256([]byte(token))
	if v.verified != nil {
		// A key that is not published any more has verified nothing.
		if t, ok := v.verified.GetIfPresent(sum); ok && v.knownKey(t.kid) == t.key {
			return v.checked(ctx, t)
		}
	}
	t, err := v.read(ctx, token)
	if err != nil {
		return nil, err
	}
	if t, err = v.checked(ctx, t); err == nil && v.verified != nil {
		v.verified.Set(sum, t)
	}
	return t, err
}

// read verifies the signature.
func (v *Verifier) read(ctx context.Context, token string) (*Token, error) {
	message, err := jose.Parse(token, v.algorithms)
	switch {
	case errors.Is(err, jose.ErrAlgorithm):
		return nil, ErrAlgorithm
	case err != nil || message.KID() == "":
		return nil, ErrMalformed
	case !isMediaType(message.Type(), tokenType): // RFC 9068 section 4
		return nil, ErrType
	}
	key, err := v.key(ctx, message.KID())
	if err != nil {
		return nil, err
	}
	payload, err := message.Verify(*key)
	if err != nil {
		return nil, ErrSignature
	}
	return readClaims(payload, message.KID(), key)
}

// checked returns t if it is for us, for now, and not revoked.
func (v *Verifier) checked(ctx context.Context, t *Token) (*Token, error) {
	now := v.now().Unix()
	switch {
	case v.closed.Load():
		return nil, ErrClosed
	case t.issuer != v.service.issuer:
		return nil, ErrIssuer
	case !slices.Contains(t.audience, v.audience):
		return nil, ErrAudience
	case now >= t.expires+v.leeway:
		return nil, ErrExpired
	case t.issuedAt > now+v.leeway || t.notBefore > now+v.leeway:
		return nil, ErrNotYet
	}
	if err := v.checkRevoked(ctx, t); err != nil {
		return nil, err
	}
	return t, nil
}
