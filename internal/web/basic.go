package web

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed-60f9e3ad/identity"
)

// BasicCredentials returns the client's id and secret of the Authorization header (RFC 6749
// section 2.3.1): both were encoded as in a form before they were put into the header as RFC
// 7617 has it. sent reports whether there is such a header at all; one that cannot be read
// is InvalidCredentials.
func BasicCredentials(r *http.Request) (id string, secret identity.Secret, sent bool, err error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", identity.Secret{}, false, nil
	}
	if len(values) > 1 {
		return "", identity.Secret{}, true, noBasic("there are several Authorization headers")
	}
	id, secret, why := ParseBasic(values[0])
	if why != "" {
		return "", identity.Secret{}, true, noBasic(why)
	}
	return id, secret, true, nil
}

// ParseBasic reads the value of an Authorization header, or says why it cannot be read.
func ParseBasic(header string) (id string, secret identity.Secret, why string) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") { // RFC 9110 section 11.1
		return "", secret, "the Authorization header has another scheme than Basic"
	}
	text, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || strings.ContainsAny(encoded, "\r\n") {
		return "", secret, "the Basic credentials are no base64"
	}
	rawID, rawSecret, found := strings.Cut(string(text), ":")
	if !found {
		return "", secret, "the Basic credentials have no colon"
	}
	id, err1 := url.QueryUnescape(rawID)
	password, err2 := url.QueryUnescape(rawSecret)
	if err1 != nil || err2 != nil || !plainText(id) || !plainText(password) {
		return "", secret, "the Basic credentials are not encoded as RFC 6749 section 2.3.1 says"
	}
	return id, identity.NewSecret(password), ""
}

func noBasic(why string) error {
	return &identity.Error{Kind: identity.InvalidCredentials, Err: identity.Refuse(identity.RefusedClientHeader, why)}
}
