package client

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Transport is an http.RoundTripper that adds the token to requests to these origins
// ("https://orders.example.com"), and to no others: whoever a service redirects to does not
// get it. A token that is refused with 401 is dropped, and the request made once more with
// another one if its body can be sent again. base makes the requests; it is
// http.DefaultTransport if it is nil. Its error says that something is no origin.
func (s *Source) Transport(base http.RoundTripper, origins ...string) (http.RoundTripper, error) {
	if base == nil {
		base = http.DefaultTransport
	}
	own := make([]string, 0, len(origins))
	for _, text := range origins {
		u, err := url.Parse(text)
		if err != nil || s.service.mayAsk(text) != nil || strings.Trim(u.Path, "/") != "" || strings.Contains(u.Host, "*") {
			return nil, fmt.Errorf("client: an origin must be like https://orders.example.com, and http only on this machine or with AllowHTTP: not %q", text)
		}
		own = append(own, originOf(u))
	}
	if len(own) == 0 {
		return nil, errors.New("client: a transport needs the origins that are to get tokens")
	}
	return &transport{s, base, own}, nil
}

type transport struct {
	source  *Source
	base    http.RoundTripper
	origins []string
}

// originOf is scheme, host and port (RFC 6454 section 4).
func originOf(u *url.URL) string {
	port := u.Port()
	if port == "" && u.Scheme == "https" {
		port = "443"
	} else if port == "" && u.Scheme == "http" {
		port = "80"
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !slices.Contains(t.origins, originOf(r.URL)) || r.Header.Get("Authorization") != "" {
		return t.base.RoundTrip(r)
	}
	token, err := t.source.Token(r.Context())
	if err != nil {
		drop(r.Body)
		return nil, err
	}
	response, err := t.base.RoundTrip(withToken(r, token))
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	t.source.Invalidate(token)
	again, ok := repeated(r)
	if !ok {
		return response, nil
	}
	next, err := t.source.Token(r.Context())
	if err != nil || next == token {
		drop(again.Body)
		return response, nil //nolint:nilerr // the answer that there is says more
	}
	drop(response.Body)
	return t.base.RoundTrip(withToken(again, next))
}

// withToken is a copy: a RoundTripper leaves the request as it is.
func withToken(r *http.Request, token string) *http.Request {
	own := *r // not a Clone: trailers are filled in while the body is read
	own.Header = r.Header.Clone()
	if own.Header == nil {
		own.Header = http.Header{}
	}
	own.Header.Set("Authorization", "Bearer "+token)
	return &own
}

// repeated returns the request to be made once more, if its body can be had again.
func repeated(r *http.Request) (*http.Request, bool) {
	own := *r
	if r.Body == nil || r.Body == http.NoBody {
		return &own, true
	}
	if r.GetBody == nil {
		return nil, false
	}
	body, err := r.GetBody()
	own.Body = body
	return &own, err == nil
}

func drop(body io.ReadCloser) {
	if body != nil {
		_ = body.Close() // it was not read
	}
}
