package main

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin/rest"
)

// interfaceVersion is the version of what is described, not of the program.
const interfaceVersion = "1.0.0"

// document is an OpenAPI document on its way.
type document struct {
	doc      *huma.OpenAPI
	schemas  *schemas
	problems map[identity.Kind]problem
	// permissions are those that the routes of the administration need.
	permissions map[string]string
	err         error
}

func newDocument(comments map[string]comment) (*document, error) {
	d := &document{schemas: newSchemas(comments), problems: map[identity.Kind]problem{}, permissions: map[string]string{}}
	for _, kind := range kinds() {
		p, err := answered(kind)
		if err != nil {
			return nil, fmt.Errorf("what web answers for %s: %w", kind, err)
		}
		d.problems[kind] = p
	}
	for _, route := range new(rest.Handler).Table() {
		d.permissions[route.Method+" "+route.Pattern] = route.Permission
	}
	d.doc = &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Identity", Version: interfaceVersion, Description: introduction,
			License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
		},
		Paths: map[string]*huma.PathItem{},
		Components: &huma.Components{
			Schemas: d.schemas.registry, Responses: map[string]*huma.Response{}, Headers: headerComponents(),
			SecuritySchemes: map[string]*huma.SecurityScheme{"bearer": {
				Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: bearerText,
			}, "client": {
				Type: "http", Scheme: "basic", Description: clientText,
			}},
		},
		Tags: tags,
	}
	return d, nil
}

// operation is a row of the tables.
type operation struct {
	method, path     string
	id, tag          string
	summary, text    string
	parameters       []*huma.Param
	body             any // of a request; nil for none
	examples         []example
	success          []answer
	oauth            bool // a form, and failures as RFC 6749 has them
	fails            []identity.Kind
	alsoMergePatch   bool
	mayBeEmpty       bool // the body may be left out
	extraDescription string
}

// answer is one that is no failure.
type answer struct {
	status    int
	text      string
	body      any    // nil for none
	mediaType string // of a body that is not JSON
	also      string // another media type, for whoever accepts it
	headers   []string
	examples  []example
}

type example struct {
	name, summary string
	value         any
}

func examplesOf(list []example) map[string]*huma.Example {
	examples := map[string]*huma.Example{}
	for _, e := range list {
		examples[e.name] = &huma.Example{Summary: e.summary, Value: e.value}
	}
	return examples
}

var pathWildcard = regexp.MustCompile(`\{(\w+)\}`)

// add puts an operation into the document.
func (d *document) add(o operation) {
	op := &huma.Operation{
		Method: o.method, Path: o.path, OperationID: o.id, Tags: []string{o.tag}, Summary: o.summary, Description: o.text,
		Security: []map[string][]string{},
	}
	o.fails = append(o.fails, identity.Overloaded) // with too many requests at once
	if o.oauth {
		op.Responses = d.oauthFailures(o.fails)
		op.Security = []map[string][]string{{"client": {}}, {}}
	} else {
		op.Responses = d.failures(o.fails)
	}
	if permission, ok := d.permissions[o.method+" "+o.path]; ok {
		delete(d.permissions, o.method+" "+o.path)
		op.Security = []map[string][]string{{"bearer": {}}}
		or := ", or `" + identity.PermissionAdmin + "`"
		if permission == identity.PermissionAdmin {
			or = ""
		}
		op.Description = strings.TrimSpace(o.text + "\n\nNeeds the permission `" + permission + "`" + or + "." + o.extraDescription)
		op.Extensions = map[string]any{"x-permission": permission}
	} else if strings.HasPrefix(o.path, "/api/") {
		d.err = fmt.Errorf("%s %s is no route of the administration", o.method, o.path)
	}
	for _, name := range pathWildcard.FindAllStringSubmatch(o.path, -1) {
		op.Parameters = append(op.Parameters, pathParameter(name[1], o.path))
	}
	op.Parameters = append(op.Parameters, o.parameters...)
	if slices.ContainsFunc(o.success, func(a answer) bool { return a.status == http.StatusCreated }) {
		op.Parameters = append(op.Parameters, idempotencyKey())
	}
	if o.body != nil {
		media := &huma.MediaType{Schema: d.schemas.of(o.body), Examples: examplesOf(o.examples)}
		op.RequestBody = &huma.RequestBody{Required: !o.mayBeEmpty, Content: map[string]*huma.MediaType{"application/json": media}}
		if o.oauth {
			op.RequestBody.Content = map[string]*huma.MediaType{"application/x-www-form-urlencoded": media}
		}
		if o.alsoMergePatch {
			op.RequestBody.Content["application/merge-patch+json"] = media
		}
	}
	for _, a := range o.success {
		if o.tag == authenticationTag {
			a.headers = append(slices.Clone(a.headers), limitHeaders...)
		}
		op.Responses[strconv.Itoa(a.status)] = d.answer(a)
	}
	d.doc.AddOperation(op)
}

func (d *document) answer(a answer) *huma.Response {
	response := &huma.Response{Description: a.text, Headers: headers(a.headers...)}
	switch {
	case a.mediaType != "":
		response.Content = map[string]*huma.MediaType{a.mediaType: {Schema: &huma.Schema{Type: huma.TypeString}}}
	case a.body != nil:
		schema, ok := a.body.(*huma.Schema)
		if !ok {
			schema = d.schemas.of(a.body)
		}
		response.Content = map[string]*huma.MediaType{"application/json": {Schema: schema, Examples: examplesOf(a.examples)}}
	}
	if a.also != "" {
		response.Content[a.also] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Pattern: compactJWS}}
	}
	if response.Description == "" {
		response.Description = http.StatusText(a.status)
	}
	return response
}

// finish makes sure that nothing was forgotten.
func (d *document) finish() error {
	if len(d.permissions) > 0 {
		return fmt.Errorf("not described: %v", slices.Sorted(maps.Keys(d.permissions)))
	}
	return d.err
}

func pathParameter(name, path string) *huma.Param {
	p := &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}
	text(1, 128, "")(p.Schema)
	switch {
	case name == "sid":
		p.Description = "The id of the secret."
	case strings.HasPrefix(path, "/api/throttles/"):
		p.Description = "The id of the throttle."
	case name == "kid":
		p.Description = "The id of the key."
	case strings.HasPrefix(path, "/api/clients/"):
		p.Description = "The client_id."
		text(1, 128, clientID)(p.Schema)
	default:
		p.Description = "The id of the resource."
	}
	return p
}

func query(name, description string, schema *huma.Schema) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: description, Schema: schema}
}

func plainText() *huma.Schema { return &huma.Schema{Type: huma.TypeString} }

// paging are the parameters of every list.
func paging(others ...*huma.Param) []*huma.Param {
	limit := &huma.Schema{Type: huma.TypeInteger, Default: 50}
	number(1, 200)(limit)
	after := plainText()
	text(1, 0, base64url)(after)
	return append([]*huma.Param{
		query("limit", "How many entries a page has at most.", limit),
		query("cursor", "The next_cursor of the page before.", after),
	}, others...)
}

// ifMatch is the parameter of whatever changes a resource that has a version.
func ifMatch() *huma.Param {
	return &huma.Param{
		Name: "If-Match", In: "header", Schema: plainText(),
		Description: "The ETag of the resource as the caller knows it. If it has changed since, nothing is done.",
	}
}

// idempotencyKey is the header of requests that make something.
func idempotencyKey() *huma.Param {
	return &huma.Param{
		Name: "Idempotency-Key", In: "header", Schema: plainText(),
		Description: "A name for this request of the caller's choice, such as a UUID, in quotes or bare, of 1 to 255 characters. For 24 hours the same request under it makes nothing more: " +
			"the answer is what was made, as it is now, without its secret, and with `Idempotency-Replayed: true`. With another body it is 422; 409 while the first is under way, and where what it made is gone.",
	}
}

func ifNoneMatch() *huma.Param {
	return &huma.Param{Name: "If-None-Match", In: "header", Schema: plainText(), Description: "The ETag that the caller has: if it is still the one, the answer is 304."}
}
