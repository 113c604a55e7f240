package breach

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// CheckURL refuses what is not the address of a range service: an https URL, or an http
// URL of the loopback interface, without user, query and fragment. Its error repeats
// nothing of it.
func CheckURL(text string) error {
	_, err := parseURL(text)
	return err
}

// parseURL returns what a prefix is appended to, which ends with a slash.
func parseURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || strings.ContainsFunc(text, outside) || strings.Contains(u.Hostname(), "%") || u.Opaque != "" || u.Hostname() == "" || u.User != nil || strings.ContainsAny(text, "?#") {
		return "", errors.New("the address of the range service must be a URL in ASCII without user, zone, query and fragment")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		// In the clear, the prefix of every new password would be there to read, and the
		// answers to change.
		return "", errors.New("the address of the range service must begin with https, or with http on the loopback interface")
	}
	return strings.TrimSuffix(u.String(), "/") + "/", nil
}

// outside reports whether a character is none of a URL (RFC 3986 section 2).
func outside(r rune) bool { return r <= ' ' || r > '~' }

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}
