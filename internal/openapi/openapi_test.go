package openapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/seed-60f9e3ad/identity/internal/admin/rest"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/openapi"
)

// document is what the tests look at.
type document struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]struct {
			Properties map[string]any `json:"properties"`
		} `json:"schemas"`
		Responses map[string]response `json:"responses"`
	} `json:"components"`
	Servers []any `json:"servers"`
}

type operation struct {
	OperationID string                `json:"operationId"`
	Description string                `json:"description"`
	Permission  string                `json:"x-permission"`
	Security    []map[string][]string `json:"security"`
	RequestBody response              `json:"requestBody"`
	Responses   map[string]response   `json:"responses"`
}

type response struct {
	Content map[string]struct {
		Schema struct {
			Ref string `json:"$ref"`
		} `json:"schema"`
		Examples map[string]struct {
			Value json.RawMessage `json:"value"`
		} `json:"examples"`
	} `json:"content"`
}

func read(t *testing.T) document {
	t.Helper()
	var d document
	if err := json.Unmarshal(openapi.Document(), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Paths) < 20 {
		t.Fatalf("only %d paths are described", len(d.Paths))
	}
	return d
}

// each runs f for every operation, in order.
func (d document) each(f func(method, path string, o operation)) {
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(d.Paths[path])) {
			f(strings.ToUpper(method), path, d.Paths[path][method])
		}
	}
}

// The document has the routes that the service has, and no other.
func TestRoutesAreThoseOfTheService(t *testing.T) {
	var served, described []string
	for _, route := range identitytest.New(t).Routes {
		served = append(served, route.Pattern+" "+route.Method)
	}
	read(t).each(func(method, path string, _ operation) { described = append(described, path+" "+method) })
	slices.Sort(described)
	for _, route := range served {
		if !slices.Contains(described, route) {
			t.Errorf("%s is served and not described; describe it in internal/openapi/generate", route)
		}
	}
	for _, route := range described {
		if !slices.Contains(served, route) {
			t.Errorf("%s is described and not served", route)
		}
	}
}

// Each operation of the administration names the permission that its route asks for,
// and that a bearer token is needed; no other does.
func TestPermissionsAreThoseOfTheRoutes(t *testing.T) {
	want := map[string]string{}
	for _, route := range new(rest.Handler).Table() {
		want[route.Method+" "+route.Pattern] = route.Permission
	}
	read(t).each(func(method, path string, o operation) {
		permission, guarded := want[method+" "+path]
		if guarded != strings.HasPrefix(path, "/api/") {
			t.Errorf("%s %s: is it of the administration?", method, path)
		}
		if o.Permission != permission || guarded && !strings.Contains(o.Description, "`"+permission+"`") {
			t.Errorf("%s %s names the permission %q, want %q", method, path, o.Permission, permission)
		}
		_, bearer := slices.Concat(o.Security, []map[string][]string{{}})[0]["bearer"]
		if bearer != guarded {
			t.Errorf("%s %s: bearer token %v, want %v", method, path, bearer, guarded)
		}
	})
}

// A handler knows every member that its request is described with, and no other. Each
// is sent as something that it cannot be, so that nothing ever happens.
func TestMembersAreThoseOfTheHandlers(t *testing.T) {
	d, s := read(t), identitytest.New(t)
	token := s.AdminToken()
	ids := map[string]string{} // of what is there, by path
	for path, body := range map[string]string{
		"/api/users": `{"username":"u","password":"a password that nobody uses"}`, "/api/clients": `{"name":"c"}`,
		"/api/roles": `{"name":"r","permissions":[]}`, "/api/audiences": `{"audience":"a","name":"A"}`,
		"/api/keys": `{"algorithm":"ES256"}`,
	} {
		made := s.Object(s.Do("POST", path, body, "Authorization", "Bearer "+token))
		for _, member := range []string{"id", "client_id", "kid"} {
			if id, named := made[member].(string); named {
				ids[path] = id
			}
		}
	}
	bodies := 0
	d.each(func(method, path string, o operation) {
		for mediaType, content := range o.RequestBody.Content {
			if mediaType == "application/x-www-form-urlencoded" {
				continue // RFC 6749 section 3.2: unknown parameters are ignored
			}
			bodies++
			name := strings.TrimPrefix(content.Schema.Ref, "#/components/schemas/")
			members := d.Components.Schemas[name].Properties
			if len(members) == 0 {
				t.Errorf("%s %s: the schema %q has no members", method, path, name)
			}
			body := map[string]any{"no_such_member": 1}
			for member := range members {
				body[member] = []any{map[string]any{}}
			}
			text, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			resource, _, _ := strings.Cut(path, "/{id}")
			answered := s.Do(method, strings.ReplaceAll(path, "{id}", ids[resource]), string(text), "Authorization", "Bearer "+token, "Content-Type", mediaType)
			var unknown []string
			var problem struct {
				Errors []struct {
					Loc  []string
					Type string
				}
			}
			if err := json.Unmarshal(answered.Body, &problem); err != nil || answered.Status != http.StatusUnprocessableEntity {
				t.Fatalf("%s %s: status %d, %v", method, path, answered.Status, err)
			}
			for _, e := range problem.Errors {
				if e.Type == "unknown" {
					unknown = append(unknown, e.Loc[len(e.Loc)-1])
				}
			}
			if !slices.Equal(unknown, []string{"no_such_member"}) {
				t.Errorf("%s %s takes %s not to be its members, want only no_such_member", method, path, unknown)
			}
		}
	})
	if bodies < 15 {
		t.Errorf("only %d request bodies were looked at", bodies)
	}
}

// Every example is of the form that it is an example of.
func TestExamplesAreValid(t *testing.T) {
	const at = "https://id.test/openapi.json"
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(openapi.Document()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource(at, parsed); err != nil {
		t.Fatal(err)
	}
	looked := 0
	check := func(pointer string, r response) {
		for mediaType, content := range r.Content {
			schema, err := compiler.Compile(at + "#" + pointer + "/content/" + strings.ReplaceAll(strings.ReplaceAll(mediaType, "/", "~1"), "*", "%2A") + "/schema")
			if err != nil {
				t.Errorf("%s: %v", pointer, err)
				continue
			}
			for name, example := range content.Examples {
				looked++
				value, err := jsonschema.UnmarshalJSON(bytes.NewReader(example.Value))
				if err == nil {
					err = schema.Validate(value)
				}
				if err != nil {
					t.Errorf("%s: the example %q: %v", pointer, name, err)
				}
			}
		}
	}
	d := read(t)
	d.each(func(method, path string, o operation) {
		path = strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(path, "/", "~1"), "{", "%7B"), "}", "%7D")
		pointer := "/paths/" + path + "/" + strings.ToLower(method)
		check(pointer+"/requestBody", o.RequestBody)
		for status, r := range o.Responses {
			check(pointer+"/responses/"+status, r)
		}
	})
	for name, r := range d.Components.Responses {
		check("/components/responses/"+name, r)
	}
	if looked < 50 {
		t.Errorf("only %d examples were looked at", looked)
	}
}

// Each way to prove oneself has its example.
func TestEveryAuthenticationModeHasAnExample(t *testing.T) {
	d := read(t)
	for path, modes := range map[string][]string{
		"/auth/login": {"password"}, "/auth/token": {"secret", "signature", "static-signature", "both"}, "/auth/password": {"password"},
		"/auth/refresh": {"refresh-token"}, "/auth/logout": {"refresh-token"},
	} {
		examples := d.Paths[path]["post"].RequestBody.Content["application/json"].Examples
		for _, mode := range modes {
			if _, ok := examples[mode]; !ok {
				t.Errorf("%s has no example %q", path, mode)
			}
		}
	}
}

func TestServed(t *testing.T) {
	s := identitytest.New(t)
	r := s.Get(openapi.Path)
	if r.Status != http.StatusOK || !bytes.Equal(r.Body, openapi.Document()) {
		t.Fatalf("status %d, %d bytes", r.Status, len(r.Body))
	}
	if again := s.Get(openapi.Path, "If-None-Match", r.Header.Get("ETag")); again.Status != http.StatusNotModified {
		t.Errorf("with its entity tag: status %d, want 304", again.Status)
	}
	if servers := read(t).Servers; len(servers) > 0 {
		t.Errorf("it names servers: %v", servers)
	}
}

func TestSwitchedOff(t *testing.T) {
	s := identitytest.New(t, identitytest.Options{NoAPIDocs: true})
	for _, path := range []string{openapi.Path, "/docs", "/redoc", "/docs/docs.js", "/redoc/redoc.js"} {
		if r := s.Get(path); r.Status != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, r.Status)
		}
	}
}

// Operation ids are the names of functions in generated clients.
func TestOperationIDs(t *testing.T) {
	seen := map[string]string{}
	read(t).each(func(method, path string, o operation) {
		where := fmt.Sprint(method, " ", path)
		if o.OperationID == "" || seen[o.OperationID] != "" {
			t.Errorf("%s has the operation id %q, like %q", where, o.OperationID, seen[o.OperationID])
		}
		seen[o.OperationID] = where
	})
}
