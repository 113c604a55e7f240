package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const (
	maxMetadata = 64 << 10  // bytes
	maxKeySet   = 256 << 10 // bytes
	// requestTimeout bounds a request with its answer, where the caller's client does not.
	requestTimeout = 10 * time.Second
)

// service is where the Identity Service is, and how it is asked.
type service struct {
	issuer string
	// base is what its paths are under. Where it is not the issuer, the metadata, whose
	// addresses are the issuer's, are not asked for.
	base      string
	http      *http.Client
	allowHTTP bool
	ownHTTP   bool // nobody else uses its connections
}

func newService(issuer, base string, client *http.Client, allowHTTP bool) (*service, error) {
	if issuer == "" {
		return nil, errors.New("the issuer is missing")
	}
	s := &service{issuer: issuer, base: strings.TrimSuffix(base, "/"), allowHTTP: allowHTTP}
	if base == "" {
		s.base = strings.TrimSuffix(issuer, "/")
	}
	if err := s.mayAsk(s.base); err != nil {
		return nil, fmt.Errorf("the URL of the service %w", err)
	}
	s.ownHTTP = client == nil
	if s.ownHTTP {
		client = &http.Client{Transport: newTransport()}
	}
	own := *client // its timeout and transport
	// Whoever could redirect could name the keys, or be sent the credentials.
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	own.Jar = nil
	s.http = &own
	return s, nil
}

// close gives connections back that nobody else uses.
func (s *service) close() {
	if s.ownHTTP {
		s.http.CloseIdleConnections()
	}
}

// newTransport is the default of net/http with bounds: the end of a request does not end
// the making of its connection.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: requestTimeout}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
		MaxIdleConns: 4, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: requestTimeout,
		// A connection that is dead and does not say so would else be asked again and again.
		HTTP2: &http.HTTP2Config{SendPingTimeout: requestTimeout / 2, PingTimeout: requestTimeout / 2},
	}
}

// mayAsk refuses a URL that is no http or https URL, and http to other machines unless that
// is allowed: who is between could hand out keys of their own.
func (s *service) mayAsk(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("must be an https URL without user, query and fragment")
	case u.Scheme == "https", u.Scheme == "http" && (s.allowHTTP || loopback(u.Hostname())):
		return nil
	default:
		return errors.New("must begin with https://, unless it is on this machine or AllowHTTP is set")
	}
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// endpoints are the addresses of what the service publishes.
type endpoints struct{ keys, revocations string }

// endpoints are as the metadata have them (RFC 8414 section 3.3, OpenID Connect Discovery
// 1.0 section 4.3), or, without them, as the service has them by itself.
func (s *service) endpoints(ctx context.Context, _ string) (endpoints, string, error) {
	if s.base != strings.TrimSuffix(s.issuer, "/") {
		return endpoints{s.base + "/.well-known/jwks.json", s.base + "/.well-known/revocation-list"}, "", nil
	}
	answer, err := s.get(ctx, s.base+"/.well-known/openid-configuration", "", maxMetadata)
	if err != nil {
		return endpoints{}, "", err
	}
	var metadata struct {
		Issuer      string `json:"issuer"`
		Keys        string `json:"jwks_uri"`
		Revocations string `json:"revocation_list_uri"`
	}
	if err := jose.DecodeStrict(answer.body, &metadata); err != nil {
		return endpoints{}, "", fmt.Errorf("reading the metadata: %w", err)
	}
	if metadata.Issuer != s.issuer { // of another, who would choose the keys
		return endpoints{}, "", errors.New("the metadata are of another issuer")
	}
	for _, address := range []string{metadata.Keys, metadata.Revocations} {
		if err := s.mayAsk(address); err != nil && (address != "" || address == metadata.Keys) {
			return endpoints{}, "", fmt.Errorf("an address in the metadata %w", err)
		}
	}
	return endpoints{metadata.Keys, metadata.Revocations}, "", nil
}

// answer is what the service has answered.
type answer struct {
	status int
	header http.Header
	body   []byte
}

var errTooLong = errors.New("the answer is too long")

// get asks for what has changed since etag; its error is errUnchanged if nothing has. Its
// errors repeat nothing of the answer.
func (s *service) get(ctx context.Context, address, etag string, most int64) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return answer{}, errors.New("the address is not a URL")
	}
	if etag != "" {
		request.Header.Set("If-None-Match", etag)
	}
	got, err := s.do(request, most)
	switch {
	case err != nil:
		return answer{}, err
	case got.status == http.StatusNotModified && etag != "":
		return answer{}, errUnchanged
	case got.status != http.StatusOK:
		return answer{}, fmt.Errorf("%s: the answer has status %d", address, got.status)
	}
	return got, nil
}

// do sends the request and reads the answer, of at most so many bytes.
func (s *service) do(request *http.Request, most int64) (answer, error) {
	response, err := s.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, most+1))
	if err == nil && int64(len(body)) > most {
		err = errTooLong
	}
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", request.URL.Redacted(), err)
	}
	return answer{response.StatusCode, response.Header, body}, nil
}

// problemOf is the service's own word on a failure, as far as it can be read.
func problemOf(body []byte) (problem api.Problem) {
	_ = jose.DecodeStrict(body, &problem) // whatever it is: the status says enough
	return problem
}
