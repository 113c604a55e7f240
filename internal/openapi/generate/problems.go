package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// problem is what package web answers for a kind of error.
type problem struct {
	header http.Header
	body   api.Problem
	// oauth is what it answers at /oauth2, with oauthStatus and oauthHeader.
	oauth       api.OAuthError
	oauthStatus int
	oauthHeader http.Header
}

const exampleRequestID = "01985d3a-7c6b-7f00-8a51-3d2f0c5b9e11"

// answered lets package web answer an error of the kind: the status, the headers and
// the document are the real ones.
func answered(kind identity.Kind) (problem, error) {
	router, err := web.New(web.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return problem{}, err
	}
	router.Handle("GET", "/", func(w http.ResponseWriter, _ *http.Request) error {
		e := &identity.Error{Kind: kind}
		switch kind {
		case identity.InvalidRequest:
			e.Fields = []identity.FieldError{{Loc: []string{"body", "audience"}, Message: "is required", Type: identity.FieldMissing}}
		case identity.MethodNotAllowed:
			w.Header().Set("Allow", "GET, HEAD")
		}
		return e
	})
	router.Handle("GET", "/oauth2", func(http.ResponseWriter, *http.Request) error { return &identity.Error{Kind: kind} }, web.OAuth)
	ask := func(path string) *httptest.ResponseRecorder {
		recorder := httptest.NewRecorder()
		request := httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, nil)
		request.Header.Set("X-Request-Id", exampleRequestID)
		router.ServeHTTP(recorder, request)
		return recorder
	}
	document, oauth := ask("/"), ask("/oauth2")
	p := problem{header: document.Header(), oauthHeader: oauth.Header(), oauthStatus: oauth.Code}
	return p, errors.Join(json.Unmarshal(document.Body.Bytes(), &p.body), json.Unmarshal(oauth.Body.Bytes(), &p.oauth))
}

// headers that a response may have, by name.
var headerTexts = map[string]string{
	"X-Request-Id":     "Finds the request in the log. It is the caller's own where that has 1 to 128 of [A-Za-z0-9._-].",
	"Cache-Control":    "Whether and how long the answer may be kept.",
	"ETag":             "The version of the resource, for If-Match or If-None-Match.",
	"WWW-Authenticate": "The challenge (RFC 9110 section 11.6.1; RFC 6750 section 3 for bearer tokens).",
	"Retry-After":      "After how many seconds to try again.",
	"Pragma":           "Always no-cache (RFC 6749 section 5.1).",
	"Allow":            "The methods that the route has.",
	"RateLimit-Policy": "How many attempts of one address may fail (`q`) in how many seconds (`w`): draft-ietf-httpapi-ratelimit-headers. Not there where there is no such limit.",
	"RateLimit":        "How many attempts of this address may still fail (`r`), and after how many seconds all of them may again (`t`).",
}

// limitHeaders are on responses of /auth, as soon as it is known what an attempt costs.
var limitHeaders = []string{"RateLimit-Policy", "RateLimit"}

func header(name string) *huma.Header { return &huma.Header{Ref: "#/components/headers/" + name} }

// headers are those that every response has, and others.
func headers(others ...string) map[string]*huma.Header {
	all := map[string]*huma.Header{}
	for _, name := range append(others, "X-Request-Id", "Cache-Control") {
		all[name] = header(name)
	}
	return all
}

func headerComponents() map[string]*huma.Header {
	components := map[string]*huma.Header{}
	for name, text := range headerTexts {
		schema := &huma.Schema{Type: huma.TypeString}
		if name == "Retry-After" {
			least := 1.0
			schema = &huma.Schema{Type: huma.TypeInteger, Minimum: &least}
		}
		components[name] = &huma.Header{Description: text, Required: !slices.Contains(limitHeaders, name), Schema: schema}
	}
	return components
}

// failures describes the kinds with which an operation can fail, by status. Those of
// one status share a response.
func (d *document) failures(kinds []identity.Kind) map[string]*huma.Response {
	byStatus := map[int][]identity.Kind{}
	for _, kind := range append(kinds, identity.Internal) {
		status := d.problems[kind].body.Status
		if !slices.Contains(byStatus[status], kind) {
			byStatus[status] = append(byStatus[status], kind)
		}
	}
	responses := map[string]*huma.Response{}
	for status, kinds := range byStatus {
		slices.Sort(kinds)
		name := componentName(kinds)
		if d.doc.Components.Responses[name] == nil {
			d.doc.Components.Responses[name] = d.failure(status, kinds)
		}
		responses[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + name}
	}
	return responses
}

// componentName joins the kinds' codes: InvalidTokenOrInternal.
func componentName(kinds []identity.Kind) string {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		for word := range strings.SplitSeq(kind.String(), "_") {
			names[i] += strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(names, "Or")
}

func (d *document) failure(status int, kinds []identity.Kind) *huma.Response {
	media := &huma.MediaType{
		Schema:   &huma.Schema{AllOf: []*huma.Schema{d.schemas.of(api.Problem{})}, Properties: map[string]*huma.Schema{"status": {Const: status}}},
		Examples: map[string]*huma.Example{},
	}
	var codes []string
	var others []string
	for _, kind := range kinds {
		p := d.problems[kind]
		codes = append(codes, kind.String())
		media.Examples[kind.String()] = &huma.Example{Summary: p.body.Detail, Value: p.body}
		for name := range headerTexts {
			if p.header.Get(name) != "" && name != "X-Request-Id" && name != "Cache-Control" && !slices.Contains(others, name) {
				others = append(others, name)
			}
		}
	}
	code := &huma.Schema{}
	oneOf(codes...)(code)
	media.Schema.Properties["code"] = code
	if slices.Contains(kinds, identity.InvalidRequest) {
		media.Schema.Required = []string{"errors"}
	}
	return &huma.Response{
		Description: fmt.Sprintf("%s: %s.", http.StatusText(status), strings.Join(codes, " or ")),
		Headers:     headers(others...), Content: map[string]*huma.MediaType{"application/problem+json": media},
	}
}
