package clientkeys

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"syscall"

	"github.com/seed-60f9e3ad/identity"
)

const (
	maxAnswer = 64 << 10 // bytes
	maxHeader = 16 << 10
)

// newClient makes a client that connects to these addresses only.
func newClient(cfg Config, may func(netip.Addr) bool) *http.Client {
	dialer := &net.Dialer{Timeout: cfg.Timeout, Resolver: cfg.Resolver, Control: func(_, address string, _ syscall.RawConn) error {
		// The address is that of the connection: nothing is resolved after this.
		to, err := netip.ParseAddrPort(address)
		if err != nil || !may(to.Addr()) {
			return &refusedAddress{to.Addr()}
		}
		return nil
	}}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:       nil, // it would resolve the names, and reach what it can
			DialContext: dialer.DialContext,
			// Sessions are not resumed, so that a server has no bytes of its choice sent elsewhere.
			TLSClientConfig: &tls.Config{RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12},
			// An answer that has to be unpacked could become longer than it is.
			DisableCompression: true, DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeader,
			// The end of a request does not end the making of its connection.
			TLSHandshakeTimeout: cfg.Timeout,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// refusedAddress is an address that must not be connected to.
type refusedAddress struct{ address netip.Addr }

func (e *refusedAddress) Error() string {
	return fmt.Sprintf("its host has the address %s, which is not public and not allowed by JWKS_URI_NETWORKS", e.address)
}

// fetch asks for the keys once. Its error repeats nothing of the answer.
func (f *Fetcher) fetch(ctx context.Context, uri string) (found, error) {
	u, err := f.parseURI(uri) // what is allowed may have changed since it was registered
	if err != nil {
		return found{}, errors.New("its URL is not one that may be asked")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return found{}, errors.New("the request cannot be made")
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	request.Header.Set("User-Agent", "identity") // none at all is refused by some
	client := f.http
	if u.Scheme == "https" {
		client = f.https
	}
	response, err := client.Do(request)
	if err != nil {
		return found{}, cause(err)
	}
	defer response.Body.Close()
	if err := acceptable(response); err != nil {
		return found{}, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err := cmp.Or(err, ctx.Err()); err != nil { // that we hang up can look like the end
		return found{}, cause(err)
	}
	if len(body) > maxAnswer {
		return found{}, errTooLong
	}
	return readSet(body)
}

var errTooLong = fmt.Errorf("its answer has more than %d bytes", maxAnswer)

// acceptable refuses an answer whose header says that it is no JWK Set of this size.
func acceptable(r *http.Response) error {
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("its answer has status %d", r.StatusCode)
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil || kind != "application/json" && kind != "application/jwk-set+json": // RFC 7517 section 8.5.1
		return errors.New("its answer is neither application/json nor application/jwk-set+json")
	case len(r.Header.Values("Content-Encoding")) > 0:
		return errors.New("its answer has a Content-Encoding")
	case r.ContentLength > maxAnswer:
		return errTooLong
	}
	return nil
}

// cause is why a request failed, in our words: those of net/http have the URL, and parts
// of whatever was answered.
func cause(err error) error {
	if refused, ok := errors.AsType[*refusedAddress](err); ok {
		return refused
	}
	if timed, ok := errors.AsType[net.Error](err); ok && timed.Timeout() {
		return errors.New("it did not answer in time")
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return errors.New("its host has no address")
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return badCertificate(certificate)
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return fmt.Errorf("no connection: %w", number)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("its answer is cut off")
	}
	return errors.New("it does not speak HTTP as it should")
}

func badCertificate(err error) error {
	if name, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Errorf("its certificate is not for %s", identity.Shown(name.Host))
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return errors.New("its certificate is from an unknown authority")
	}
	return errors.New("its certificate is not valid")
}
