package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// examination is the work on one token: what its own words are (header and claims, nil if
// they cannot be read), and what was found out.
type examination struct {
	token    string
	expected expectation
	now      int64

	parts          []string
	header, claims map[string]json.RawMessage
	claimsText     []byte
	refused        bool // by a check before this one
	payload        []byte
}

// form reads the token part by part, so that one that cannot be read leaves the others.
func (x *examination) form() finding {
	const expected = "three parts of base64url with dots between, the first two JSON objects"
	const alone = "This is no token, or more than one: give the token alone, without quotes, \"Bearer\", or the JSON around it."
	switch {
	case len(x.token) > jose.MaxMessage:
		return fails("at most 16384 bytes", "more", "This is too long to be a token.")
	case strings.HasPrefix(x.token, "idr_"):
		return fails(expected, "a refresh token", "This is a refresh token, which POST /auth/refresh takes and nobody else: give the access token.")
	case strings.ContainsAny(x.token, " \t\r\n"):
		return fails(expected, "white space within it", alone)
	case strings.HasPrefix(x.token, "{"):
		return fails(expected, "a JSON object", alone)
	}
	x.parts = strings.Split(x.token, ".")
	if n := len(x.parts); n != 3 {
		x.parts = nil
		advice := alone
		if n == 5 {
			advice = "It is encrypted (RFC 7516), which the tokens of this service are not."
		}
		return fails(expected, plural(int64(n), "part"), advice)
	}
	var faults []string
	x.header, _ = object(x.parts[0], "header", &faults)
	x.claims, x.claimsText = object(x.parts[1], "claims", &faults)
	if _, err := base64.RawURLEncoding.Strict().DecodeString(x.parts[2]); err != nil {
		faults = append(faults, "the signature is not base64url")
	}
	if faults != nil {
		return fails(expected, strings.Join(faults, "; "), "It is damaged, or was never a token: copy it again, whole.")
	}
	return ok(expected, "as expected")
}

// object reads a part of a token, strict base64url of one strict JSON object, and returns
// its text also where that is something else.
func object(part, name string, faults *[]string) (members map[string]json.RawMessage, text []byte) {
	text, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		*faults = append(*faults, "the "+name+" is not base64url")
		return nil, nil
	}
	if err := jose.DecodeStrict(text, &members); err != nil {
		*faults = append(*faults, "the "+name+" "+err.Error())
		return nil, text
	}
	return members, text
}

const (
	noHeader = "the header cannot be read"
	noClaims = "the claims cannot be read"
)

func (x *examination) algorithm() finding {
	allowed := jose.SigningAlgorithms()
	expected := "one of " + jose.Names(allowed)
	if x.header == nil {
		return notChecked(expected, "unknown", noHeader)
	}
	name, _ := textOf(x.header["alg"])
	actual := shown(x.header["alg"])
	switch key, known := x.key(); {
	case strings.EqualFold(name, "none"):
		return fails(expected, actual, "It is not signed: anybody can have made it. Do not trust it.")
	case strings.HasPrefix(name, "HS"):
		return fails(expected, actual, "Its signature is made with a shared secret. This service has none; with the public key for a secret anybody could make it. Do not trust it.")
	case !slices.Contains(allowed, jose.Algorithm(name)):
		return fails(expected, actual, "This service signs nothing with this algorithm: it is a token of somebody else, or a forgery.")
	case known && !key.Fits(jose.Algorithm(name)):
		return fails(fitting(key)+", which the key is for", actual, "The key that it names is for another algorithm: it is a forgery. Do not trust it.")
	default:
		return ok(expected, actual)
	}
}

// foreignMembers looks for what would bring along a key, or change what is signed.
func (x *examination) foreignMembers() finding {
	names := []string{"jwk", "jku", "x5u", "x5c", "crit", "b64", "enc", "zip"}
	expected := "none of " + strings.Join(names, ", ")
	if x.header == nil {
		return notChecked(expected, "unknown", noHeader)
	}
	there := slices.DeleteFunc(names, func(name string) bool { return x.header[name] == nil })
	if len(there) == 0 {
		return ok(expected, "none")
	}
	return fails(expected, strings.Join(there, ", "), "It brings a key along, or asks to be read in another way; this service makes no such token. Do not trust it.")
}

func (x *examination) typ() finding {
	const expected = `"at+jwt"`
	if x.header == nil {
		return notChecked(expected, "unknown", noHeader)
	}
	typ, _ := textOf(x.header["typ"])
	if strings.TrimPrefix(strings.ToLower(typ), "application/") == "at+jwt" {
		return ok(expected, shown(x.header["typ"]))
	}
	return fails(expected, shown(x.header["typ"]), "It is no access token: perhaps an ID token, or the signature that a client logs in with. Get one at POST /auth/login or /auth/token.")
}

// key returns the published key that the token names.
func (x *examination) key() (jose.PublicKey, bool) {
	kid, isText := textOf(x.header["kid"])
	at := slices.IndexFunc(x.expected.keys, func(k jose.PublicKey) bool { return k.KID() == kid })
	if !isText || at < 0 {
		return jose.PublicKey{}, false
	}
	return x.expected.keys[at], true
}

func (x *examination) keyID() finding {
	expected := "a published key: " + keyNames(x.expected.keys)
	if len(x.expected.keys) == 0 {
		expected = "a published key; none is"
	}
	if x.header == nil {
		return notChecked(expected, "unknown", noHeader)
	}
	actual := shown(x.header["kid"])
	if _, known := x.key(); known {
		return ok(expected, actual)
	}
	at, expires := seconds1970(x.claims["exp"])
	iss, _ := textOf(x.claims["iss"])
	advice := "It was signed by a key that is not published (any more): the key was deleted, or never was this issuer's. Get another token; where keys are kept in a file or for long, fetch them again."
	switch {
	case x.header["kid"] == nil:
		advice = "It does not say which key signed it, as every token of this service does: it is somebody else's."
	case x.expected.issuer != "" && iss != x.expected.issuer:
		advice = fmt.Sprintf("It is from the issuer %s, and its key is none of those of %s: it is a token of another service.", shown(x.claims["iss"]), ascii(quotedText(x.expected.issuer)))
	case expires && at <= x.now:
		advice = fmt.Sprintf("It expired %s ago, and the key that signed it is published no more: get another.", lasting(x.now-at))
	}
	return fails(expected, actual, advice)
}

func (x *examination) signature() finding {
	key, known := x.key()
	expected := "a signature by the key that kid names"
	if x.parts == nil {
		return notChecked(expected, "unknown", "the token cannot be read")
	}
	if x.parts[2] == "" {
		return fails(expected, "none", "It is not signed: anybody can have made it. Do not trust it.")
	}
	m, err := jose.Parse(x.token, jose.SigningAlgorithms())
	if err != nil {
		// What is refused here and by no check before must be refused all the same.
		if !x.refused {
			return fails(expected, err.Error(), "Its header is not as those of this service are. Do not trust it.")
		}
		return notChecked(expected, "unknown", err.Error())
	}
	if !known {
		return notChecked(expected, "unknown", "its key is not known")
	}
	payload, err := m.Verify(key)
	if err == nil && bytes.Equal(payload, x.claimsText) {
		x.payload = payload
		return ok(expected, "it verifies")
	}
	for _, other := range x.expected.keys {
		if _, err := m.Verify(other); err == nil {
			return fails(expected, "one by the key "+other.KID(), "It was signed by another published key than it names: whoever made it has the keys mixed up. Get another token.")
		}
	}
	return fails(expected, "one that does not verify", "It was changed after it was signed, or cut off, or is a forgery. Copy it again, whole; if that does not help, do not trust it.")
}

// fitting is the algorithm that a key is bound to, or those that it fits.
func fitting(key jose.PublicKey) string {
	if a, bound := key.Bound(); bound {
		return string(a)
	}
	var names []string
	for _, a := range jose.SigningAlgorithms() {
		if key.Fits(a) {
			names = append(names, string(a))
		}
	}
	return strings.Join(names, " or ")
}

// textOf returns a member that is a string.
func textOf(value json.RawMessage) (string, bool) {
	var text *string
	if value == nil || json.Unmarshal(value, &text) != nil || text == nil {
		return "", false
	}
	return *text, true
}
