// Package clientkeys gets the keys of clients that publish them themselves (RFC 7591
// section 2, jwks_uri). It hides how a URL that somebody else wrote is asked without
// harm, and when it is asked again.
//
// # Whom it asks
//
// A URL of a client could lead to whatever this machine can reach and the client cannot:
// the services beside it, the metadata of a cloud, a router. So a request goes over
// https to addresses of the public internet only, and to what the operator has allowed,
// there with http too. What counts is the address that a connection is about to be made
// to, after all names are resolved: a name that is resolved otherwise the next time, or
// to several addresses, gets no further. Nobody is redirected, no proxy is used, since
// it would do the resolving, and nothing is sent but the URL. A certificate must be good.
//
// An answer has at most 64 KiB, is not compressed, and is there in 5 seconds with all
// that comes before it. It is read strictly as a JWK Set (RFC 7517 section 5). The first
// 20 keys that can verify are taken; private and symmetric ones never, and the log says
// that they are there to be read by anybody.
//
// # When it asks
//
// Keys count for 5 minutes. An id of a key that is not among them has them asked for
// earlier, so that a client can use a new key at once. One URL is asked once at a time,
// for all who wait, and rests for 30 seconds then, whatever came of it. While it is of
// no use, the last keys that it gave count for up to 24 hours: an outage there must not
// stop a client, and a key that it has withdrawn is refused as soon as it says so.
//
// Whoever asks here waits for somebody else's server: they must hold nothing then that
// others wait for.
package clientkeys

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// Config sets up a Fetcher.
type Config struct {
	// Networks are those in which keys may be although they are not public, and over
	// http. Empty is none.
	Networks []netip.Prefix
	// Roots are the certificate authorities that certificates may come from; nil is those
	// of this machine.
	Roots *x509.CertPool
	// Timeout bounds one request with its answer; zero is 5 seconds.
	Timeout time.Duration
	// Resolver finds the addresses of names; nil is that of this machine.
	Resolver *net.Resolver
	// Now is the time by which keys get old.
	Now    func() time.Time
	Logger *slog.Logger
}

// Fetcher knows the keys at the URLs that it was asked for. It is safe for concurrent
// use.
type Fetcher struct {
	networks    networks
	https, http *http.Client
	timeout     time.Duration
	now         func() time.Time
	logger      *slog.Logger
	slots       chan struct{} // one for each request that is on its way

	fetched, failed, crowded atomic.Uint64

	mu     sync.Mutex
	places map[string]*place // by URL
	uses   uint64            // of all places
}

const (
	defaultTimeout = 5 * time.Second
	// maxFetches is how many requests may be on their way. Others wait for them.
	maxFetches = 32
	// maxPlaces is how many URLs are known at once. One with two RSA keys takes 3 KiB.
	maxPlaces = 4096
)

// New makes a Fetcher. Its error says what is missing, or wrong with the networks.
func New(cfg Config) (*Fetcher, error) {
	if cfg.Now == nil || cfg.Logger == nil {
		return nil, errors.New("fetching the keys of clients needs a clock and a logger")
	}
	allowed, err := newNetworks(cfg.Networks)
	if err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	f := &Fetcher{
		networks: allowed, timeout: cfg.Timeout, now: cfg.Now, logger: cfg.Logger,
		slots: make(chan struct{}, maxFetches), places: map[string]*place{},
	}
	f.https = newClient(cfg, func(a netip.Addr) bool { return f.mayReach("https", a) })
	f.http = newClient(cfg, func(a netip.Addr) bool { return f.mayReach("http", a) })
	return f, nil
}

// Stats counts since the start.
type Stats struct {
	// Fetched are the requests that gave keys, and Failed those that did not. Crowded are
	// those that could not be made because too many others were on their way.
	Fetched, Failed, Crowded uint64
}

// Stats returns the counts.
func (f *Fetcher) Stats() Stats {
	return Stats{f.fetched.Load(), f.failed.Load(), f.crowded.Load()}
}

// Wanted says whose keys are wanted, and to verify what.
type Wanted struct {
	// ClientID is for the log.
	ClientID string
	// URI is where the client's keys are.
	URI string
	// KID and Algorithm are those of a message. If no key would do for it, they are asked
	// for anew.
	KID       string
	Algorithm jose.Algorithm
}

// ErrUnavailable is the error of keys that are not known and cannot be had. What wraps it
// says why, in words that are fit for the log and the audit.
var ErrUnavailable = errors.New("the keys of the client cannot be fetched")

// Keys returns the keys at a URL. They must not be changed. Its error is ErrUnavailable, or
// that of the context. Who calls may have to wait for the timeout, also where the context
// ends earlier: the answer is for others too.
func (f *Fetcher) Keys(ctx context.Context, want Wanted) (Set, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	on, ours := f.look(want)
	switch {
	case ours:
		f.make(ctx, want, on)
	case on.done != nil:
		select {
		case <-on.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return on.set, on.err
}
