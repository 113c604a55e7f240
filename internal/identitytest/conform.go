package identitytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/seed-60f9e3ad/identity/internal/openapi"
)

// description is the part of an OpenAPI document that responses are held to.
type description struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Responses map[string]described `json:"responses"`
		Headers   map[string]struct {
			Required bool `json:"required"`
		} `json:"headers"`
	} `json:"components"`

	compiler *jsonschema.Compiler
	mu       sync.Mutex // the compiler is not for concurrent use
	schemas  map[string]*jsonschema.Schema
}

type operation struct {
	Responses map[string]described `json:"responses"`
}

// described is what may be answered with one status.
type described struct {
	Ref     string                     `json:"$ref"`
	Headers map[string]json.RawMessage `json:"headers"`
	Content map[string]json.RawMessage `json:"content"`

	at string // where it is in the document, as a JSON pointer
}

const documentURL = "https://id.test/openapi.json"

// loadDescription reads the document once in a process.
var loadDescription = sync.OnceValues(func() (*description, error) {
	d := &description{compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	if err := json.Unmarshal(openapi.Document(), d); err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(openapi.Document()))
	if err != nil {
		return nil, err
	}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	return d, d.compiler.AddResource(documentURL, document)
})

// Conforms returns what a response to a request has that the description of the API
// does not: a status, a media type, a missing header, or a body of another form. A
// path or a method that is not described must be answered as one that is not there.
func Conforms(method, path string, r Response) error {
	d, err := loadDescription()
	if err != nil {
		return fmt.Errorf("the description cannot be used: %w", err)
	}
	plain, _, _ := strings.Cut(path, "?")
	pattern, item := d.find(plain, r.Status)
	asked := strings.ToLower(method)
	if method == http.MethodHead {
		asked = "get"
	}
	operation, ok := item[asked]
	switch {
	case ok:
		response, ok := operation.Responses[strconv.Itoa(r.Status)]
		if !ok && r.Status == http.StatusNotFound && strings.Contains(pattern, "{") && d.isProblem(r) == nil {
			return nil // a segment that no route takes
		}
		if !ok {
			return fmt.Errorf("%s %s does not say that it answers %d", method, pattern, r.Status)
		}
		response.at = "/paths/" + escaped(pattern) + "/" + asked + "/responses/" + strconv.Itoa(r.Status)
		return d.check(response, method, r)
	case method == http.MethodOptions && r.Status == http.StatusNoContent:
		return nil // a CORS preflight
	case item != nil && r.Status == http.StatusMethodNotAllowed, item == nil && r.Status == http.StatusNotFound:
		if method == http.MethodHead {
			return nil
		}
		return d.isProblem(r)
	}
	return fmt.Errorf("%s %s is not described, and was answered with %d", method, plain, r.Status)
}

// noRoute checks the answer to a path that is not there.
func noRoute(method, _ string, r Response) error {
	return Conforms(method, "/", r)
}

// find returns the pattern that a path matches, with its operations.
func (d *description) find(path string, status int) (string, map[string]operation) {
	if item, ok := d.Paths[path]; ok {
		return path, item
	}
	for pattern, item := range d.Paths {
		if matches(pattern, path) {
			return pattern, item
		}
		// The documents are also under the issuer's path.
		wellKnown := strings.HasPrefix(pattern, "/.well-known/") && (strings.HasSuffix(path, pattern) || strings.HasPrefix(path, pattern+"/"))
		standard := strings.HasPrefix(pattern, "/oauth2/") && strings.HasSuffix(path, pattern)
		if (wellKnown || standard) && status != http.StatusNotFound {
			return pattern, item
		}
	}
	return "", nil
}

func matches(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(want, got string) bool {
		return want == got || strings.HasPrefix(want, "{") && got != ""
	})
}

// check compares a response with what is described.
func (d *description) check(want described, method string, r Response) error {
	if want.Ref != "" {
		name := strings.TrimPrefix(want.Ref, "#/components/responses/")
		want = d.Components.Responses[name]
		want.at = "/components/responses/" + escaped(name)
	}
	for name := range want.Headers {
		if d.Components.Headers[name].Required && r.Header.Get(name) == "" {
			return fmt.Errorf("the header %s is missing in a response of status %d", name, r.Status)
		}
	}
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case len(want.Content) == 0 && len(r.Body) > 0:
		return fmt.Errorf("there is a body in a response of status %d that has none", r.Status)
	case len(want.Content) == 0 || method == http.MethodHead || want.Content["*/*"] != nil:
		return nil
	case want.Content[mediaType] == nil:
		return fmt.Errorf("the media type %q is not described for status %d", mediaType, r.Status)
	case !strings.HasSuffix(mediaType, "json"):
		return nil
	}
	return d.valid(want.at+"/content/"+escaped(mediaType)+"/schema", r.Body)
}

// isProblem checks that the response is a problem document.
func (d *description) isProblem(r Response) error {
	if got := r.Header.Get("Content-Type"); got != "application/problem+json" {
		return fmt.Errorf("a response of status %d has the media type %q", r.Status, got)
	}
	return d.valid("/components/schemas/Problem", r.Body)
}

// valid checks a body against the schema at a JSON pointer into the document.
func (d *description) valid(pointer string, body []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the body is no JSON: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	schema := d.schemas[pointer]
	if schema == nil {
		if schema, err = d.compiler.Compile(documentURL + "#" + (&url.URL{Path: pointer}).EscapedPath()); err != nil {
			return fmt.Errorf("the schema at %s cannot be used: %w", pointer, err)
		}
		d.schemas[pointer] = schema
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("the body is not what is described at %s: %w", pointer, err)
	}
	return nil
}

// escaped makes one segment of a JSON pointer (RFC 6901 section 3).
func escaped(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(s)
}
