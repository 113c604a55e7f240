package identity

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Reason is why a request was refused: which check failed, and the facts. It is the Err of
// an Error, so the log and the audit have it and the caller never does. Nothing in it may
// be what somebody typed who has proven nothing: only ids and names that exist, numbers,
// and words of this program.
type Reason struct {
	Check Check
	// Text says in plain words what was found.
	Text string
	// About is the id of the user or client that was refused, where there is one.
	About string
	// Credential is the id of the secret or key that it is about, where there is one.
	Credential string
	// Facts are what was compared: times as RFC 3339, lengths of time in seconds.
	Facts []slog.Attr
}

// Refuse makes a Reason.
func Refuse(check Check, text string) *Reason { return &Reason{Check: check, Text: text} }

// Of says who was refused.
func (r *Reason) Of(id string) *Reason {
	r.About = id
	return r
}

// By says which secret or key it is about.
func (r *Reason) By(credential string) *Reason {
	r.Credential = credential
	return r
}

// With adds a fact.
func (r *Reason) With(name string, value any) *Reason {
	r.Facts = append(r.Facts, slog.Any(name, value))
	return r
}

// At adds a fact that is a time; the zero time is none.
func (r *Reason) At(name string, t time.Time) *Reason {
	if t.IsZero() {
		return r
	}
	return r.With(name, t.UTC().Format(time.RFC3339)) // a year above 9999 is no JSON time
}

// For adds a fact that is a length of time, in whole seconds.
func (r *Reason) For(name string, d time.Duration) *Reason {
	return r.With(name, int64(d.Round(time.Second)/time.Second))
}

// Error returns the text.
func (r *Reason) Error() string { return r.Text }

// Attrs are the reason for the log, without its text, which is that of the error.
func (r *Reason) Attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("check", string(r.Check))}
	if r.About != "" {
		attrs = append(attrs, slog.String("about", r.About))
	}
	if r.Credential != "" {
		attrs = append(attrs, slog.String("credential", r.Credential))
	}
	if len(r.Facts) > 0 {
		attrs = append(attrs, slog.GroupAttrs("facts", r.Facts...))
	}
	return attrs
}

// FactsJSON are the facts as a JSON object; nil if there are none.
func (r *Reason) FactsJSON() (json.RawMessage, error) {
	if len(r.Facts) == 0 {
		return nil, nil
	}
	facts := make(map[string]any, len(r.Facts))
	for _, f := range r.Facts {
		facts[f.Key] = f.Value.Any()
	}
	return json.Marshal(facts)
}

// ReasonOf returns the Reason in err's chain, or nil.
func ReasonOf(err error) *Reason {
	r, _ := errors.AsType[*Reason](err)
	return r
}

// Shown is text of somebody who has proven themselves as a fact may hold it: at most 255
// characters, each of which can be shown.
func Shown(text string) string {
	const most = 255
	text = strings.ToValidUTF8(text, "�")
	var b strings.Builder
	n := 0
	for _, c := range text {
		if n == most {
			return b.String() + "…"
		}
		n++
		if controls(c) || !unicode.IsPrint(c) {
			quoted := strconv.QuoteRuneToASCII(c)
			b.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}
