// Package breach asks a range service whether a password is known from a breach, without
// telling it which one. It hides the protocol, which is that of the range API of Have I
// Been Pwned and can be served by anybody who has its data.
//
// Of a password only the first 5 of the 40 hexadecimal digits of its SHA-1 leave the
// process; the answer lists all that begin so, some thousand, and is searched here. The
// service is asked to pad its answers, so that their length says nothing either. SHA-1 is
// what such services have, and protects nothing here.
//
// Nobody must be kept from a new password because a service elsewhere is away: what is
// no whole and well-formed answer within a second counts as not known. It is counted,
// and logged once a minute at most, without the password, its hash or the prefix.
package breach

import (
	"bytes"
	"context"
	"crypto/sha1" // #nosec G505 -- the protocol's, and no protection
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

const (
	defaultTimeout = time.Second
	maxAnswer      = 1 << 20 // bytes; the longest true ones have less than a tenth
	maxHeader      = 16 << 10
	maxConnections = 8
	logEvery       = time.Minute
	prefixLength   = 5 // hexadecimal digits
)

// Config sets up a Checker.
type Config struct {
	// URL is what the prefix is appended to, as CheckURL has it.
	URL string
	// Roots are the certificate authorities that the service's certificate may come
	// from; nil is those of this machine.
	Roots *x509.CertPool
	// Timeout bounds one question with its answer; zero is one second.
	Timeout time.Duration
	// Now is the time, by which the log is kept short.
	Now    func() time.Time
	Logger *slog.Logger
}

// Checker asks one service. It is safe for concurrent use.
type Checker struct {
	url     string
	timeout time.Duration
	client  *http.Client
	now     func() time.Time
	logger  *slog.Logger

	known, unknown, failed atomic.Uint64

	mu       sync.Mutex
	nextLog  time.Time
	unlogged int64 // failures since the last record
}

// Stats counts what was asked since the start.
type Stats struct {
	// Known and Unknown were answered; Failed were not.
	Known, Unknown, Failed uint64
}

// New makes a Checker. Its error says what is missing, or wrong with the URL.
func New(cfg Config) (*Checker, error) {
	if cfg.Now == nil || cfg.Logger == nil {
		return nil, errors.New("asking a range service needs a clock and a logger")
	}
	base, err := parseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	return &Checker{
		url: base, timeout: cfg.Timeout, now: cfg.Now, logger: cfg.Logger,
		client: &http.Client{
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, // never for the loopback interface
				// The end of a request does not end the making of its connection.
				DialContext: (&net.Dialer{Timeout: cfg.Timeout}).DialContext, TLSHandshakeTimeout: cfg.Timeout,
				TLSClientConfig: &tls.Config{RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12},
				// An answer that has to be unpacked could become longer than it is.
				DisableCompression: true, ForceAttemptHTTP2: true,
				MaxConnsPerHost: maxConnections, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxHeader,
			},
			// Who is asked is what the operator says, and nobody else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Known reports whether the password is known from a breach, in the form in which it
// would be hashed. What cannot be found out is false.
func (c *Checker) Known(ctx context.Context, password identity.Secret) bool {
	sum := sha1.Sum([]byte(identity.NormalPassword(password).Reveal())) // #nosec G401 -- see above
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	known, err := c.ask(ctx, digits[:prefixLength], digits[prefixLength:])
	switch {
	case err != nil:
		c.failed.Add(1)
		c.report(ctx, err)
	case known:
		c.known.Add(1)
	default:
		c.unknown.Add(1)
	}
	return known && err == nil
}

// Stats returns the counts.
func (c *Checker) Stats() Stats { return Stats{c.known.Load(), c.unknown.Load(), c.failed.Load()} }

func (c *Checker) ask(ctx context.Context, prefix, suffix string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+prefix, nil)
	if err != nil {
		return false, errors.New("the request cannot be made")
	}
	request.Header.Set("Add-Padding", "true")
	request.Header.Set("User-Agent", "identity") // none at all is refused by some
	response, err := c.client.Do(request)
	if err != nil {
		return false, cause(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return false, fmt.Errorf("its answer has status %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return false, cause(err)
	}
	if len(body) > maxAnswer {
		return false, fmt.Errorf("its answer has more than %d bytes", maxAnswer)
	}
	return listed(body, suffix)
}

// cause is what went wrong, without the URL that net/http puts before it: the prefix
// is in there.
func cause(err error) error {
	if slow, ok := errors.AsType[net.Error](err); ok && slow.Timeout() {
		return errors.New("it did not answer in time")
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}

// report logs a failure, and how many there were that it left out.
func (c *Checker) report(ctx context.Context, err error) {
	c.mu.Lock()
	now := c.now()
	if now.Before(c.nextLog) {
		c.unlogged++
		c.mu.Unlock()
		return
	}
	also := c.unlogged
	c.nextLog, c.unlogged = now.Add(logEvery), 0
	c.mu.Unlock()
	c.logger.WarnContext(ctx, "the range service of PASSWORD_RANGE_URL was of no use, so a password was set without it", "reason", err.Error(), "since_the_last_record", also)
}

var errMalformed = errors.New("its answer is not a list of hashes with counts")

// listed reports whether an answer has the suffix with a count above 0; those with 0
// are padding. A line is 35 hexadecimal digits, a colon and a decimal number. An answer
// with any other line is none.
func listed(body []byte, suffix string) (bool, error) {
	found := false
	for line := range bytes.Lines(body) {
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		digits, count, ok := bytes.Cut(line, []byte(":"))
		if !ok || len(digits) != 2*sha1.Size-prefixLength || !hexadecimal(digits) || !decimal(count) {
			return false, errMalformed
		}
		if bytes.EqualFold(digits, []byte(suffix)) && len(bytes.Trim(count, "0")) > 0 {
			found = true
		}
	}
	return found, nil
}

func hexadecimal(s []byte) bool {
	for _, c := range s {
		if (c < '0' || c > '9') && (c < 'A' || c > 'F') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func decimal(s []byte) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) > 0
}
