package identitytest_test

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/openapi"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// elsewhere are the failures that take more than a request: who takes the database away
// has them, and so has who fills the queue for hashing.
var elsewhere = map[int]string{500: "TestSecretsStayInWithoutDatabase", 503: "TestSecretsStayInWithoutDatabase"}

// unreachable are answers that are described and that this service does not give.
var unreachable = map[string]string{
	"GET /docs 404":                                   "API_DOCS is on",
	"GET /redoc 404":                                  "API_DOCS is on",
	"GET /openapi.json 404":                           "API_DOCS is on",
	"GET /metrics 404":                                "there is no OPS_PORT",
	"GET /.well-known/openid-configuration 404":       "the issuer is a URL",
	"GET /.well-known/oauth-authorization-server 404": "the issuer is a URL",
	"PATCH /api/clients/{id} 409":                     "nothing that can be changed of a client is unique",
	"DELETE /api/clients/{id} 409":                    "the last administrator is a user",
	"GET /api/declaration 409":                        "there are fewer things",
	"DELETE /api/audiences/{id} 409":                  "nothing depends on one",
}

// wantAllSeen fails the test for each answer that is described and was not seen.
func (d *driver) wantAllSeen() {
	d.t.Helper()
	var document struct {
		Paths map[string]map[string]struct {
			Responses map[string]json.RawMessage
		}
	}
	d.must(json.Unmarshal(openapi.Document(), &document))
	for pattern, item := range document.Paths {
		for method, operation := range item {
			route := web.Route{Method: strings.ToUpper(method), Pattern: pattern}
			for text := range operation.Responses {
				status, err := strconv.Atoi(text)
				if err != nil { // not an operation
					continue
				}
				name := route.Method + " " + pattern + " " + text
				if !d.seen[route][status] && elsewhere[status] == "" && unreachable[name] == "" {
					d.t.Errorf("%s is described, and no request of this test is answered so", name)
				}
			}
		}
	}
	for kind := identity.Internal; ; kind++ {
		if kind != identity.Internal && kind.String() == identity.Internal.String() {
			break // there are no more
		}
		status := map[identity.Kind]int{identity.Internal: 500, identity.Overloaded: 503, identity.Unavailable: 503}[kind]
		if !d.codes[kind.String()] && elsewhere[status] == "" {
			d.t.Errorf("no request of this test is answered with %s", kind)
		}
	}
}
