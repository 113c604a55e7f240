package clientkeys

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/seed-60f9e3ad/identity"
)

// maxURI is how long the URL may be.
const maxURI = 2000

// CheckURI refuses what keys will not be fetched from, so far as that can be told without
// asking: where its host is no public address and in no allowed network, or what is http
// although no network is allowed. A name is resolved only when keys are fetched.
func (f *Fetcher) CheckURI(text string) error {
	_, err := f.parseURI(text)
	return err
}

func (f *Fetcher) parseURI(text string) (*url.URL, error) {
	invalid := func(format string, args ...any) (*url.URL, error) {
		return nil, identity.InvalidField("jwks_uri", format, args...)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > maxURI || strings.ContainsFunc(text, outside):
		return invalid("must be a URL of at most %d characters, all of them printable ASCII", maxURI)
	case u.Opaque != "" || u.Hostname() == "" || u.User != nil || strings.ContainsAny(text, `#\`) || strings.ContainsAny(u.Hostname(), "%*") || !goodPort(u):
		return invalid("must be a URL with a host, without user, zone and fragment")
	case u.Scheme != "https" && (u.Scheme != "http" || len(f.networks) == 0):
		return invalid("must begin with https")
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && !f.mayReach(u.Scheme, a) {
		return invalid("must not lead to an address that is not public, unless it is in JWKS_URI_NETWORKS")
	}
	return u, nil
}

// mayReach reports whether an address may be connected to.
func (f *Fetcher) mayReach(scheme string, a netip.Addr) bool {
	return f.networks.have(a) || scheme == "https" && public(a)
}

// outside reports whether a character is none of a URL (RFC 3986 section 2).
func outside(r rune) bool { return r <= ' ' || r > '~' }

// goodPort reports whether there is a port, or none, as a URL without one has.
func goodPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && n > 0
}
