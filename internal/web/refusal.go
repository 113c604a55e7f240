package web

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/seed-60f9e3ad/identity"
)

// Refusal is a request that a route answers with a problem.
type Refusal struct {
	RequestID string
	IP        netip.Addr
	// Method and Pattern are from bounded sets, as in an Observation.
	Method, Pattern string
	// Status and Code are those of the log: 499 and client_gone where the caller had gone.
	Status int
	Code   string
	// Principal is who has proven to be calling; empty if nobody has.
	Principal string
	// Reason is which check failed, or nil.
	Reason *identity.Reason
	// Text is what the caller is told, where there is no Reason: nothing of what they sent.
	Text string
}

// refuse tells of a refusal.
func (rt *Router) refuse(e *event, r *http.Request, f *failure) {
	if rt.refused == nil || e.pattern == unmatched {
		return
	}
	refusal := Refusal{
		RequestID: e.id, IP: e.ip, Method: methodName(r.Method), Pattern: e.pattern,
		Status: f.logged, Code: f.code, Principal: e.principal, Reason: f.why,
	}
	if refusal.Reason == nil {
		refusal.Text = f.told()
	}
	rt.refused(r.Context(), refusal)
}

// told is what the caller is told, without the names that it has made up.
func (f *failure) told() string {
	var text strings.Builder
	text.WriteString(f.detail)
	for _, field := range f.fields[:min(len(f.fields), 8)] {
		name := "a name that is none"
		if field.Type != identity.FieldUnknown && len(field.Loc) > 1 {
			name = field.Loc[1]
		}
		text.WriteString(" " + name + ": " + field.Message + ".")
	}
	return text.String()
}
