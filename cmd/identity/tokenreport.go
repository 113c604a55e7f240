package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// verdict is what a check came to.
type verdict string

const (
	passed    verdict = "ok"
	failed    verdict = "failed"
	unchecked verdict = "not_checked"
)

func (v verdict) words() string {
	switch v {
	case failed:
		return "FAILED"
	case unchecked:
		return "not checked"
	default:
		return string(v)
	}
}

// finding is the result of a check. Its texts are ASCII, whatever the token says.
type finding struct {
	Verdict  verdict `json:"verdict"`
	Expected string  `json:"expected"`
	Actual   string  `json:"actual"`
	// Because says why something is not checked.
	Because string `json:"because,omitempty"`
	// advice says in a sentence or two what a failure means and what to do.
	advice string
}

// check is one of the rules that a token must keep.
type check struct {
	Name string `json:"check"`
	Rule string `json:"rule"`
	finding
}

// report is all that can be said of a token.
type report struct {
	expected expectation
	checks   []check
	// payload is the claims as the signature covers them; nil unless that verifies.
	payload []byte
	// left is how many seconds the token is still good for.
	left int64
	// issuer is what the token says of its issuer.
	issuer string
}

// examine makes every check that can be made. It is the one list of checks that there is.
func examine(token string, e expectation, now time.Time) report {
	x := &examination{token: token, expected: e, now: now.Unix()}
	r := report{expected: e}
	for _, c := range []struct {
		name, rule string
		find       func() finding
	}{
		{"form", "RFC 7515 section 7.1, RFC 7519 section 7.2", x.form}, // first: it reads what the others look at
		{"alg", "RFC 9068 section 4, RFC 8725 section 3.1", x.algorithm},
		{"header", "RFC 7515 sections 4.1.11 and 10.12, RFC 8725 section 3.10", x.foreignMembers},
		{"typ", "RFC 9068 section 4, RFC 8725 section 3.11", x.typ},
		{"kid", "RFC 7515 section 4.1.4", x.keyID},
		{"signature", "RFC 9068 section 4, RFC 7515 section 5.2", x.signature},
		{"iss", "RFC 9068 section 4", x.issuer},
		{"aud", "RFC 9068 section 4, RFC 7519 section 4.1.3", x.audience},
		{"exp", "RFC 9068 section 4, RFC 7519 section 4.1.4", x.expiry},
		{"iat, nbf", "RFC 7519 sections 4.1.5 and 4.1.6", x.beginning},
		{"claims", "RFC 9068 section 2.2", x.required},
		{"sub", "RFC 9068 sections 2.2 and 5", x.subject},
		{"permissions", "this service", x.permissions},
	} {
		f := c.find()
		x.refused = x.refused || f.Verdict == failed
		r.checks = append(r.checks, check{c.name, c.rule, f})
	}
	r.payload, r.issuer = x.payload, shown(x.claims["iss"])
	if at, ok := seconds1970(x.claims["exp"]); ok {
		r.left = at - x.now
	}
	return r
}

// firstFailure returns the first check for which a verifier refuses the token, or nil if it
// takes it.
func (r report) firstFailure() *check {
	for i := range r.checks {
		if r.checks[i].Verdict == failed {
			return &r.checks[i]
		}
	}
	return nil
}

// conclusion says the report in plain words.
func (r report) conclusion() string {
	first := r.firstFailure()
	if first == nil {
		text := fmt.Sprintf("A verifier for the audience %s takes it, and will for another %s.", ascii(quotedText(r.expected.audience)), lasting(r.left))
		if r.expected.issuer == "" {
			text += fmt.Sprintf(" But its issuer was NOT checked: it says %s. Give --issuer.", r.issuer)
		}
		return text
	}
	var others []string
	for _, c := range r.checks {
		if c.Verdict == failed && c.Name != first.Name {
			others = append(others, c.Name)
		}
	}
	if len(others) == 0 {
		return first.advice
	}
	return first.advice + " It also fails: " + strings.Join(others, "; ") + "."
}

func ok(expected, actual string) finding {
	return finding{Verdict: passed, Expected: expected, Actual: actual}
}

func fails(expected, actual, advice string) finding {
	return finding{Verdict: failed, Expected: expected, Actual: actual, advice: advice}
}

func notChecked(expected, actual, because string) finding {
	return finding{Verdict: unchecked, Expected: expected, Actual: actual, Because: "because " + ascii(because)}
}

// shown is a member of the token as people may see it: JSON in ASCII, where letters that
// only look alike differ, and not at length.
func shown(value json.RawMessage) string {
	if value == nil {
		return "none"
	}
	var text strings.Builder
	const most = 120
	for _, r := range string(value) {
		if text.Len() > most {
			return text.String() + "..."
		}
		text.WriteString(ascii(string(r)))
	}
	return text.String()
}

// ascii writes out what is not printable ASCII, as JSON and Go have it.
func ascii(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// quotedText is a text as JSON has it, so that it can be compared with what is shown.
func quotedText(text string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// lasting is a number of seconds for people.
func lasting(seconds int64) string {
	if seconds < 0 {
		seconds = -seconds
	}
	for _, unit := range []struct {
		name   string
		length int64
	}{{"day", 24 * 60 * 60}, {"hour", 60 * 60}, {"minute", 60}} {
		if n := seconds / unit.length; n >= 2 || n == 1 && seconds%unit.length == 0 {
			return plural(n, unit.name)
		}
	}
	return plural(seconds, "second")
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// keyNames lists keys with the algorithm that each is for.
func keyNames(keys []jose.PublicKey) string {
	const most = 5
	var names []string
	for i, k := range keys {
		if i == most {
			names = append(names, fmt.Sprintf("and %d more", len(keys)-most))
			break
		}
		names = append(names, k.KID()+" ("+fitting(k)+")")
	}
	return strings.Join(names, ", ")
}
