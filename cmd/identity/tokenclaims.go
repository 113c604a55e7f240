package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/token"
)

func (x *examination) issuer() finding {
	expected := "not known"
	if x.expected.issuer != "" {
		expected = ascii(quotedText(x.expected.issuer))
	}
	actual := shown(x.claims["iss"])
	iss, isText := textOf(x.claims["iss"])
	switch {
	case x.claims == nil:
		return notChecked(expected, "unknown", noClaims)
	case x.expected.issuer == "":
		return notChecked(expected, actual, x.expected.issuerUnknown)
	case isText && iss == x.expected.issuer:
		return ok(expected, actual)
	case isText && strings.TrimSuffix(iss, "/") == strings.TrimSuffix(x.expected.issuer, "/"):
		return fails(expected, actual, "The issuers differ in the slash at the end, and must be the same to the letter: correct what the verifier expects.")
	default:
		return fails(expected, actual, fmt.Sprintf("It is from the issuer %s: get a token of %s, or correct what the verifier expects.", actual, expected))
	}
}

func (x *examination) audience() finding {
	expected := ascii(quotedText(x.expected.audience))
	if x.claims == nil {
		return notChecked(expected, "unknown", noClaims)
	}
	actual := shown(x.claims["aud"])
	// RFC 7519 section 4.1.3: a string, or an array of them.
	named, isList := textsOf(x.claims["aud"])
	one, isText := textOf(x.claims["aud"])
	if isText {
		named = []string{one}
	}
	switch {
	case slices.Contains(named, x.expected.audience):
		return ok(expected, actual)
	case len(named) == 0:
		return fails(expected, actual, "It does not say whom it is for, so nobody may take it.")
	case isList:
		return fails(expected, actual, fmt.Sprintf("It is for the audiences %s; ask for a token for %s.", actual, expected))
	default:
		return fails(expected, actual, fmt.Sprintf("It is for audience %s; ask for a token for %s.", actual, expected))
	}
}

func (x *examination) expiry() finding {
	const expected = "a time to come"
	if x.claims == nil {
		return notChecked(expected, "unknown", noClaims)
	}
	at, isTime := seconds1970(x.claims["exp"])
	switch {
	case x.claims["exp"] == nil:
		return fails(expected, "none", "It does not say when it expires, so it would be good for ever: a verifier must refuse it.")
	case !isTime:
		return fails(expected, shown(x.claims["exp"]), "Its exp is not a number of seconds since 1970.")
	case at <= x.now:
		return fails(expected, x.moment(at), fmt.Sprintf("It expired %s ago: get another.", lasting(x.now-at)))
	default:
		return ok(expected, x.moment(at))
	}
}

// skew is how many seconds the clock of the issuer may be ahead of the verifier's.
const skew = 60

func (x *examination) beginning() finding {
	expected := fmt.Sprintf("times past, or at most %d seconds ahead", skew)
	if x.claims == nil {
		return notChecked(expected, "unknown", noClaims)
	}
	var actual, advice []string
	for _, name := range []string{"iat", "nbf"} {
		value := x.claims[name]
		at, isTime := seconds1970(value)
		switch {
		case value == nil:
			continue // whether it may be missing is another check's
		case !isTime:
			actual = append(actual, name+" "+shown(value))
			advice = append(advice, "Its "+name+" is not a number of seconds since 1970.")
			continue
		case at <= x.now+skew:
		case name == "iat":
			advice = append(advice, fmt.Sprintf("It says that it was made %s from now: compare the clocks of the issuer and of this machine.", lasting(at-x.now)))
		default:
			advice = append(advice, fmt.Sprintf("It is not valid yet: it will be in %s.", lasting(at-x.now)))
		}
		actual = append(actual, name+" "+x.moment(at))
	}
	if actual == nil {
		actual = []string{"none"}
	}
	if advice != nil {
		return fails(expected, strings.Join(actual, ", "), strings.Join(advice, " "))
	}
	return ok(expected, strings.Join(actual, ", "))
}

func (x *examination) required() finding {
	const expected = "iss, exp, aud, sub, client_id, iat and jti"
	if x.claims == nil {
		return notChecked(expected, "unknown", noClaims)
	}
	var missing []string
	for _, name := range []string{"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} {
		text, isText := textOf(x.claims[name])
		switch name {
		case "exp", "iat", "aud": // other checks look at what they are
			if x.claims[name] != nil {
				continue
			}
		default:
			if isText && text != "" {
				continue
			}
		}
		missing = append(missing, name)
	}
	if missing == nil {
		return ok(expected, "all of them")
	}
	return fails(expected, "all but "+strings.Join(missing, ", "), "It lacks claims that every access token has: this service did not make it.")
}

// subject is about machines, which are their own subject: a client whose id is that of a
// person would else be taken for that person.
func (x *examination) subject() finding {
	const expected = "the client_id, for a machine"
	if x.claims == nil {
		return notChecked(expected, "unknown", noClaims)
	}
	sub, _ := textOf(x.claims["sub"])
	client, _ := textOf(x.claims["client_id"])
	actual := shown(x.claims["sub"]) + ", client_id " + shown(x.claims["client_id"])
	switch grant, _ := textOf(x.claims["gty"]); {
	case grant == token.GrantUser:
		return notChecked(expected, actual, "gty says that it is a person's")
	case grant != token.GrantClient:
		return notChecked(expected, actual, "gty does not say that it is a machine's")
	case sub == client:
		return ok(expected, actual)
	default:
		return fails(expected, actual, "It was given to one machine and is about another: this service makes no such token. Do not trust it.")
	}
}

func (x *examination) permissions() finding {
	const expected = "a list of strings"
	if x.claims == nil {
		return notChecked(expected, "unknown", noClaims)
	}
	value := x.claims["permissions"]
	if value == nil {
		return notChecked(expected, "none", "there are none: the token permits nothing")
	}
	names, isList := textsOf(value)
	if !isList {
		return fails(expected, shown(value), "Its permissions are not a list; a verifier that looked for a part of a text would find what was never given.")
	}
	return ok(expected, plural(int64(len(names)), "permission")+" "+shown(value))
}

// textsOf returns a member that is an array of strings.
func textsOf(value json.RawMessage) ([]string, bool) {
	var items []json.RawMessage
	if value == nil || json.Unmarshal(value, &items) != nil || items == nil {
		return nil, false
	}
	texts := make([]string, len(items))
	for i, item := range items {
		var isText bool
		if texts[i], isText = textOf(item); !isText {
			return nil, false
		}
	}
	return texts, true
}

// seconds1970 returns a NumericDate (RFC 7519 section 2) without its fraction.
func seconds1970(value json.RawMessage) (int64, bool) {
	const most = 1 << 53 // beyond it not every second is a number of JSON
	n, err := strconv.ParseFloat(string(value), 64)
	if err != nil || n > most || n < -most {
		return 0, false
	}
	return int64(n), true
}

// moment is a time and how far off it is.
func (x *examination) moment(at int64) string {
	text := time.Unix(at, 0).UTC().Format(time.RFC3339)
	switch {
	case at > x.now:
		return text + ", in " + lasting(at-x.now)
	case at < x.now:
		return text + ", " + lasting(x.now-at) + " ago"
	default:
		return text + ", now"
	}
}
